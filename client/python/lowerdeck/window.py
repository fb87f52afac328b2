"""`Window`: how many requests of a session may be on their way before sending waits.

Law: a place is taken before a request is sent, and given back when it was refused or its completion is acknowledged,
which is when the server has deleted it too. Sending never waits for ever.
"""

from __future__ import annotations

import threading

import grpc

from lowerdeck.errors import LimitReached, LowerdeckError

IN_FLIGHT_MAX = 1024
"""Requests on their way in one session, unless `in_flight_max` says otherwise; far more than keeps a device busy."""

WAIT_SECONDS_MAX = 30.0
"""How long sending waits for a place. If no request ends for so long, drivers hold them all: more sending is futile."""


def window_full(limit: int, why: str) -> LimitReached:
    """The error of a Send that found no place."""
    message = f"{limit} requests are on their way, and {why}; raise in_flight_max or wait for completions"
    metadata = {"limit": "in_flight_max", "value": str(limit)}
    return LimitReached(message, grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMIT_REACHED", metadata)


class Window:
    """Places for requests on their way."""

    def __init__(self, size: int) -> None:
        """All places free."""
        self._size = size
        self._taken = 0
        self._changed = threading.Condition()
        self._end: LowerdeckError | None = None

    def enter(self, may_wait: bool) -> None:
        """Takes a place. Raises LimitReached if none gets free in time, or at once for a caller that may not wait."""
        with self._changed:
            free = self._changed.wait_for(
                lambda: self._end is not None or self._taken < self._size, WAIT_SECONDS_MAX if may_wait else 0
            )
            if self._end is not None:
                raise self._end
            if not free:
                why = f"none has ended for {WAIT_SECONDS_MAX:g} s" if may_wait else "the event thread may not wait"
                raise window_full(self._size, why)
            self._taken += 1

    def hold(self) -> None:
        """Takes a place at once, even beyond the size; for what is there already."""
        with self._changed:
            self._taken += 1

    def leave(self, places: int) -> None:
        """Gives places back."""
        if places:
            with self._changed:
                self._taken -= places
                self._changed.notify_all()

    def close(self, error: LowerdeckError) -> None:
        """Nobody enters any more."""
        with self._changed:
            self._end = error
            self._changed.notify_all()

"""`EventFeed`: a copy of a session's events, for tests and tools that want to see them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Callable

from lowerdeck.errors import EventsMissed
from lowerdeck.events import Event

FEED_EVENTS_MAX = 16_384
"""Events that a feed holds unread. A scenario makes a few hundred; a load test reads while it runs."""


class EventFeed(Iterator[Event]):
    """The events from the moment `session.events()` was called, in order. Iterating waits for the next one.

    Iteration ends with the session. It is a copy: what is read here is acknowledged whether it is read or not.
    """

    def __init__(self, limit: int = FEED_EVENTS_MAX) -> None:
        """Holds at most `limit` unread events, then raises EventsMissed at the reader."""
        self._limit = limit
        self._unread: deque[Event] = deque()
        self._changed = threading.Condition()
        self._ended = self._overrun = False

    def __next__(self) -> Event:
        """Waits for the next event, without limit; pytest-timeout or `next(timeout=...)` bound a test."""
        event = self.next()
        if event is None:
            raise StopIteration
        return event

    def next(self, timeout: float | None = None) -> Event | None:
        """Waits for the next event; None at the end of the session. Raises TimeoutError after `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._unread or self._ended or self._overrun, timeout):
                raise TimeoutError(f"no event within {timeout} s")
            if self._unread:
                return self._unread.popleft()
            if self._overrun:
                raise EventsMissed(f"more than {self._limit} events were waiting to be read")
            return None

    def until(self, wanted: Callable[[Event], object], timeout: float | None = None) -> list[Event]:
        """Every event up to and with the first one that is `wanted`. Raises TimeoutError after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        seen: list[Event] = []
        while True:
            remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
            event = self.next(remaining)
            if event is None:
                raise TimeoutError(f"the session ended first; seen: {seen}")
            seen.append(event)
            if wanted(event):
                return seen

    def _put(self, event: Event) -> None:
        with self._changed:
            if len(self._unread) >= self._limit:
                self._overrun = True
            if not self._overrun:
                self._unread.append(event)
            self._changed.notify_all()

    def _end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

"""`EventPump`: the one thread that reads a session's events and hands them on in order, over either road.

Laws: an event is handed on once, whatever happens to connections; what it frees is free only after it was handed on.
The pump ends with the session, or when the connection stays away too long.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Callable, Union

import grpc

from lowerdeck import channel, errors, events
from lowerdeck.event_stream import EventStream
from lowerdeck.ledger import Ledger
from lowerdeck.queue_pair import QueuePair
from lowerdeck.wire import Wire

_log = logging.getLogger(__name__)

Road = Union[EventStream, QueuePair]
"""How events come, and are acknowledged."""


class EventPump:
    """Reads and hands on."""

    def __init__(
        self,
        wire: Wire,
        ledger: Ledger[Any],
        road: Road,
        on_event: Callable[[events.Event], None],
        on_end: Callable[[errors.LowerdeckError], None],
    ) -> None:
        """Reads from `road`; `on_end` gets why it is over."""
        self._wire = wire
        self._ledger = ledger
        self._road = road
        self._on_event = on_event
        self._on_end = on_end
        self._stopping = threading.Event()
        self._stream: Any | None = None
        self._connected = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lowerdeck-events", daemon=True)

    def start(self) -> None:
        """Begins to read, and returns when the server has registered the stream or it has failed for good."""
        self._thread.start()
        self._connected.wait()

    def stop(self) -> None:
        """Ends the pump without waiting for the session to end."""
        self._stopping.set()
        stream = self._stream
        if stream is not None:
            stream.cancel()

    def join(self, timeout: float | None = None) -> bool:
        """Waits until the pump has ended; False if it has not within `timeout` seconds."""
        if not self.is_this_thread():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def is_this_thread(self) -> bool:
        """Whether the caller is a handler that the pump itself is calling."""
        return threading.current_thread() is self._thread

    def _run(self) -> None:
        recovery = channel.Recovery(self._wire.recovery_seconds)
        end: errors.LowerdeckError
        while True:
            try:
                self._read_stream(recovery)
                end = end_of_stream(self._ledger.ending)
                break
            except errors.ConnectionLost as error:
                if self._ledger.ending:
                    end = session_ended(self._ledger.ending)
                    break
                self._road.lost(error)
                pause = recovery.pause(time.monotonic())
                if pause is None or self._stopping.wait(pause):
                    end = error
                    break
            except errors.LowerdeckError as error:
                end = session_ended(self._ledger.ending) if self._ledger.ending else error
                break
            except Exception as error:  # what waits must not wait for ever because an event could not be read
                _log.exception("the event stream could not be read")
                end = errors.ProtocolViolation(f"an event could not be read: {error!r}")
                break
        self._on_end(end)
        self._road.end(end)
        self._connected.set()

    def _read_stream(self, recovery: channel.Recovery) -> None:
        resumed_after = self._ledger.last_sequence
        self._stream = stream = self._road.open(resumed_after)
        if self._stopping.is_set():
            stream.cancel()
        registered = False
        for message in self._wire.answers(stream):
            recovery.succeeded()
            if not registered:
                registered = True
                self._road.acknowledged(resumed_after)
                self._connected.set()
            fresh = self._road.take(message)
            for event in fresh:
                self._hand_on(event)
            if fresh:
                self._road.acknowledge()

    def _hand_on(self, event: events.Event) -> None:
        try:
            self._on_event(event)
        except Exception:  # a done-callback of the user's; the events of others must go on
            _log.exception("a handler of event %d failed", event.sequence)


def session_ended(ending: events.SessionEnding) -> errors.SessionEnded:
    """The error of everything that is asked after this ending."""
    reason = f"SESSION_END_REASON_{ending.reason.name}"
    return errors.SessionEnded(
        f"the session has ended: {ending.reason.name.lower().replace('_', ' ')}",
        grpc.StatusCode.NOT_FOUND,
        "SESSION_ENDED",
        {"end_reason": reason},
    )


def end_of_stream(ending: events.SessionEnding | None) -> errors.LowerdeckError:
    """The error of everything that is asked after the event stream has ended in order."""
    if ending is None:
        return errors.ProtocolViolation("the event stream ended, and no SessionEnding was in it")
    return session_ended(ending)

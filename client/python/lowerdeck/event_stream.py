"""`EventStream`: a session's events as unary calls go with them, read from StreamEvents and acknowledged by calls.

Law: at most one acknowledgement is on its way.
"""

from __future__ import annotations

import threading
from typing import Any, Callable

from lowerdeck import calls, errors, events
from lowerdeck.ledger import Ledger
from lowerdeck.wire import Wire


class EventStream:
    """Where a pump reads events, and acknowledges them."""

    def __init__(
        self, wire: Wire, ledger: Ledger[Any], lock: threading.Lock, on_acknowledged: Callable[[int], None]
    ) -> None:
        """`lock` guards the ledger. `on_acknowledged` gets how many places were freed."""
        self._wire = wire
        self._ledger = ledger
        self._lock = lock
        self._on_acknowledged = on_acknowledged
        self._acknowledging = False

    def open(self, after: int) -> Any:
        """The stream, from the event after this number."""
        return self._wire.stream(calls.stream_events(after))

    def take(self, message: Any) -> list[events.Event]:
        """The events of a message that were not taken before."""
        with self._lock:
            return self._ledger.take(message.events)

    def acknowledge(self) -> None:
        """What was taken has been handed on."""
        with self._lock:
            through = self._ledger.last_sequence
            if self._acknowledging or through <= self._ledger.acknowledged or self._ledger.ending:
                return
            self._acknowledging = True
        self._wire.start(calls.acknowledge_events(through), self._answer)

    def acknowledged(self, through: int) -> None:
        """The server keeps no event up to this number."""
        with self._lock:
            freed = self._ledger.acknowledge(through)
        self._on_acknowledged(freed)

    def lost(self, error: errors.ConnectionLost) -> None:
        """The stream is over, and another will be opened: the calls on their way know that by themselves."""

    def end(self, error: errors.LowerdeckError) -> None:
        """No other will be opened."""

    def _answer(self, acknowledged: int | None, error: errors.RpcRefused | None) -> None:
        with self._lock:
            self._acknowledging = False
        if error is None and acknowledged is not None:
            self.acknowledged(acknowledged)
            self.acknowledge()  # for what came meanwhile
        # After an error nothing is lost: the next batch, or the resumed stream, acknowledges the same events.

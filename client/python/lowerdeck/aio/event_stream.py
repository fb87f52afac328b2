"""`EventStream`: a session's events as unary calls go with them; the twin of `lowerdeck.event_stream`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Callable

import grpc

from lowerdeck import calls, errors, events
from lowerdeck.aio.wire import Wire
from lowerdeck.ledger import Ledger


class EventStream:
    """Where a pump reads events, and acknowledges them."""

    def __init__(self, wire: Wire, ledger: Ledger[Any], on_acknowledged: Callable[[int], None]) -> None:
        """`on_acknowledged` gets how many places were freed."""
        self._wire = wire
        self._ledger = ledger
        self._on_acknowledged = on_acknowledged
        self._acknowledging: asyncio.Task[None] | None = None

    def open(self, after: int) -> AsyncIterator[Any]:
        """The messages of a stream, from the event after this number."""
        return self._wire.answers(self._wire.stream(calls.stream_events(after)))

    def take(self, message: Any) -> list[events.Event]:
        """The events of a message that were not taken before."""
        return self._ledger.take(message.events)

    def acknowledge(self) -> None:
        """What was taken has been handed on."""
        if self._acknowledging is None or self._acknowledging.done():
            self._acknowledging = asyncio.create_task(self._acknowledge())

    def acknowledged(self, through: int) -> None:
        """The server keeps no event up to this number."""
        self._on_acknowledged(self._ledger.acknowledge(through))

    def lost(self, error: errors.ConnectionLost) -> None:
        """The stream is over, and another will be opened: the calls on their way know that by themselves."""

    def end(self, error: errors.LowerdeckError) -> None:
        """No other will be opened."""

    async def stop(self) -> None:
        """Ends what is on its way."""
        task = self._acknowledging
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait([task])

    async def _acknowledge(self) -> None:
        """Acknowledges until all is; after an error the next batch, or the resumed stream, does."""
        while self._ledger.last_sequence > self._ledger.acknowledged and not self._ledger.ending:
            try:
                reply = await self._wire.ask_once(calls.acknowledge_events(self._ledger.last_sequence))
            except grpc.RpcError:
                return
            self.acknowledged(reply.acknowledged_sequence)

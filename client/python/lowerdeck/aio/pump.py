"""`EventPump`: the one task that reads a session's events; the twin of `lowerdeck.pump`, with the same laws."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Callable

import grpc

from lowerdeck import calls, channel, errors, events
from lowerdeck.aio.wire import Wire
from lowerdeck.ledger import Ledger
from lowerdeck.pump import end_of_stream, session_ended

_log = logging.getLogger(__name__)


class EventPump:
    """Reads, hands on, acknowledges."""

    def __init__(
        self,
        wire: Wire,
        ledger: Ledger[Any],
        on_event: Callable[[events.Event], None],
        on_acknowledged: Callable[[int], None],
        on_end: Callable[[errors.LowerdeckError], None],
    ) -> None:
        """`on_acknowledged` gets how many places were freed, `on_end` why it is over."""
        self._wire = wire
        self._ledger = ledger
        self._on_event = on_event
        self._on_acknowledged = on_acknowledged
        self._on_end = on_end
        self._connected = asyncio.Event()
        self._acknowledging: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to read, and returns when the server has registered the stream or it has failed for good."""
        self._task = asyncio.create_task(self._run(), name="lowerdeck-events")
        await self._connected.wait()

    async def join(self, timeout: float | None = None) -> bool:
        """Waits until the pump has ended; False if it has not within `timeout` seconds."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=timeout)
        return self._task is None or self._task.done()

    async def stop(self) -> None:
        """Ends the pump without waiting for the session to end."""
        for task in (self._task, self._acknowledging):
            if task is not None and task is not asyncio.current_task():
                task.cancel()
                await asyncio.wait([task])

    async def _run(self) -> None:
        end: errors.LowerdeckError = errors.ServerFault("the session was abandoned", grpc.StatusCode.CANCELLED)
        try:
            end = await self._read_until_the_end()
        finally:
            self._on_end(end)
            self._connected.set()

    async def _read_until_the_end(self) -> errors.LowerdeckError:
        recovery = channel.Recovery(self._wire.recovery_seconds)
        while True:
            try:
                await self._read_stream(recovery)
            except errors.ConnectionLost as error:
                pause = recovery.pause(time.monotonic())
                if pause is None:
                    return error
                await asyncio.sleep(pause)
            except errors.LowerdeckError as error:
                return session_ended(self._ledger.ending) if self._ledger.ending else error
            except Exception as error:  # what waits must not wait for ever because an event could not be read
                _log.exception("the event stream could not be read")
                return errors.ProtocolViolation(f"an event could not be read: {error!r}")
            else:
                return end_of_stream(self._ledger.ending)

    async def _read_stream(self, recovery: channel.Recovery) -> None:
        resumed_after = self._ledger.last_sequence
        registered = False
        async for message in self._wire.answers(self._wire.stream(calls.stream_events(resumed_after))):
            recovery.succeeded()
            if not registered:
                registered = True
                self._on_acknowledged(self._ledger.acknowledge(resumed_after))
                self._connected.set()
            fresh = self._ledger.take(message.events)
            for event in fresh:
                self._hand_on(event)
            if fresh and (self._acknowledging is None or self._acknowledging.done()):
                self._acknowledging = asyncio.create_task(self._acknowledge())

    def _hand_on(self, event: events.Event) -> None:
        try:
            self._on_event(event)
        except Exception:  # the events of others must go on
            _log.exception("a handler of event %d failed", event.sequence)

    async def _acknowledge(self) -> None:
        """Acknowledges until all is; after an error the next batch, or the resumed stream, does."""
        while self._ledger.last_sequence > self._ledger.acknowledged and not self._ledger.ending:
            try:
                reply = await self._wire.ask_once(calls.acknowledge_events(self._ledger.last_sequence))
            except grpc.RpcError:
                return
            self._on_acknowledged(self._ledger.acknowledge(reply.acknowledged_sequence))

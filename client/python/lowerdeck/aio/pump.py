"""`EventPump`: the one task that reads a session's events, over either road; the twin of `lowerdeck.pump`."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Callable, Union

import grpc

from lowerdeck import channel, errors, events
from lowerdeck.aio.event_stream import EventStream
from lowerdeck.aio.queue_pair import QueuePair
from lowerdeck.aio.wire import Wire
from lowerdeck.ledger import Ledger
from lowerdeck.pump import end_of_stream, session_ended

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
        self._connected = asyncio.Event()
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
        task = self._task
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait([task])
        await self._road.stop()

    async def _run(self) -> None:
        end: errors.LowerdeckError = errors.ServerFault("the session was abandoned", grpc.StatusCode.CANCELLED)
        try:
            end = await self._read_until_the_end()
        finally:
            self._on_end(end)
            self._road.end(end)
            self._connected.set()

    async def _read_until_the_end(self) -> errors.LowerdeckError:
        recovery = channel.Recovery(self._wire.recovery_seconds)
        while True:
            try:
                await self._read_stream(recovery)
            except errors.ConnectionLost as error:
                if self._ledger.ending:
                    return session_ended(self._ledger.ending)
                self._road.lost(error)
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
        async for message in self._road.open(resumed_after):
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
        except Exception:  # the events of others must go on
            _log.exception("a handler of event %d failed", event.sequence)

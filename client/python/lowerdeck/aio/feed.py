"""`EventFeed`: a copy of a session's events; the twin of `lowerdeck.feed`."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Callable

from lowerdeck.errors import EventsMissed
from lowerdeck.events import Event
from lowerdeck.feed import FEED_EVENTS_MAX


class EventFeed(AsyncIterator[Event]):
    """The events from the moment `session.events()` was called, in order; iteration ends with the session."""

    def __init__(self, limit: int = FEED_EVENTS_MAX) -> None:
        """Holds at most `limit` unread events, then raises EventsMissed at the reader."""
        self._limit = limit
        self._unread: deque[Event] = deque()
        self._changed = asyncio.Event()
        self._ended = self._overrun = False

    async def __anext__(self) -> Event:
        """Waits for the next event."""
        event = await self.next()
        if event is None:
            raise StopAsyncIteration
        return event

    async def next(self, timeout: float | None = None) -> Event | None:
        """Waits for the next event; None at the end of the session. Raises TimeoutError after `timeout` seconds."""
        while not (self._unread or self._ended or self._overrun):
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), timeout)
            except asyncio.TimeoutError:
                raise TimeoutError(f"no event within {timeout} s") from None
        if self._unread:
            return self._unread.popleft()
        if self._overrun:
            raise EventsMissed(f"more than {self._limit} events were waiting to be read")
        return None

    async def until(self, wanted: Callable[[Event], object], timeout: float | None = None) -> list[Event]:
        """Every event up to and with the first one that is `wanted`. Raises TimeoutError after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        seen: list[Event] = []
        while True:
            event = await self.next(None if deadline is None else max(0.0, deadline - time.monotonic()))
            if event is None:
                raise TimeoutError(f"the session ended first; seen: {seen}")
            seen.append(event)
            if wanted(event):
                return seen

    def _put(self, event: Event) -> None:
        if len(self._unread) >= self._limit:
            self._overrun = True
        if not self._overrun:
            self._unread.append(event)
        self._changed.set()

    def _end(self) -> None:
        self._ended = True
        self._changed.set()

"""`Window`: how many requests of a session may be on their way; the twin of `lowerdeck.window`."""

from __future__ import annotations

import asyncio
from collections import deque

from lowerdeck.errors import LowerdeckError
from lowerdeck.window import WAIT_SECONDS_MAX, window_full


class Window:
    """Places for requests on their way, given to those who wait in the order in which they came."""

    def __init__(self, size: int) -> None:
        """All places free."""
        self._size = size
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._end: LowerdeckError | None = None

    async def enter(self) -> None:
        """Takes a place. Raises LimitReached if none gets free in time."""
        if self._end is not None:
            raise self._end
        if self._taken < self._size and not self._waiting:
            self._taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await asyncio.wait_for(asyncio.shield(turn), WAIT_SECONDS_MAX)
        except BaseException as error:
            self._withdraw(turn)
            if isinstance(error, asyncio.TimeoutError):
                raise window_full(self._size, f"none has ended for {WAIT_SECONDS_MAX:g} s") from None
            raise

    def leave(self, places: int) -> None:
        """Gives places back, to those who wait first."""
        self._taken -= places
        while self._waiting and self._taken < self._size:
            turn = self._waiting.popleft()
            if not turn.done():
                self._taken += 1
                turn.set_result(None)

    def close(self, error: LowerdeckError) -> None:
        """Nobody enters any more."""
        self._end = error
        for turn in self._waiting:
            if not turn.done():
                turn.set_exception(error)
        self._waiting.clear()

    def _withdraw(self, turn: asyncio.Future[None]) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)
        elif turn.done() and not turn.cancelled() and turn.exception() is None:
            self.leave(1)  # the place came while we stopped waiting

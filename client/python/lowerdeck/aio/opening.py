"""`Opening`: what is being opened, to be awaited, or entered with `async with` so that it is closed again."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar


class _Closable(Protocol):
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


Opened = TypeVar("Opened", bound=_Closable)


class Opening(Generic[Opened]):
    """`await` it for the object, or `async with` it for the object and its end."""

    def __init__(self, opening: Coroutine[Any, Any, Opened]) -> None:
        """Nothing happens before it is awaited or entered."""
        self._opening = opening
        self._opened: Opened | None = None

    def __await__(self) -> Generator[Any, None, Opened]:
        """Opens."""
        return self._opening.__await__()

    async def __aenter__(self) -> Opened:
        """Opens."""
        self._opened = await self._opening
        return self._opened

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes as the object itself does."""
        if self._opened is not None:
            await self._opened.__aexit__(kind, error, trace)

"""`Handle`: a file, a named pipe or a socket of the server's host; the twin of `lowerdeck.handle`, with its laws."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from lowerdeck import errors, handle_calls
from lowerdeck.aio.handle_target import FileHandleTarget
from lowerdeck.aio.opening import Opening
from lowerdeck.hresult import HResult

if TYPE_CHECKING:
    from lowerdeck.aio.session import Session


class Handle:
    """An open HANDLE. Use it in `async with`, which closes it."""

    def __init__(self, session: Session, handle_id: str, number: int, name: str) -> None:
        """Made by `create_file` and its kin."""
        self._session = session
        self.id = handle_id
        """The handle's random UUID, never used again."""
        self.number = number
        """The number by which the stack knows it, never used again."""
        self.name = name
        """The name or address it was opened with."""
        self._closed = False

    def __repr__(self) -> str:
        """For debuggers."""
        return f"<Handle {self.number} {self.name!r} {'closed' if self._closed else 'open'}>"

    def create_target(self, *, timeout: float | None = None, target_id: str | None = None) -> Opening[FileHandleTarget]:
        """IWDFFileHandleTargetFactory::CreateFileHandleTarget: a started target (FHT-11). Raises CreateFailed.

        The target keeps no reference on the handle (FHT-6): end its `async with` before this one's.
        """
        return Opening(self._create_target(timeout, target_id))

    async def _create_target(self, timeout: float | None, target_id: str | None) -> FileHandleTarget:
        chosen = target_id or handle_calls.new_id()
        with errors.ask_again_with(target_id=chosen):
            hresult = await self._session.run(handle_calls.create_file_handle_target(chosen, self.id), timeout)
        if hresult != HResult.S_OK:
            raise errors.CreateFailed(hresult, what=f"CreateFileHandleTarget({self!r})")
        return FileHandleTarget(self._session, chosen, self)

    async def connect(self, timeout: float | None = None) -> HResult:
        """ConnectNamedPipe: waits for a client, with DeadlinePassed after `timeout` seconds, and may be called again.

        S_OK, or ERROR_PIPE_CONNECTED when the client was there before; anything else raises IoFailed.
        """
        hresult = await self._session.run(handle_calls.connect_named_pipe(self.id), timeout)
        return handle_calls.expect(hresult, "ConnectNamedPipe", HResult.ERROR_PIPE_CONNECTED)

    async def disconnect(self, timeout: float | None = None) -> None:
        """DisconnectNamedPipe: takes the client off. Raises IoFailed."""
        hresult = await self._session.run(handle_calls.disconnect_named_pipe(self.id), timeout)
        handle_calls.expect(hresult, "DisconnectNamedPipe")

    async def close(self, timeout: float | None = None) -> None:
        """CloseHandle: ends what is under way on the handle, and returns when its object is free again.

        Under a live target this is a driver's bug, recorded as a finding (FHT-20). A second call does nothing; Win32's
        ERROR_INVALID_HANDLE is what `session.run(handle_calls.close_handle(handle.id))` answers then.
        """
        if self._closed:
            return
        hresult = await self._session.run(handle_calls.close_handle(self.id), timeout)
        self._closed = True
        handle_calls.expect(hresult, "CloseHandle", HResult.ERROR_INVALID_HANDLE)  # asked again: the answer was lost

    @property
    def closed(self) -> bool:
        """Whether it was closed here."""
        return self._closed

    async def __aenter__(self) -> Handle:
        """The handle."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes; if the block has failed already, an error of closing does not take its place."""
        try:
            await self.close()
        except errors.LowerdeckError:
            if error is None:
                raise

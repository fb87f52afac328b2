"""`FileHandleTarget`: an I/O target on a handle; the twin of `lowerdeck.handle_target`."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from lowerdeck import formats
from lowerdeck.aio.pending import PendingRequest, UnansweredSends
from lowerdeck.aio.target import IoTarget
from lowerdeck.enums import SendFlags
from lowerdeck.errors import LowerdeckError
from lowerdeck.formats import Format, Part
from lowerdeck.hresult import HResult

if TYPE_CHECKING:
    from lowerdeck.aio.handle import Handle
    from lowerdeck.aio.session import Session


class FileHandleTarget(IoTarget):
    """IWDFIoTarget of a handle. Made by `Handle.create_target`; use it in `async with`, which deletes it (FHT-21).

    pFile is NULL, which means the target's own handle; `file`, another target, replaces it for one request (FHT-7).
    Offsets count on files alone (FHT-10). What is read with a failure such as ERROR_MORE_DATA is the `data` of IoFailed
    (FHT-15). A `timeout` of read, write and control is UMDF's own: it asks to cancel and does not abandon (REQ-24).
    """

    def __init__(self, session: Session, target_id: str, handle: Handle) -> None:
        """Made by `Handle.create_target`."""
        super().__init__(session, target_id)
        self.handle = handle
        self._deleted = False
        self._unanswered = UnansweredSends()

    def __repr__(self) -> str:
        """For debuggers."""
        return f"<FileHandleTarget {self.id} on {self.handle!r}{' deleted' if self._deleted else ''}>"

    # --- one at a time ------------------------------------------------------------------------------------------------

    async def read(
        self,
        length: int,
        offset: int | None = None,
        *,
        timeout: float | None = None,
        file: FileHandleTarget | None = None,
    ) -> bytes:
        """ReadFile: up to `length` bytes, or the next message. Raises IoFailed or its kin."""
        pending = await self.send_read(length, offset, timeout=timeout, file=file)
        return (await pending.result()).data

    async def write(
        self,
        data: bytes,
        offset: int | None = None,
        *,
        timeout: float | None = None,
        file: FileHandleTarget | None = None,
    ) -> int:
        """WriteFile: one message on a pipe of messages. Returns the bytes written. Raises IoFailed or its kin."""
        pending = await self.send_write(data, offset, timeout=timeout, file=file)
        return (await pending.result()).information

    async def device_io_control(
        self,
        code: int,
        data: bytes | None = None,
        output_length: int | None = None,
        *,
        timeout: float | None = None,
        file: FileHandleTarget | None = None,
    ) -> bytes:
        """DeviceIoControl; returns its output. Raises IoFailed or its kin."""
        pending = await self.send_device_io_control(code, data, output_length, timeout=timeout, file=file)
        return (await pending.result()).data

    async def flush(self, *, timeout: float | None = None, file: FileHandleTarget | None = None) -> None:
        """FlushFileBuffers, for files alone. Raises IoFailed or its kin."""
        pending = await self.send_flush(timeout=timeout, file=file)
        await pending.result()

    async def query_information(
        self,
        information_class: int,
        length: int,
        *,
        timeout: float | None = None,
        file: FileHandleTarget | None = None,
    ) -> bytes:
        """Queries up to `length` bytes of a FILE_INFORMATION_CLASS. Raises IoFailed or its kin."""
        pending = await self.send_query_information(information_class, length, timeout=timeout, file=file)
        return (await pending.result()).data

    async def set_information(
        self,
        information_class: int,
        data: bytes,
        *,
        timeout: float | None = None,
        file: FileHandleTarget | None = None,
    ) -> None:
        """Changes information of a FILE_INFORMATION_CLASS, such as the end of a file. Raises IoFailed or its kin."""
        pending = await self.send_set_information(information_class, data, timeout=timeout, file=file)
        await pending.result()

    # --- many at a time -----------------------------------------------------------------------------------------------

    async def send_read(
        self,
        length: int | None,
        offset: int | None = None,
        *,
        part: Part | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        file: FileHandleTarget | None = None,
        retain: bool = False,
    ) -> PendingRequest:
        """FormatRequestForRead and Send, as `DriverCreatedFile.send_read`."""
        return await self._send(formats.read(_id(file), length, offset, part, self.id), timeout, flags, retain)

    async def send_write(
        self,
        data: bytes | None,
        offset: int | None = None,
        *,
        part: Part | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        file: FileHandleTarget | None = None,
        retain: bool = False,
    ) -> PendingRequest:
        """FormatRequestForWrite and Send, as `DriverCreatedFile.send_write`."""
        return await self._send(formats.write(_id(file), data, offset, part, self.id), timeout, flags, retain)

    async def send_device_io_control(
        self,
        code: int,
        data: bytes | None = None,
        output_length: int | None = None,
        *,
        input_part: Part | None = None,
        output_part: Part | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        file: FileHandleTarget | None = None,
        retain: bool = False,
    ) -> PendingRequest:
        """FormatRequestForIoctl and Send, as `DriverCreatedFile.send_device_io_control`."""
        form = formats.device_control(_id(file), code, data, output_length, input_part, output_part, self.id)
        return await self._send(form, timeout, flags, retain)

    async def send_flush(
        self,
        *,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        file: FileHandleTarget | None = None,
        retain: bool = False,
    ) -> PendingRequest:
        """FormatRequestForFlush and Send (TGT-16)."""
        return await self._send(formats.flush(_id(file), self.id), timeout, flags, retain)

    async def send_query_information(
        self,
        information_class: int,
        length: int | None,
        *,
        part: Part | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        file: FileHandleTarget | None = None,
        retain: bool = False,
    ) -> PendingRequest:
        """FormatRequestForQueryInformation and Send (TGT-16)."""
        form = formats.query_information(_id(file), information_class, length, part, self.id)
        return await self._send(form, timeout, flags, retain)

    async def send_set_information(
        self,
        information_class: int,
        data: bytes | None,
        *,
        part: Part | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        file: FileHandleTarget | None = None,
        retain: bool = False,
    ) -> PendingRequest:
        """FormatRequestForSetInformation and Send (TGT-16)."""
        form = formats.set_information(_id(file), information_class, data, part, self.id)
        return await self._send(form, timeout, flags, retain)

    async def cancel_sent_requests(self) -> None:
        """CancelSentRequestsForFile with the target's own file (TGT-33); the completions follow."""
        await self.cancel_sent_requests_for_file(self)

    # --- the end ------------------------------------------------------------------------------------------------------

    async def delete(self, timeout: float | None = None) -> HResult:
        """DeleteWdfObject, after the Sends made here were answered: cancels and waits for all of them (FHT-21).

        The handle stays open (FHT-22). `timeout` ends the wait with DeadlinePassed, not the deletion.
        """
        await self._unanswered.wait(timeout)
        hresult = await super().delete(timeout)
        self._deleted = True
        return hresult

    async def __aenter__(self) -> FileHandleTarget:
        """The target."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Deletes; if the block has failed already, an error of deleting does not take its place."""
        try:
            if not self._deleted:
                await self.delete()
        except LowerdeckError:
            if error is None:
                raise

    async def _send(self, form: Format, timeout: float | None, flags: int, retain: bool) -> PendingRequest:
        pending = await self._session.format_and_send(form, formats.send_options(timeout, flags), retain)
        self._unanswered.add(pending)
        return pending


def _id(file: FileHandleTarget | None) -> str:
    return file.id if file else ""

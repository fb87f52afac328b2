"""`IoRequest`: a driver-created request, step by step as UMDF has it; the twin of `lowerdeck.request`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lowerdeck import calls, errors, formats
from lowerdeck.aio.pending import PendingRequest
from lowerdeck.completion import Completion
from lowerdeck.enums import CancelAnswer, SendFlags
from lowerdeck.formats import Format, Part
from lowerdeck.hresult import HResult
from lowerdeck.request import RequestStatus

if TYPE_CHECKING:
    from lowerdeck.aio.file import DriverCreatedFile
    from lowerdeck.aio.handle_target import FileHandleTarget
    from lowerdeck.aio.session import Session
    from lowerdeck.aio.target import IoTarget


class IoRequest:
    """IWDFIoRequest. Made by `create_request`.

    Methods answer what their UMDF namesakes return, a failing HRESULT included; exceptions are for refused questions.
    """

    def __init__(self, session: Session, request_id: int, completion_callback: bool = True) -> None:
        """Made by `create_request`."""
        self._session = session
        self.id = request_id
        self._completion_callback = completion_callback
        self._target_id = ""
        self._file_id = ""
        self._sent: PendingRequest | None = None

    async def format_for_read(
        self,
        file: DriverCreatedFile | FileHandleTarget | None,
        length: int | None,
        offset: int | None = None,
        *,
        part: Part | None = None,
        target: IoTarget | None = None,
    ) -> HResult:
        """FormatRequestForRead; None stands for a NULL file or memory."""
        return await self._format(formats.read(_id(file), length, offset, part, _id(target)))

    async def format_for_write(
        self,
        file: DriverCreatedFile | FileHandleTarget | None,
        data: bytes | None,
        offset: int | None = None,
        *,
        part: Part | None = None,
        target: IoTarget | None = None,
    ) -> HResult:
        """FormatRequestForWrite; None stands for a NULL file or memory."""
        return await self._format(formats.write(_id(file), data, offset, part, _id(target)))

    async def format_for_ioctl(
        self,
        file: DriverCreatedFile | FileHandleTarget | None,
        code: int,
        data: bytes | None = None,
        output_length: int | None = None,
        *,
        input_part: Part | None = None,
        output_part: Part | None = None,
        output_contents: bytes | None = None,
        target: IoTarget | None = None,
    ) -> HResult:
        """FormatRequestForIoctl; None stands for a NULL file or memory. METHOD_IN_DIRECT shows `output_contents` below."""
        form = formats.device_control(
            _id(file), code, data, output_length, input_part, output_part, _id(target), output_contents
        )
        return await self._format(form)

    async def format_for_flush(
        self, file: DriverCreatedFile | FileHandleTarget | None, *, target: IoTarget | None = None
    ) -> HResult:
        """FormatRequestForFlush; None stands for a NULL file (TGT-16)."""
        return await self._format(formats.flush(_id(file), _id(target)))

    async def format_for_query_information(
        self,
        file: DriverCreatedFile | FileHandleTarget | None,
        information_class: int,
        length: int | None,
        *,
        part: Part | None = None,
        target: IoTarget | None = None,
    ) -> HResult:
        """FormatRequestForQueryInformation; None stands for a NULL file or memory (TGT-16)."""
        form = formats.query_information(_id(file), information_class, length, part, _id(target))
        return await self._format(form)

    async def format_for_set_information(
        self,
        file: DriverCreatedFile | FileHandleTarget | None,
        information_class: int,
        data: bytes | None,
        *,
        part: Part | None = None,
        target: IoTarget | None = None,
    ) -> HResult:
        """FormatRequestForSetInformation; None stands for a NULL file or memory (TGT-16)."""
        form = formats.set_information(_id(file), information_class, data, part, _id(target))
        return await self._format(form)

    async def send(
        self, timeout: float | None = None, flags: int = SendFlags.NONE, *, target: IoTarget | None = None
    ) -> HResult:
        """IWDFIoRequest::Send (REQ-7), to the target it was formatted for unless another is given.

        `timeout` is UMDF's, in seconds. With SendFlags.SYNCHRONOUS it returns after the completion. A ConnectionLost
        leaves open whether the request was sent; `get` tells.
        """
        pending = self._session.begin(self.id, self._file_id, self._completion_callback)
        self._sent = pending
        target_id = self._target_id if target is None else target.id
        try:
            reply = await self._session.run(
                calls.send_request(self.id, formats.send_options(timeout, flags), target_id)
            )
        except errors.LowerdeckError as error:
            self._session.failed(pending, error)
            raise
        self._session.answered(pending, reply.hresult)
        return HResult(reply.hresult)

    async def completion(self, timeout: float | None = None) -> Completion:
        """Waits for the completion of the last Send, whatever its HRESULT; see PendingRequest.completion.

        A request without completion callback is not heard of (REQ-15); `get` polls it.
        """
        return await self._last_sent().completion(timeout)

    async def result(self, timeout: float | None = None) -> Completion:
        """As `completion`, and raises IoFailed or its kin for a failing HRESULT."""
        return await self._last_sent().result(timeout)

    async def cancel(self) -> CancelAnswer:
        """CancelSentRequest (REQ-27). Before a Send it sticks, and the next Send fails (REQ-34)."""
        return await self._session.run(calls.cancel(self.id))

    async def get(self) -> RequestStatus:
        """GetStatus, GetCompletionParams and the state."""
        return RequestStatus.from_message(await self._session.run(calls.get_request(self.id)))

    async def reuse(self, hresult: int = 0, *, completion_callback: bool = True) -> None:
        """Reuse, and SetCompletionCallback for the next round (REQ-41). Only a completed request may be reused."""
        await self._session.run(calls.reuse_request(self.id, HResult(hresult), completion_callback))
        self._completion_callback = completion_callback
        self._sent = None

    async def delete(self) -> HResult:
        """DeleteWdfObject; a completed request that is never deleted keeps its file outstanding (CLS-19)."""
        return await self._session.run(calls.delete_request(self.id))

    async def _format(self, form: Format) -> HResult:
        self._target_id, self._file_id = form.target_id, form.file_id
        return await self._session.run(calls.format_request(self.id, form))

    def _last_sent(self) -> PendingRequest:
        if self._sent is None:
            raise RuntimeError(f"request {self.id} was not sent since it was created or reused")
        return self._sent


def _id(thing: Any) -> str:
    return thing.id if thing is not None else ""

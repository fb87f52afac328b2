"""`DriverCreatedFile`: a file that the upper driver created, and must close (CLS-2)."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING

from lowerdeck import calls, formats
from lowerdeck.enums import SendFlags
from lowerdeck.errors import LowerdeckError
from lowerdeck.formats import Format, Part
from lowerdeck.hresult import HResult
from lowerdeck.pending import EventFlag, PendingRequest, UnansweredSends

if TYPE_CHECKING:
    from lowerdeck.session import Session
    from lowerdeck.target import IoTarget


class DriverCreatedFile:
    """IWDFDriverCreatedFile. Made by `create_wdf_file`; use it in `with`, which closes it.

    No order is promised between requests that are on their way together. A `timeout` here is UMDF's own: it asks the
    drivers to cancel and does not abandon (REQ-24); without it, waiting takes as long as the drivers take.
    """

    def __init__(self, session: Session, file_id: str, name: str) -> None:
        """Made by `create_wdf_file`."""
        self._session = session
        self.id = file_id
        """The file's random UUID, never used again."""
        self.name = name
        self._gone = EventFlag()
        self._closing = False
        self._lock = threading.Lock()
        self._unanswered = UnansweredSends()

    def __repr__(self) -> str:
        """For debuggers."""
        state = "gone" if self.gone else "closed" if self._closing else "open"
        return f"<DriverCreatedFile {self.name!r} {self.id} {state}>"

    # --- one at a time ------------------------------------------------------------------------------------------------

    def read(self, length: int, offset: int | None = None, *, timeout: float | None = None) -> bytes:
        """Reads up to `length` bytes. Raises IoFailed or its kin; a warning's data is returned (REQ-37)."""
        return self.send_read(length, offset, timeout=timeout).result().data

    def write(self, data: bytes, offset: int | None = None, *, timeout: float | None = None) -> int:
        """Writes and returns Information, the bytes written. Raises IoFailed or its kin."""
        return self.send_write(data, offset, timeout=timeout).result().information

    def device_io_control(
        self,
        code: int,
        data: bytes | None = None,
        output_length: int | None = None,
        *,
        timeout: float | None = None,
    ) -> bytes:
        """Sends a device control request and returns its output. Raises IoFailed or its kin."""
        return self.send_device_io_control(code, data, output_length, timeout=timeout).result().data

    def flush(self, *, timeout: float | None = None) -> None:
        """Sends a flush. Raises IoFailed or its kin."""
        self.send_flush(timeout=timeout).result()

    def query_information(self, information_class: int, length: int, *, timeout: float | None = None) -> bytes:
        """Queries up to `length` bytes of a FILE_INFORMATION_CLASS. Raises IoFailed or its kin."""
        return self.send_query_information(information_class, length, timeout=timeout).result().data

    def set_information(self, information_class: int, data: bytes, *, timeout: float | None = None) -> None:
        """Changes information of a FILE_INFORMATION_CLASS. Raises IoFailed or its kin."""
        self.send_set_information(information_class, data, timeout=timeout).result()

    # --- many at a time -----------------------------------------------------------------------------------------------

    def send_read(
        self,
        length: int | None,
        offset: int | None = None,
        *,
        part: Part | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        target: IoTarget | None = None,
        retain: bool = False,
    ) -> PendingRequest:
        """FormatRequestForRead and Send into a memory of `length` bytes, of which `part` takes part (TGT-9).

        `retain` keeps the request object after its completion (CLS-19): see `PendingRequest.request`.
        """
        return self._send(formats.read(self.id, length, offset, part, _id(target)), timeout, flags, retain)

    def send_write(
        self,
        data: bytes | None,
        offset: int | None = None,
        *,
        part: Part | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        target: IoTarget | None = None,
        retain: bool = False,
    ) -> PendingRequest:
        """FormatRequestForWrite and Send out of a memory that holds `data`, of which `part` takes part."""
        return self._send(formats.write(self.id, data, offset, part, _id(target)), timeout, flags, retain)

    def send_device_io_control(
        self,
        code: int,
        data: bytes | None = None,
        output_length: int | None = None,
        *,
        input_part: Part | None = None,
        output_part: Part | None = None,
        output_contents: bytes | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        target: IoTarget | None = None,
        retain: bool = False,
    ) -> PendingRequest:
        """FormatRequestForIoctl and Send; None stands for no input or output memory.

        Drivers below METHOD_IN_DIRECT find `output_contents` in the output memory (IOC-7).
        """
        form = formats.device_control(
            self.id, code, data, output_length, input_part, output_part, _id(target), output_contents
        )
        return self._send(form, timeout, flags, retain)

    def send_flush(
        self,
        *,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        target: IoTarget | None = None,
        retain: bool = False,
    ) -> PendingRequest:
        """FormatRequestForFlush and Send."""
        return self._send(formats.flush(self.id, _id(target)), timeout, flags, retain)

    def send_query_information(
        self,
        information_class: int,
        length: int | None,
        *,
        part: Part | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        target: IoTarget | None = None,
        retain: bool = False,
    ) -> PendingRequest:
        """FormatRequestForQueryInformation and Send into a memory of `length` bytes; None stands for no memory."""
        form = formats.query_information(self.id, information_class, length, part, _id(target))
        return self._send(form, timeout, flags, retain)

    def send_set_information(
        self,
        information_class: int,
        data: bytes | None,
        *,
        part: Part | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        target: IoTarget | None = None,
        retain: bool = False,
    ) -> PendingRequest:
        """FormatRequestForSetInformation and Send out of a memory that holds `data`; None stands for no memory."""
        form = formats.set_information(self.id, information_class, data, part, _id(target))
        return self._send(form, timeout, flags, retain)

    def cancel_sent_requests(self) -> None:
        """CancelSentRequestsForFile through the default target (TGT-33); the completions follow."""
        self._session.cancel_sent_requests_for_file(self)

    # --- the end ------------------------------------------------------------------------------------------------------

    def close(self, timeout: float | None = None) -> None:
        """IWDFDriverCreatedFile::Close, in the order of CLS-3, after the Sends made here were answered (CLS-22).

        Returns when OnCleanupFile has returned below and what is pending was asked to cancel; it does not wait for that
        I/O (CLS-13). A second call does nothing; UMDF's double Close (CLS-17) is `session.run(calls.close(file.id))`.
        `timeout` ends the wait with DeadlinePassed, not the Close.
        """
        with self._lock:
            if self._closing:
                return
            self._closing = True
        self._unanswered.wait(timeout)
        self._session.run(calls.close(self.id), timeout)

    def delete(self) -> HResult:
        """DeleteWdfObject, which is refused with ERROR_ACCESS_DENIED: only `close` ends a file (OBJ-4, CLS-16)."""
        return self._session.run(calls.delete_file(self.id))

    @property
    def closed(self) -> bool:
        """Whether Close was called here."""
        return self._closing

    @property
    def gone(self) -> bool:
        """Whether FileGone was heard: nothing refers to the file any more."""
        return self._gone.is_set()

    def wait_gone(self, timeout: float | None = None) -> None:
        """Waits for FileGone, which comes after the last completion on the file (CLS-20). Raises TimeoutError."""
        self._gone.wait(timeout, f"the end of {self!r}")

    def __enter__(self) -> DriverCreatedFile:
        """The file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes; if the block has failed already, an error of closing does not take its place."""
        try:
            self.close()
        except LowerdeckError:
            if error is None:
                raise

    def _send(self, form: Format, timeout: float | None, flags: int, retain: bool) -> PendingRequest:
        pending = self._session.format_and_send(form, formats.send_options(timeout, flags), retain)
        self._unanswered.add(pending)
        return pending


def _id(target: IoTarget | None) -> str:
    return target.id if target else ""

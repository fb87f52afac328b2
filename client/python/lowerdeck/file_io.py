"""`FileIo`: the I/O calls of a file that the upper driver created, in both twins.

Law: nothing here waits or knows a session. Every call is a format for the file itself, given to the one `_send`.
"""

from __future__ import annotations

from typing import Generic

from lowerdeck import formats
from lowerdeck.enums import SendFlags
from lowerdeck.formats import Part
from lowerdeck.request_sender import Data, Information, Nothing, Other, RequestSender, Sent, id_of


class FileIo(RequestSender[Sent, Data, Information, Nothing], Generic[Other, Sent, Data, Information, Nothing]):
    """The calls of a `DriverCreatedFile`. `target`, another I/O target of the session, replaces the default one."""

    # --- one at a time ------------------------------------------------------------------------------------------------

    def read(self, length: int, offset: int | None = None, *, timeout: float | None = None) -> Data:
        """Reads up to `length` bytes. Raises IoFailed or its kin; a warning's data is returned (REQ-37)."""
        return self._data(self.send_read(length, offset, timeout=timeout))

    def write(self, data: bytes, offset: int | None = None, *, timeout: float | None = None) -> Information:
        """Writes and returns Information, the bytes written. Raises IoFailed or its kin."""
        return self._information(self.send_write(data, offset, timeout=timeout))

    def device_io_control(
        self,
        code: int,
        data: bytes | None = None,
        output_length: int | None = None,
        *,
        timeout: float | None = None,
    ) -> Data:
        """Sends a device control request and returns its output. Raises IoFailed or its kin."""
        return self._data(self.send_device_io_control(code, data, output_length, timeout=timeout))

    def flush(self, *, timeout: float | None = None) -> Nothing:
        """Sends a flush. Raises IoFailed or its kin."""
        return self._nothing(self.send_flush(timeout=timeout))

    def query_information(self, information_class: int, length: int, *, timeout: float | None = None) -> Data:
        """Queries up to `length` bytes of a FILE_INFORMATION_CLASS. Raises IoFailed or its kin."""
        return self._data(self.send_query_information(information_class, length, timeout=timeout))

    def set_information(self, information_class: int, data: bytes, *, timeout: float | None = None) -> Nothing:
        """Changes information of a FILE_INFORMATION_CLASS. Raises IoFailed or its kin."""
        return self._nothing(self.send_set_information(information_class, data, timeout=timeout))

    # --- many at a time -----------------------------------------------------------------------------------------------

    def send_read(
        self,
        length: int | None,
        offset: int | None = None,
        *,
        part: Part | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        target: Other | None = None,
        retain: bool = False,
    ) -> Sent:
        """FormatRequestForRead and Send into a memory of `length` bytes, of which `part` takes part (TGT-9).

        `retain` keeps the request object after its completion (CLS-19): see `PendingRequest.request`.
        """
        return self._send(formats.read(self.id, length, offset, part, id_of(target)), timeout, flags, retain)

    def send_write(
        self,
        data: bytes | None,
        offset: int | None = None,
        *,
        part: Part | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        target: Other | None = None,
        retain: bool = False,
    ) -> Sent:
        """FormatRequestForWrite and Send out of a memory that holds `data`, of which `part` takes part."""
        return self._send(formats.write(self.id, data, offset, part, id_of(target)), timeout, flags, retain)

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
        target: Other | None = None,
        retain: bool = False,
    ) -> Sent:
        """FormatRequestForIoctl and Send; None stands for no input or output memory.

        Drivers below METHOD_IN_DIRECT find `output_contents` in the output memory (IOC-7).
        """
        form = formats.device_control(
            self.id, code, data, output_length, input_part, output_part, id_of(target), output_contents
        )
        return self._send(form, timeout, flags, retain)

    def send_flush(
        self,
        *,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        target: Other | None = None,
        retain: bool = False,
    ) -> Sent:
        """FormatRequestForFlush and Send."""
        return self._send(formats.flush(self.id, id_of(target)), timeout, flags, retain)

    def send_query_information(
        self,
        information_class: int,
        length: int | None,
        *,
        part: Part | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        target: Other | None = None,
        retain: bool = False,
    ) -> Sent:
        """FormatRequestForQueryInformation and Send into a memory of `length` bytes; None stands for no memory."""
        form = formats.query_information(self.id, information_class, length, part, id_of(target))
        return self._send(form, timeout, flags, retain)

    def send_set_information(
        self,
        information_class: int,
        data: bytes | None,
        *,
        part: Part | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        target: Other | None = None,
        retain: bool = False,
    ) -> Sent:
        """FormatRequestForSetInformation and Send out of a memory that holds `data`; None stands for no memory."""
        form = formats.set_information(self.id, information_class, data, part, id_of(target))
        return self._send(form, timeout, flags, retain)

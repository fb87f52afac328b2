"""`TargetIo`: the I/O calls of a target on a handle, in both twins.

Law: nothing here waits or knows a session. Every call is a format for the target itself, given to the one `_send`. The
calls are those of `FileIo` and stay apart from them: their keyword is `file` in the place of `target`.
"""

from __future__ import annotations

from typing import Generic

from lowerdeck import formats
from lowerdeck.enums import SendFlags
from lowerdeck.formats import Part
from lowerdeck.request_sender import Data, Information, Nothing, Other, RequestSender, Sent, id_of


class TargetIo(RequestSender[Sent, Data, Information, Nothing], Generic[Other, Sent, Data, Information, Nothing]):
    """The calls of a `FileHandleTarget`. `file`, another target, replaces pFile for one request (FHT-7)."""

    # --- one at a time ------------------------------------------------------------------------------------------------

    def read(
        self, length: int, offset: int | None = None, *, timeout: float | None = None, file: Other | None = None
    ) -> Data:
        """ReadFile: up to `length` bytes, or the next message. Raises IoFailed or its kin."""
        return self._data(self.send_read(length, offset, timeout=timeout, file=file))

    def write(
        self, data: bytes, offset: int | None = None, *, timeout: float | None = None, file: Other | None = None
    ) -> Information:
        """WriteFile: one message on a pipe of messages. Returns the bytes written. Raises IoFailed or its kin."""
        return self._information(self.send_write(data, offset, timeout=timeout, file=file))

    def device_io_control(
        self,
        code: int,
        data: bytes | None = None,
        output_length: int | None = None,
        *,
        timeout: float | None = None,
        file: Other | None = None,
    ) -> Data:
        """DeviceIoControl; returns its output. Raises IoFailed or its kin."""
        return self._data(self.send_device_io_control(code, data, output_length, timeout=timeout, file=file))

    def flush(self, *, timeout: float | None = None, file: Other | None = None) -> Nothing:
        """FlushFileBuffers, for files alone. Raises IoFailed or its kin."""
        return self._nothing(self.send_flush(timeout=timeout, file=file))

    def query_information(
        self, information_class: int, length: int, *, timeout: float | None = None, file: Other | None = None
    ) -> Data:
        """Queries up to `length` bytes of a FILE_INFORMATION_CLASS. Raises IoFailed or its kin."""
        return self._data(self.send_query_information(information_class, length, timeout=timeout, file=file))

    def set_information(
        self, information_class: int, data: bytes, *, timeout: float | None = None, file: Other | None = None
    ) -> Nothing:
        """Changes information of a FILE_INFORMATION_CLASS, such as the end of a file. Raises IoFailed or its kin."""
        return self._nothing(self.send_set_information(information_class, data, timeout=timeout, file=file))

    # --- many at a time -----------------------------------------------------------------------------------------------

    def send_read(
        self,
        length: int | None,
        offset: int | None = None,
        *,
        part: Part | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        file: Other | None = None,
        retain: bool = False,
    ) -> Sent:
        """FormatRequestForRead and Send, as `DriverCreatedFile.send_read`."""
        return self._send(formats.read(id_of(file), length, offset, part, self.id), timeout, flags, retain)

    def send_write(
        self,
        data: bytes | None,
        offset: int | None = None,
        *,
        part: Part | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        file: Other | None = None,
        retain: bool = False,
    ) -> Sent:
        """FormatRequestForWrite and Send, as `DriverCreatedFile.send_write`."""
        return self._send(formats.write(id_of(file), data, offset, part, self.id), timeout, flags, retain)

    def send_device_io_control(
        self,
        code: int,
        data: bytes | None = None,
        output_length: int | None = None,
        *,
        input_part: Part | None = None,
        output_part: Part | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        file: Other | None = None,
        retain: bool = False,
    ) -> Sent:
        """FormatRequestForIoctl and Send, as `DriverCreatedFile.send_device_io_control`."""
        form = formats.device_control(id_of(file), code, data, output_length, input_part, output_part, self.id)
        return self._send(form, timeout, flags, retain)

    def send_flush(
        self,
        *,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        file: Other | None = None,
        retain: bool = False,
    ) -> Sent:
        """FormatRequestForFlush and Send (TGT-16)."""
        return self._send(formats.flush(id_of(file), self.id), timeout, flags, retain)

    def send_query_information(
        self,
        information_class: int,
        length: int | None,
        *,
        part: Part | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        file: Other | None = None,
        retain: bool = False,
    ) -> Sent:
        """FormatRequestForQueryInformation and Send (TGT-16)."""
        form = formats.query_information(id_of(file), information_class, length, part, self.id)
        return self._send(form, timeout, flags, retain)

    def send_set_information(
        self,
        information_class: int,
        data: bytes | None,
        *,
        part: Part | None = None,
        timeout: float | None = None,
        flags: int = SendFlags.NONE,
        file: Other | None = None,
        retain: bool = False,
    ) -> Sent:
        """FormatRequestForSetInformation and Send (TGT-16)."""
        form = formats.set_information(id_of(file), information_class, data, part, self.id)
        return self._send(form, timeout, flags, retain)

"""What the FormatRequestForXxx methods and Send take, as messages of the contract.

Law: a value that was not given stays absent on the wire, because UMDF tells a NULL pointer from a zero (TGT-9, TGT-10).
"""

from __future__ import annotations

from typing import Any

from lowerdeck.enums import IoKind, SendFlags
from lowerdeck.v1 import request_pb2, types_pb2

Format = request_pb2.Format
SendOptions = request_pb2.SendOptions

TICKS_PER_SECOND = 10_000_000
"""Ticks of the contract are 100 ns."""

Part = tuple[int, int]
"""A WDFMEMORY_OFFSET: where a part of a memory begins, and its length in bytes; length 0 means "to the end"."""


_KINDS: dict[str | None, IoKind] = {
    "read": IoKind.READ,
    "write": IoKind.WRITE,
    "device_control": IoKind.DEVICE_CONTROL,
    "flush": IoKind.FLUSH_BUFFERS,
    "query_information": IoKind.QUERY_INFORMATION,
    "set_information": IoKind.SET_INFORMATION,
}


def read(file_id: str, length: int | None, offset: int | None, part: Part | None, target_id: str) -> Format:
    """A read into a memory of `length` bytes; None for a NULL memory, a read of zero length."""
    io = request_pb2.ReadFormat(device_offset=offset, output_memory=_output(length, part))
    return Format(file_id=file_id, target_id=target_id, read=io)


def write(file_id: str, data: bytes | None, offset: int | None, part: Part | None, target_id: str) -> Format:
    """A write out of a memory that holds `data`; None for a NULL memory, a write of zero length."""
    io = request_pb2.WriteFormat(device_offset=offset, input_memory=_input(data, part))
    return Format(file_id=file_id, target_id=target_id, write=io)


def device_control(
    file_id: str,
    code: int,
    data: bytes | None,
    output_length: int | None,
    input_part: Part | None,
    output_part: Part | None,
    target_id: str,
    output_contents: bytes | None = None,
) -> Format:
    """A device control request; None for a NULL input or output memory.

    `output_contents` is what the output memory begins with, which drivers see with METHOD_IN_DIRECT (IOC-7); without
    `output_length` it fills the memory.
    """
    if output_length is None and output_contents is not None:
        output_length = len(output_contents)
    output = _output(output_length, output_part, output_contents or b"")
    io = request_pb2.DeviceControlFormat(code=code, input_memory=_input(data, input_part), output_memory=output)
    return Format(file_id=file_id, target_id=target_id, device_control=io)


def flush(file_id: str, target_id: str) -> Format:
    """A flush (TGT-16)."""
    return Format(file_id=file_id, target_id=target_id, flush=request_pb2.FlushFormat())


def query_information(
    file_id: str, information_class: int, length: int | None, part: Part | None, target_id: str
) -> Format:
    """A query for a FILE_INFORMATION_CLASS into a memory of `length` bytes; None for a NULL memory (TGT-16)."""
    memory = _output(length, part)
    io = request_pb2.QueryInformationFormat(information_class=information_class, output_memory=memory)
    return Format(file_id=file_id, target_id=target_id, query_information=io)


def set_information(
    file_id: str, information_class: int, data: bytes | None, part: Part | None, target_id: str
) -> Format:
    """A change of a FILE_INFORMATION_CLASS out of a memory that holds `data`; None for a NULL memory (TGT-16)."""
    io = request_pb2.SetInformationFormat(information_class=information_class, input_memory=_input(data, part))
    return Format(file_id=file_id, target_id=target_id, set_information=io)


def described(form: Format) -> tuple[IoKind, int, int | None]:
    """What completions repeat of a format: its kind, its control code or 0, and its device offset if it has one."""
    io = form.WhichOneof("io")
    body: Any = getattr(form, io) if io else None
    code = body.code if io == "device_control" else 0
    offset = body.device_offset if io in ("read", "write") and body.HasField("device_offset") else None
    return _KINDS.get(io, IoKind.UNSPECIFIED), code, offset


def send_options(timeout: float | None, flags: int) -> SendOptions:
    """Send's flags, with a relative timeout in seconds that cancels and does not abandon (REQ-22, REQ-24)."""
    if timeout is None:
        return SendOptions(flags=int(flags))
    ticks = -round(timeout * TICKS_PER_SECOND)
    return SendOptions(flags=int(flags) | int(SendFlags.TIMEOUT), timeout_ticks=ticks)


def _part(part: Part | None) -> types_pb2.MemoryOffset | None:
    return None if part is None else types_pb2.MemoryOffset(buffer_offset=part[0], buffer_length=part[1])


def _output(length: int | None, part: Part | None, contents: bytes = b"") -> request_pb2.OutputMemory | None:
    if length is None:
        return None
    return request_pb2.OutputMemory(size=length, offset=_part(part), contents=bytes(contents))


def _input(data: bytes | None, part: Part | None) -> request_pb2.InputMemory | None:
    return None if data is None else request_pb2.InputMemory(data=bytes(data), offset=_part(part))

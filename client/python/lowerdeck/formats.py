"""What FormatRequestForRead, Write and Ioctl and Send take, as messages of the contract.

Law: a value that was not given stays absent on the wire, because UMDF tells a NULL pointer from a zero (TGT-9, TGT-10).
"""

from __future__ import annotations

from lowerdeck.enums import SendFlags
from lowerdeck.v1 import request_pb2, types_pb2

Format = request_pb2.Format
SendOptions = request_pb2.SendOptions

TICKS_PER_SECOND = 10_000_000
"""Ticks of the contract are 100 ns."""

Part = tuple[int, int]
"""A WDFMEMORY_OFFSET: where a part of a memory begins, and its length in bytes; length 0 means "to the end"."""


def read(file_id: str, length: int | None, offset: int | None, part: Part | None, target_id: str) -> Format:
    """A read into a memory of `length` bytes; None for a NULL memory, a read of zero length."""
    memory = None if length is None else request_pb2.OutputMemory(size=length, offset=_part(part))
    io = request_pb2.ReadFormat(device_offset=offset, output_memory=memory)
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
) -> Format:
    """A device control request; None for a NULL input or output memory."""
    output = None if output_length is None else request_pb2.OutputMemory(size=output_length, offset=_part(output_part))
    io = request_pb2.DeviceControlFormat(code=code, input_memory=_input(data, input_part), output_memory=output)
    return Format(file_id=file_id, target_id=target_id, device_control=io)


def send_options(timeout: float | None, flags: int) -> SendOptions:
    """Send's flags, with a relative timeout in seconds that cancels and does not abandon (REQ-22, REQ-24)."""
    if timeout is None:
        return SendOptions(flags=int(flags))
    ticks = -round(timeout * TICKS_PER_SECOND)
    return SendOptions(flags=int(flags) | int(SendFlags.TIMEOUT), timeout_ticks=ticks)


def _part(part: Part | None) -> types_pb2.MemoryOffset | None:
    return None if part is None else types_pb2.MemoryOffset(buffer_offset=part[0], buffer_length=part[1])


def _input(data: bytes | None, part: Part | None) -> request_pb2.InputMemory | None:
    return None if data is None else request_pb2.InputMemory(data=bytes(data), offset=_part(part))

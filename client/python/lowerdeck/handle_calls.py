"""The RPCs of handles as `Call`s, as `calls` has the others: CreateFile, CreateNamedPipe, CloseHandle and the factory.

Law: ids of handles and targets are chosen here, before the question is asked, so that asking again finds what the first
question has made. Knows nothing of channels.
"""

from __future__ import annotations

import uuid
from typing import Any, Union

from lowerdeck import errors
from lowerdeck.calls import DEVICE, Call
from lowerdeck.hresult import HResult
from lowerdeck.v1 import handle_pb2
from lowerdeck.win32 import FileFlags

Opened = Union[handle_pb2.CreateFile, handle_pb2.CreateNamedPipe, handle_pb2.OpenSocket]
"""What a handle is to be of, with the arguments of the Win32 function that opens it."""

SOCKET_KINDS = ("tcp", "udp", "unix_stream", "unix_datagram")


def new_id() -> str:
    """A name for a handle or target: a random UUID, never used before."""
    return str(uuid.uuid4())


def create_file(
    name: str, desired_access: int, share_mode: int, disposition: int, flags: int, read_mode: int, overlapped: bool
) -> handle_pb2.CreateFile:
    """The arguments of CreateFile; `read_mode` is that of the client end of a pipe."""
    return handle_pb2.CreateFile(
        name=name,
        desired_access=int(desired_access),
        share_mode=int(share_mode),
        creation_disposition=int(disposition),
        flags_and_attributes=_flags(flags, overlapped),
        pipe_read_mode=int(read_mode),
    )


def create_named_pipe(
    name: str,
    open_mode: int,
    pipe_mode: int,
    max_instances: int,
    out_buffer_size: int,
    in_buffer_size: int,
    default_timeout_ms: int,
    overlapped: bool,
) -> handle_pb2.CreateNamedPipe:
    """The arguments of CreateNamedPipe."""
    return handle_pb2.CreateNamedPipe(
        name=name,
        open_mode=_flags(open_mode, overlapped),
        pipe_mode=int(pipe_mode),
        max_instances=max_instances,
        out_buffer_size=out_buffer_size,
        in_buffer_size=in_buffer_size,
        default_timeout_ms=default_timeout_ms,
    )


def socket(kind: str, peer: str, overlapped: bool) -> handle_pb2.OpenSocket:
    """A connected socket of one of SOCKET_KINDS. Raises ValueError for another."""
    if kind not in SOCKET_KINDS:
        raise ValueError(f"{kind!r} is no kind of socket; there are {', '.join(SOCKET_KINDS)}")
    message = handle_pb2.OpenSocket(flags_and_attributes=_flags(0, overlapped))
    setattr(message, kind, peer)
    return message


def described(opened: Opened) -> tuple[str, str]:
    """The function that opens it, and its name or address, for people."""
    if isinstance(opened, handle_pb2.OpenSocket):
        kind = opened.WhichOneof("peer") or ""
        return "OpenSocket", f"{kind}:{getattr(opened, kind, '')}"
    return type(opened).__name__, opened.name


def open_handle(handle_id: str, opened: Opened) -> Call[handle_pb2.OpenHandleResponse]:
    """OpenHandle."""
    message = handle_pb2.OpenHandleRequest(handle_id=handle_id)
    fields = {handle_pb2.CreateFile: message.create_file, handle_pb2.CreateNamedPipe: message.create_named_pipe}
    fields.get(type(opened), message.open_socket).CopyFrom(opened)
    return Call(DEVICE, "OpenHandle", message, lambda reply: reply)


def close_handle(handle_id: str) -> Call[HResult]:
    """CloseHandle. Asked again it answers ERROR_INVALID_HANDLE, and closes nothing else."""
    return Call(DEVICE, "CloseHandle", handle_pb2.CloseHandleRequest(handle_id=handle_id), _hresult)


def connect_named_pipe(handle_id: str) -> Call[HResult]:
    """ConnectNamedPipe. Asked again it finds the client that came meanwhile."""
    return Call(DEVICE, "ConnectNamedPipe", handle_pb2.ConnectNamedPipeRequest(handle_id=handle_id), _hresult)


def disconnect_named_pipe(handle_id: str) -> Call[HResult]:
    """DisconnectNamedPipe. Not repeatable: it could take off the next client."""
    message = handle_pb2.DisconnectNamedPipeRequest(handle_id=handle_id)
    return Call(DEVICE, "DisconnectNamedPipe", message, _hresult, repeatable=False)


def create_file_handle_target(target_id: str, handle_id: str) -> Call[HResult]:
    """IWDFFileHandleTargetFactory::CreateFileHandleTarget (FHT-2)."""
    message = handle_pb2.CreateFileHandleTargetRequest(target_id=target_id, handle_id=handle_id)
    return Call(DEVICE, "CreateFileHandleTarget", message, _hresult)


def expect(hresult: HResult, what: str, *also_fine: HResult) -> HResult:
    """The HRESULT of a Win32 function, if it is S_OK or another that is fine; otherwise raises IoFailed."""
    if hresult != HResult.S_OK and hresult not in also_fine:
        raise errors.IoFailed(hresult, what=what)
    return hresult


def _flags(flags: int, overlapped: bool) -> int:
    return int(flags) | int(FileFlags.FILE_FLAG_OVERLAPPED if overlapped else 0)


def _hresult(reply: Any) -> HResult:
    return HResult(reply.hresult)

"""The ways to a handle, in the words of Win32, for what opens one in either twin: sessions and devices.

Knows neither threads nor tasks, nor how a session asks.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from lowerdeck import handle_calls
from lowerdeck.handle_calls import Opened
from lowerdeck.win32 import (
    PIPE_UNLIMITED_INSTANCES,
    CreationDisposition,
    DesiredAccess,
    FileFlags,
    PipeAccess,
    PipeMode,
    ShareMode,
)

Opening = TypeVar("Opening")
"""A handle, or what is to be awaited for one."""


class HandleOpener(Generic[Opening]):
    """The ways to a handle. Every one raises CreateFailed when there is none.

    `overlapped` sets FILE_FLAG_OVERLAPPED, without which no target can be on a handle (FHT-3). `timeout` ends the wait
    with DeadlinePassed, not the open; calling again with the `handle_id` in that error's metadata finds the handle.
    """

    def create_file(
        self,
        name: str,
        desired_access: int = DesiredAccess.GENERIC_READ | DesiredAccess.GENERIC_WRITE,
        share_mode: int = ShareMode.NONE,
        creation_disposition: int = CreationDisposition.OPEN_EXISTING,
        flags_and_attributes: int = FileFlags.NONE,
        *,
        pipe_read_mode: int = PipeMode.PIPE_READMODE_BYTE,
        overlapped: bool = True,
        timeout: float | None = None,
        handle_id: str | None = None,
    ) -> Opening:
        r"""CreateFile: a file below the server's root, or the client end of a pipe, whose name begins with `\\.\pipe\`.

        `pipe_read_mode` is that of the client end, as SetNamedPipeHandleState sets it.
        """
        opened = handle_calls.create_file(
            name, desired_access, share_mode, creation_disposition, flags_and_attributes, pipe_read_mode, overlapped
        )
        return self._open_handle(opened, timeout, handle_id)

    def create_named_pipe(
        self,
        name: str,
        open_mode: int = PipeAccess.PIPE_ACCESS_DUPLEX,
        pipe_mode: int = PipeMode.PIPE_TYPE_MESSAGE | PipeMode.PIPE_READMODE_MESSAGE | PipeMode.PIPE_WAIT,
        max_instances: int = PIPE_UNLIMITED_INSTANCES,
        out_buffer_size: int = 0,
        in_buffer_size: int = 0,
        default_timeout_ms: int = 0,
        *,
        overlapped: bool = True,
        timeout: float | None = None,
        handle_id: str | None = None,
    ) -> Opening:
        r"""CreateNamedPipe: the server end of `\\.\pipe\NAME`, not connected yet (FHT-19).

        A program on the server's host reaches it as the socket NAME, in small letters, in the server's pipe directory.
        """
        opened = handle_calls.create_named_pipe(
            name, open_mode, pipe_mode, max_instances, out_buffer_size, in_buffer_size, default_timeout_ms, overlapped
        )
        return self._open_handle(opened, timeout, handle_id)

    def open_socket(
        self,
        kind: str,
        peer: str,
        *,
        overlapped: bool = True,
        timeout: float | None = None,
        handle_id: str | None = None,
    ) -> Opening:
        """A connected socket, of a kind of `handle_calls.SOCKET_KINDS`.

        "tcp" and "udp" take HOST:PORT, "unix_stream" and "unix_datagram" a name in the server's pipe directory.
        """
        return self._open_handle(handle_calls.socket(kind, peer, overlapped), timeout, handle_id)

    def _open_handle(self, opened: Opened, timeout: float | None, handle_id: str | None) -> Opening:
        raise NotImplementedError

"""The words with which Win32 opens handles: the flags and numbers of CreateFile and CreateNamedPipe, under its names.

Law: bits that have no name here travel as they are; whether they mean anything is the server's to say. Knows no handle.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

PIPE_UNLIMITED_INSTANCES = 255
"""`max_instances` for as many instances of a pipe as a server has room for, which is 254."""


class DesiredAccess(IntFlag):
    """dwDesiredAccess of CreateFile."""

    NONE = 0
    FILE_READ_DATA = 0x1
    FILE_WRITE_DATA = 0x2
    FILE_APPEND_DATA = 0x4
    DELETE = 0x0001_0000
    GENERIC_ALL = 0x1000_0000
    GENERIC_WRITE = 0x4000_0000
    GENERIC_READ = 0x8000_0000


class ShareMode(IntFlag):
    """dwShareMode of CreateFile: what other handles may do with the file meanwhile."""

    NONE = 0
    FILE_SHARE_READ = 0x1
    FILE_SHARE_WRITE = 0x2
    FILE_SHARE_DELETE = 0x4


class CreationDisposition(IntEnum):
    """dwCreationDisposition of CreateFile."""

    CREATE_NEW = 1
    CREATE_ALWAYS = 2
    OPEN_EXISTING = 3
    OPEN_ALWAYS = 4
    TRUNCATE_EXISTING = 5


class FileFlags(IntFlag):
    """FILE_FLAG_*, for dwFlagsAndAttributes of CreateFile and dwOpenMode of CreateNamedPipe."""

    NONE = 0
    FILE_FLAG_FIRST_PIPE_INSTANCE = 0x0008_0000
    FILE_FLAG_DELETE_ON_CLOSE = 0x0400_0000
    FILE_FLAG_OVERLAPPED = 0x4000_0000
    FILE_FLAG_WRITE_THROUGH = 0x8000_0000


class PipeAccess(IntFlag):
    """The direction in dwOpenMode of CreateNamedPipe, seen from the server end; to be joined with FileFlags."""

    PIPE_ACCESS_INBOUND = 0x1
    PIPE_ACCESS_OUTBOUND = 0x2
    PIPE_ACCESS_DUPLEX = 0x3


class PipeMode(IntFlag):
    """dwPipeMode of CreateNamedPipe."""

    PIPE_WAIT = 0
    PIPE_TYPE_BYTE = 0
    PIPE_READMODE_BYTE = 0
    PIPE_NOWAIT = 0x1
    PIPE_READMODE_MESSAGE = 0x2
    PIPE_TYPE_MESSAGE = 0x4
    PIPE_REJECT_REMOTE_CLIENTS = 0x8

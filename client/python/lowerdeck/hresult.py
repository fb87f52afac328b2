"""HRESULTs: the values that UMDF calls and completions end with, raw, with names and classes.

Laws: a value is never translated (MAP-2) and compares equal to its plain integer; what two spellings have in common is
asked through `status_class` (ERR-4). Knows nothing of gRPC, whose codes speak of the question and not of the device.
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar

_SEVERITY_BIT = 0x8000_0000
_NT_BIT = 0x1000_0000  # FACILITY_NT_BIT: the rest is an NTSTATUS (ERR-1)
_NT_SEVERITY_MASK = 0xC000_0000
_NT_WARNING = 0x8000_0000
_WIN32 = 0x8007_0000

_NAMES = {
    0x0000_0000: "S_OK",
    0x8000_4002: "E_NOINTERFACE",
    0x8000_4003: "E_POINTER",
    0x8007_0001: "ERROR_INVALID_FUNCTION",
    0x8007_0002: "ERROR_FILE_NOT_FOUND",
    0x8007_0003: "ERROR_PATH_NOT_FOUND",
    0x8007_0004: "ERROR_TOO_MANY_OPEN_FILES",
    0x8007_0005: "ERROR_ACCESS_DENIED",
    0x8007_0006: "ERROR_INVALID_HANDLE",
    0x8007_0008: "ERROR_NOT_ENOUGH_MEMORY",
    0x8007_000C: "ERROR_INVALID_ACCESS",
    0x8007_000E: "E_OUTOFMEMORY",
    0x8007_0011: "ERROR_NOT_SAME_DEVICE",
    0x8007_0013: "ERROR_WRITE_PROTECT",
    0x8007_0015: "ERROR_NOT_READY",
    0x8007_0016: "ERROR_BAD_COMMAND",
    0x8007_001F: "ERROR_GEN_FAILURE",
    0x8007_0020: "ERROR_SHARING_VIOLATION",
    0x8007_0021: "ERROR_LOCK_VIOLATION",
    0x8007_0026: "ERROR_HANDLE_EOF",
    0x8007_0027: "ERROR_HANDLE_DISK_FULL",
    0x8007_0032: "ERROR_NOT_SUPPORTED",
    0x8007_0037: "ERROR_DEV_NOT_EXIST",
    0x8007_0040: "ERROR_NETNAME_DELETED",
    0x8007_0050: "ERROR_FILE_EXISTS",
    0x8007_0057: "E_INVALIDARG",
    0x8007_006D: "ERROR_BROKEN_PIPE",
    0x8007_0070: "ERROR_DISK_FULL",
    0x8007_0079: "ERROR_SEM_TIMEOUT",
    0x8007_007A: "ERROR_INSUFFICIENT_BUFFER",
    0x8007_007B: "ERROR_INVALID_NAME",
    0x8007_0091: "ERROR_DIR_NOT_EMPTY",
    0x8007_00A1: "ERROR_BAD_PATHNAME",
    0x8007_00AA: "ERROR_BUSY",
    0x8007_00B7: "ERROR_ALREADY_EXISTS",
    0x8007_00CE: "ERROR_FILENAME_EXCED_RANGE",
    0x8007_00DF: "ERROR_FILE_TOO_LARGE",
    0x8007_00E6: "ERROR_BAD_PIPE",
    0x8007_00E7: "ERROR_PIPE_BUSY",
    0x8007_00E8: "ERROR_NO_DATA",
    0x8007_00E9: "ERROR_PIPE_NOT_CONNECTED",
    0x8007_00EA: "ERROR_MORE_DATA",
    0x8007_0103: "ERROR_NO_MORE_ITEMS",
    0x8007_010B: "ERROR_DIRECTORY",
    0x8007_0217: "ERROR_PIPE_CONNECTED",
    0x8007_0218: "ERROR_PIPE_LISTENING",
    0x8007_03E3: "ERROR_OPERATION_ABORTED",
    0x8007_045D: "ERROR_IO_DEVICE",
    0x8007_0476: "ERROR_TOO_MANY_LINKS",
    0x8007_04C7: "ERROR_CANCELLED",
    0x8007_04C9: "ERROR_CONNECTION_REFUSED",
    0x8007_04D0: "ERROR_HOST_UNREACHABLE",
    0x8007_04D4: "ERROR_CONNECTION_ABORTED",
    0x8007_050B: "ERROR_DRIVER_PROCESS_TERMINATED",
    0x8007_05AA: "ERROR_NO_SYSTEM_RESOURCES",
    0x8007_064A: "ERROR_BAD_CONFIGURATION",
    0x8007_0781: "ERROR_CANT_RESOLVE_FILENAME",
    0x8007_10DD: "ERROR_INVALID_OPERATION",
    0x9000_0005: "STATUS_BUFFER_OVERFLOW",
    0x9000_0011: "STATUS_DEVICE_BUSY",
    0xD000_000D: "STATUS_INVALID_PARAMETER",
    0xD000_0010: "STATUS_INVALID_DEVICE_REQUEST",
    0xD000_0022: "STATUS_ACCESS_DENIED",
    0xD000_0095: "STATUS_INTEGER_OVERFLOW",
    0xD000_009A: "STATUS_INSUFFICIENT_RESOURCES",
    0xD000_00B5: "STATUS_IO_TIMEOUT",
    0xD000_00BB: "STATUS_NOT_SUPPORTED",
    0xD000_00D0: "STATUS_REQUEST_NOT_ACCEPTED",
    0xD000_00E5: "STATUS_INTERNAL_ERROR",
    0xD000_0120: "STATUS_CANCELLED",
    0xD000_0128: "STATUS_FILE_CLOSED",
    0xD000_0184: "STATUS_INVALID_DEVICE_STATE",
    0xD000_0450: "STATUS_DRIVER_PROCESS_TERMINATED",
    0xD020_0200: "STATUS_WDF_INTERNAL_ERROR",
    0xD020_0203: "STATUS_WDF_PAUSED",
    0xD020_0204: "STATUS_WDF_BUSY",
    0xD020_0206: "STATUS_WDF_DEVICE_REMOVED_NOT_SENT",
}


class StatusClass(Enum):
    """What an HRESULT means to a caller, whichever way it is spelt (ERR-4)."""

    SUCCESS = "success"
    WARNING = "warning"  # valid data comes with it (REQ-37)
    CANCELLED = "cancelled"  # 0x800703E3, 0xD0000120
    TIMED_OUT = "timed out"  # 0xD00000B5, 0x80070079
    BAD_STATE = "bad state"  # 0xD0000184, 0x80070016
    UNSUPPORTED = "unsupported"  # 0xD0000010, 0x80070001
    BAD_ARGUMENT = "bad argument"  # 0xD000000D, 0x80070057
    DRIVER_STOPPED = "driver stopped"  # 0xD0000450, 0x8007050B
    OTHER = "other"  # equal only to itself


_CLASSES = {
    0x8007_03E3: StatusClass.CANCELLED,
    0xD000_0120: StatusClass.CANCELLED,
    0xD000_00B5: StatusClass.TIMED_OUT,
    0x8007_0079: StatusClass.TIMED_OUT,
    0xD000_0184: StatusClass.BAD_STATE,
    0x8007_0016: StatusClass.BAD_STATE,
    0xD000_0010: StatusClass.UNSUPPORTED,
    0x8007_0001: StatusClass.UNSUPPORTED,
    0xD000_000D: StatusClass.BAD_ARGUMENT,
    0x8007_0057: StatusClass.BAD_ARGUMENT,
    0xD000_0450: StatusClass.DRIVER_STOPPED,
    0x8007_050B: StatusClass.DRIVER_STOPPED,
}


class HResult(int):
    """A 32-bit HRESULT: an `int` that knows its name and class."""

    S_OK: ClassVar[HResult]
    E_INVALIDARG: ClassVar[HResult]
    ERROR_ACCESS_DENIED: ClassVar[HResult]
    ERROR_BAD_CONFIGURATION: ClassVar[HResult]
    ERROR_BROKEN_PIPE: ClassVar[HResult]
    ERROR_FILE_EXISTS: ClassVar[HResult]
    ERROR_FILE_NOT_FOUND: ClassVar[HResult]
    ERROR_HANDLE_EOF: ClassVar[HResult]
    ERROR_INVALID_FUNCTION: ClassVar[HResult]
    ERROR_INVALID_HANDLE: ClassVar[HResult]
    ERROR_MORE_DATA: ClassVar[HResult]
    ERROR_NO_DATA: ClassVar[HResult]
    ERROR_OPERATION_ABORTED: ClassVar[HResult]
    ERROR_PIPE_BUSY: ClassVar[HResult]
    ERROR_PIPE_CONNECTED: ClassVar[HResult]
    ERROR_PIPE_LISTENING: ClassVar[HResult]
    ERROR_PIPE_NOT_CONNECTED: ClassVar[HResult]
    ERROR_SHARING_VIOLATION: ClassVar[HResult]
    STATUS_BUFFER_OVERFLOW: ClassVar[HResult]
    STATUS_CANCELLED: ClassVar[HResult]
    STATUS_FILE_CLOSED: ClassVar[HResult]
    STATUS_INVALID_DEVICE_REQUEST: ClassVar[HResult]
    STATUS_INVALID_DEVICE_STATE: ClassVar[HResult]
    STATUS_INVALID_PARAMETER: ClassVar[HResult]
    STATUS_IO_TIMEOUT: ClassVar[HResult]
    STATUS_REQUEST_NOT_ACCEPTED: ClassVar[HResult]

    def __new__(cls, value: int) -> HResult:
        """Takes the value as unsigned or, as Windows headers have it, signed 32 bits."""
        if not -0x8000_0000 <= value <= 0xFFFF_FFFF:
            raise ValueError(f"{value:#x} is no 32-bit HRESULT")
        return super().__new__(cls, value & 0xFFFF_FFFF)

    @classmethod
    def from_win32(cls, code: int) -> HResult:
        """HRESULT_FROM_WIN32 (ERR-1)."""
        return cls(code if code <= 0 or code & _SEVERITY_BIT else _WIN32 | (code & 0xFFFF))

    @classmethod
    def from_nt(cls, status: int) -> HResult:
        """HRESULT_FROM_NT (ERR-1); success stays S_OK."""
        return cls(0 if status == 0 else status | _NT_BIT)

    @property
    def status_class(self) -> StatusClass:
        """The class to compare by (ERR-4)."""
        if self.is_warning:
            return StatusClass.WARNING
        if not self & _SEVERITY_BIT:
            return StatusClass.SUCCESS
        return _CLASSES.get(int(self), StatusClass.OTHER)

    @property
    def is_warning(self) -> bool:
        """Whether an NTSTATUS of severity "warning" is wrapped, such as 0x90000005 (REQ-37)."""
        return bool(self & _NT_BIT) and self & _NT_SEVERITY_MASK == _NT_WARNING

    @property
    def is_failure(self) -> bool:
        """Whether the severity bit is set and it is no warning: the line that a session's balance draws too."""
        return bool(self & _SEVERITY_BIT) and not self.is_warning

    @property
    def name(self) -> str:
        """The name of a common code, for example "ERROR_OPERATION_ABORTED"; "" for any other."""
        return _NAMES.get(int(self), "")

    def __str__(self) -> str:
        """For people: `0x800703E3 ERROR_OPERATION_ABORTED`."""
        return f"0x{int(self):08X} {self.name}".rstrip()

    def __repr__(self) -> str:
        """For debuggers: `HResult(0x800703E3 ERROR_OPERATION_ABORTED)`."""
        return f"HResult({self})"


for _value, _name in _NAMES.items():
    setattr(HResult, _name, HResult(_value))

"""The enums of the contract as Python enums, without the prefixes that protobuf needs.

Law: names and numbers are those of `lowerdeck.v1`, checked value by value in tests/test_vocabulary.py. A number that a newer
server sends and this package does not know stays a plain member named UNKNOWN_<number>, so that nothing is lost.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Any


class WireEnum(IntEnum):
    """An enum of the contract."""

    @classmethod
    def _missing_(cls, value: object) -> Any | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member


class IoKind(WireEnum):
    """What a request asks of the drivers below."""

    UNSPECIFIED = 0
    READ = 1
    WRITE = 2
    DEVICE_CONTROL = 3
    CREATE = 4
    FLUSH_BUFFERS = 5
    QUERY_INFORMATION = 6
    SET_INFORMATION = 7


class TargetState(WireEnum):
    """WDF_IO_TARGET_STATE, with the same numbers (TGT-32)."""

    UNSPECIFIED = 0
    STARTED = 1
    STOPPED = 2
    CLOSED_FOR_QUERY_REMOVE = 3
    CLOSED = 4
    DELETED = 5


class SentIoAction(WireEnum):
    """What Stop does with requests in flight: WDF_IO_TARGET_SENT_IO_ACTION (TGT-23)."""

    UNSPECIFIED = 0
    CANCEL_SENT_IO = 1
    WAIT_FOR_SENT_IO_TO_COMPLETE = 2
    LEAVE_SENT_IO_PENDING = 3


class RequestState(WireEnum):
    """Where a driver-created request stands."""

    UNSPECIFIED = 0
    UNFORMATTED = 1
    FORMATTED = 2
    PENDED = 3
    IN_FLIGHT = 4
    COMPLETED = 5


class CancelAnswer(WireEnum):
    """What became of a cancel, beyond the BOOL of CancelSentRequest (REQ-27, REQ-28)."""

    UNSPECIFIED = 0
    DELIVERED = 1
    REMEMBERED = 2
    COMPLETED_BY_FRAMEWORK = 3
    ALREADY_COMPLETED = 4
    STICKY = 5

    @property
    def is_true(self) -> bool:
        """UMDF's BOOL: whether the cancel was delivered, which promises no cancelled result (REQ-27)."""
        return self in (CancelAnswer.DELIVERED, CancelAnswer.COMPLETED_BY_FRAMEWORK)


class PnpCallback(WireEnum):
    """The plug-and-play and power callbacks, in the order of PNP-2 and PNP-3."""

    UNSPECIFIED = 0
    ON_DEVICE_ADD = 1
    ON_PREPARE_HARDWARE = 2
    ON_D0_ENTRY = 3
    ON_SELF_MANAGED_IO_INIT = 4
    ON_SELF_MANAGED_IO_RESTART = 5
    ON_SELF_MANAGED_IO_SUSPEND = 6
    ON_D0_EXIT = 7
    ON_RELEASE_HARDWARE = 8
    ON_SELF_MANAGED_IO_FLUSH = 9
    ON_SELF_MANAGED_IO_CLEANUP = 10
    ON_QUERY_REMOVE = 11
    ON_QUERY_STOP = 12
    ON_SURPRISE_REMOVAL = 13


class PowerState(WireEnum):
    """WDF_POWER_DEVICE_STATE, with the same numbers (PNP-16)."""

    UNSPECIFIED = 0
    D0 = 1
    D1 = 2
    D2 = 3
    D3 = 4
    D3_FINAL = 5
    PREPARE_FOR_HIBERNATION = 6


class LossPolicy(WireEnum):
    """What the stack experiences when a session's lease runs out (MAP-6)."""

    UNSPECIFIED = 0
    APPLICATION_DEATH = 1
    SURPRISE_REMOVAL = 2
    HOST_CRASH = 3


class VerifierMode(WireEnum):
    """What a broken rule leads to (MAP-11)."""

    UNSPECIFIED = 0
    STRICT = 1
    LENIENT = 2


class MethodNeitherAction(WireEnum):
    """What becomes of METHOD_NEITHER control codes that a session sends (IOC-8)."""

    UNSPECIFIED = 0
    REJECT = 1
    COPY = 2


class UmdfDispatcher(WireEnum):
    """Where I/O goes that leaves the drivers of a stack (FHT-4)."""

    UNSPECIFIED = 0
    REFLECTOR = 1
    FILE_HANDLE = 2


class StackSharing(WireEnum):
    """Whether sessions meet on one instance of a stack."""

    UNSPECIFIED = 0
    PRIVATE = 1
    SHARED = 2


class StackState(WireEnum):
    """How far a stack instance is in its life."""

    UNSPECIFIED = 0
    STARTING = 1
    STARTED = 2
    REMOVING = 3
    REMOVED = 4
    STOPPED = 5


class ClockKind(WireEnum):
    """What moves a stack's clock."""

    UNSPECIFIED = 0
    REAL = 1
    MANUAL = 2


class FileState(WireEnum):
    """How far a file object is between create and its end (CLS-3)."""

    UNSPECIFIED = 0
    CREATING = 1
    OPEN = 2
    CLEANUP = 3
    DRAINING = 4
    CLOSED = 5


class SessionEndReason(WireEnum):
    """Why a session ends."""

    UNSPECIFIED = 0
    CLOSED = 1
    LEASE_EXPIRED = 2
    DRAINING = 3
    STACK_REMOVED = 4
    DRIVER_STOP = 5
    NOT_ANSWERING = 6


class TraceKind(WireEnum):
    """What a trace entry tells (MAP-10)."""

    UNSPECIFIED = 0
    CREATE = 1
    CREATE_DONE = 2
    CLEANUP_ENTER = 3
    CLEANUP_LEAVE = 4
    CLOSE_ENTER = 5
    CLOSE_LEAVE = 6
    IO = 7
    ON_CANCEL = 8
    DONE = 9
    ON_COMPLETION = 10
    FILE_GONE = 11
    PNP_ENTER = 12
    PNP_LEAVE = 13
    FINDING = 14
    DRIVER_STOP = 15
    SEND = 16
    CALL = 17
    RETURN = 18
    CREATE_BY_FRAMEWORK = 19
    CANCEL_CREATORS_REQUESTS = 20
    CONTEXT_CLEANUP = 21
    TIMEOUT = 22
    UPPER_LOST = 23
    UPPER_LEFT = 24
    ON_IO_CANCELED_ON_QUEUE = 25
    ON_IO_STOP = 26
    ON_IO_RESUME = 27

    @property
    def word(self) -> str:
        """The word of the conformance scenarios, for example "Cleanup+"; the enum's name where they have none."""
        return _TRACE_WORDS.get(self, self.name)


_TRACE_WORDS = {
    TraceKind.CREATE: "Create",
    TraceKind.CREATE_DONE: "CreateDone",
    TraceKind.CLEANUP_ENTER: "Cleanup+",
    TraceKind.CLEANUP_LEAVE: "Cleanup-",
    TraceKind.CLOSE_ENTER: "Close+",
    TraceKind.CLOSE_LEAVE: "Close-",
    TraceKind.IO: "Io",
    TraceKind.ON_CANCEL: "OnCancel",
    TraceKind.DONE: "Done",
    TraceKind.ON_COMPLETION: "OnCompletion",
    TraceKind.FILE_GONE: "FileGone",
    TraceKind.FINDING: "Finding",
    TraceKind.DRIVER_STOP: "DriverStop",
    TraceKind.ON_IO_STOP: "OnIoStop",
    TraceKind.ON_IO_RESUME: "OnIoResume",
}


class SendFlags(IntFlag):
    """WDF_REQUEST_SEND_OPTION_* bits of Send (REQ-16). Unknown bits travel as they are."""

    NONE = 0x0
    TIMEOUT = 0x1
    SYNCHRONOUS = 0x2
    IGNORE_TARGET_STATE = 0x4
    SEND_AND_FORGET = 0x8
    IMPERSONATE_CLIENT = 0x10000
    IMPERSONATION_IGNORE_FAILURE = 0x20000

"""Lowerdeck's client: be the upper driver of a virtual device stack, with UMDF 1 semantics, from Python.

    with lowerdeck.open("disk") as device, device.create_wdf_file() as file:
        file.write(b"hello", offset=0)

Blocking calls are here, their asyncio twin is `lowerdeck.aio`, the raw contract `lowerdeck.v1`. Names are UMDF's, in
snake case. Two channels are never mixed (MAP-2): `RpcRefused` and its kin speak of the question,
`IoFailed` and its kin of the device.
"""

from __future__ import annotations

from typing import Any

from lowerdeck import events, health
from lowerdeck.client import Client, Device
from lowerdeck.completion import Completion
from lowerdeck.enums import (
    CancelAnswer,
    ClockKind,
    FileState,
    IoKind,
    LossPolicy,
    MethodNeitherAction,
    PnpCallback,
    PowerState,
    RequestState,
    SendFlags,
    SentIoAction,
    SessionEndReason,
    StackSharing,
    StackState,
    TargetState,
    TraceKind,
    UmdfDispatcher,
    VerifierMode,
)
from lowerdeck.errors import (
    AlreadyExists,
    ConnectionLost,
    CreateFailed,
    DeadlinePassed,
    Draining,
    EventsMissed,
    FailedPrecondition,
    InvalidArgument,
    IoCancelled,
    IoFailed,
    IoTimedOut,
    LimitReached,
    LowerdeckError,
    NotFound,
    NotOwned,
    ObjectGone,
    ProtocolViolation,
    RpcRefused,
    SendRefused,
    ServerFault,
    SessionEnded,
    SessionMetadataInvalid,
    StackEnded,
)
from lowerdeck.feed import EventFeed
from lowerdeck.file import DriverCreatedFile
from lowerdeck.handle import Handle
from lowerdeck.handle_target import FileHandleTarget
from lowerdeck.health import Health
from lowerdeck.hresult import HResult, StatusClass
from lowerdeck.lab import Lab
from lowerdeck.pending import PendingRequest
from lowerdeck.request import IoRequest, RequestStatus
from lowerdeck.session import QUEUE_PAIR_DEFAULT, Session
from lowerdeck.target import IoTarget
from lowerdeck.win32 import (
    PIPE_UNLIMITED_INSTANCES,
    CreationDisposition,
    DesiredAccess,
    FileFlags,
    PipeAccess,
    PipeMode,
    ShareMode,
)

__all__ = [
    "PIPE_UNLIMITED_INSTANCES",
    "AlreadyExists",
    "CancelAnswer",
    "Client",
    "ClockKind",
    "Completion",
    "ConnectionLost",
    "CreateFailed",
    "CreationDisposition",
    "DeadlinePassed",
    "DesiredAccess",
    "Device",
    "Draining",
    "DriverCreatedFile",
    "EventFeed",
    "EventsMissed",
    "FailedPrecondition",
    "FileFlags",
    "FileHandleTarget",
    "FileState",
    "HResult",
    "Handle",
    "Health",
    "InvalidArgument",
    "IoCancelled",
    "IoFailed",
    "IoKind",
    "IoRequest",
    "IoTarget",
    "IoTimedOut",
    "Lab",
    "LimitReached",
    "LossPolicy",
    "LowerdeckError",
    "MethodNeitherAction",
    "NotFound",
    "NotOwned",
    "ObjectGone",
    "PendingRequest",
    "PipeAccess",
    "PipeMode",
    "PnpCallback",
    "PowerState",
    "ProtocolViolation",
    "RequestState",
    "RequestStatus",
    "RpcRefused",
    "SendFlags",
    "SendRefused",
    "SentIoAction",
    "ServerFault",
    "Session",
    "SessionEndReason",
    "SessionEnded",
    "SessionMetadataInvalid",
    "ShareMode",
    "StackEnded",
    "StackSharing",
    "StackState",
    "StatusClass",
    "TargetState",
    "TraceKind",
    "UmdfDispatcher",
    "VerifierMode",
    "connect",
    "events",
    "health",
    "open",
]


def connect(endpoint: str | None = None, *, queue_pair: bool = QUEUE_PAIR_DEFAULT) -> Client:
    """A client of the server at `endpoint`, such as `http://127.0.0.1:50051`.

    Without one it is LOWERDECK_ENDPOINT, or that address. The connection is made by the first call. Requests travel in
    batches on one stream of the session; with `queue_pair=False` each is a call of its own, which is slower.
    """
    return Client(endpoint, queue_pair=queue_pair)


def open(stack: str, endpoint: str | None = None, **options: Any) -> Device:
    """A client and a session on `stack` in one; `options` are those of `Client.open_session`. Use it in `with`."""
    client = connect(endpoint)
    try:
        return Device(client, client.open_session(stack, **options))
    except BaseException:
        client.close()
        raise

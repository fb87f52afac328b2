"""Every exception of this package, and the one place where an RpcError becomes one.

Two channels, never mixed (MAP-2): `RpcRefused` and its kin speak of the question that was asked; `IoFailed` and its kin
speak of the device. The reasons are those of google.rpc.ErrorInfo, domain `lowerdeck.dev`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from lowerdeck.hresult import HResult, StatusClass

if TYPE_CHECKING:
    from lowerdeck.completion import Completion

_DOMAIN = "lowerdeck.dev"
_DETAILS_KEY = "grpc-status-details-bin"


class LowerdeckError(Exception):
    """Root of every exception of this package.

    `code` is the gRPC code, or None for what no RPC answered; `reason` the stable reason, or ""; `metadata` names the
    limit, id, field or rule concerned.
    """

    code: grpc.StatusCode | None = None
    reason: str = ""
    metadata: Mapping[str, str] = {}


class RpcRefused(LowerdeckError):
    """The server refused the question, or the way to it was lost. Nothing was done unless a subclass says otherwise."""

    def __init__(self, message: str, code: grpc.StatusCode, reason: str = "", metadata: Any = None) -> None:
        """Takes the server's message as it is."""
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})

    def __str__(self) -> str:
        """The message, with what a reader may search for in brackets."""
        return f"{self.args[0]} [{self.code.name if self.code else ''} {self.reason}".rstrip() + "]"


class InvalidArgument(RpcRefused):
    """The message is malformed; `field_violations` holds (field, description) pairs of google.rpc.BadRequest."""

    field_violations: tuple[tuple[str, str], ...] = ()


class SessionMetadataInvalid(RpcRefused):
    """The call does not say which session it belongs to."""


class NotOwned(RpcRefused):
    """The id is not, and never was, this session's own; foreign and unknown ids are told apart by nobody."""


class NotFound(RpcRefused):
    """There is no such stack or layer."""


class ObjectGone(NotFound):
    """The session's own file, request or callback has come to its end."""


class SessionEnded(NotFound):
    """The session has ended or never was; `metadata["end_reason"]` tells why, if the server remembers."""


class AlreadyExists(RpcRefused):
    """The name or id is taken by something different."""


class FailedPrecondition(RpcRefused):
    """The question is sound, and its object is in no state for it."""


class StackEnded(FailedPrecondition):
    """The stack was unplugged, or ended by a driver stop."""


class LimitReached(RpcRefused):
    """A named limit is full: `limit` is its name."""

    @property
    def limit(self) -> str:
        """The limit, as the fields of SessionLimits or the server's configuration name it."""
        return self.metadata.get("limit", "")


class Draining(RpcRefused):
    """The server takes nothing new; `retry_after` is its hint in seconds."""

    retry_after: float = 0.0


class DeadlinePassed(RpcRefused):
    """This caller stopped waiting. What the call began goes on, and its outcome can be asked for (MAP-5)."""


class ConnectionLost(RpcRefused):
    """The server could not be reached for as long as the client was willing to try."""


class ServerFault(RpcRefused):
    """A fault of the server, or an answer this package does not know."""


class IoFailed(LowerdeckError):
    """The device said no: the completion, or the call, ended with a failing HRESULT.

    `data` and `information` are kept because some failures come with both (FHT-15).
    """

    def __init__(self, hresult: int, information: int = 0, data: bytes = b"", what: str = "the request") -> None:
        """Takes what the completion says; `what` begins the message."""
        self.hresult = HResult(hresult)
        self.information = information
        self.data = data
        super().__init__(f"{what} ended with {self.hresult}, information {information}")

    @classmethod
    def from_completion(cls, completion: Completion) -> IoFailed:
        """The exception for a failed completion, by its class (ERR-4)."""
        kind = IoCancelled if completion.hresult.status_class is StatusClass.CANCELLED else IoFailed
        kind = IoTimedOut if completion.hresult.status_class is StatusClass.TIMED_OUT else kind
        what = f"{completion.io_kind.name.lower()} request {completion.request_id}"
        return kind(completion.hresult, completion.information, completion.data, what)


class IoCancelled(IoFailed):
    """The completion is of the cancelled class, 0x800703E3 or 0xD0000120."""


class IoTimedOut(IoFailed):
    """The completion is of the timed-out class, 0xD00000B5 or 0x80070079."""


class SendRefused(IoFailed):
    """Format or Send answered a failing HRESULT: nothing was sent, and no completion follows (REQ-7)."""


class CreateFailed(IoFailed):
    """CreateWdfFile, CreateFile, CreateNamedPipe or CreateFileHandleTarget failed: nothing was created (FILE-11)."""


class ProtocolViolation(LowerdeckError):
    """The server broke the contract: a gap in the events, a second completion, books that do not balance."""


class EventsMissed(LowerdeckError):
    """A feed of events was read too slowly; `session.events(limit=...)` sets how much it holds."""


_BY_REASON: dict[str, type[RpcRefused]] = {
    "FILE_GONE": ObjectGone,
    "REQUEST_GONE": ObjectGone,
    "CALLBACK_GONE": ObjectGone,
    "SESSION_UNKNOWN": SessionEnded,
    "SESSION_ENDED": SessionEnded,
    "STACK_REMOVED": StackEnded,
    "STACK_STOPPED": StackEnded,
    "DRAINING": Draining,
}

_BY_CODE: dict[grpc.StatusCode, type[RpcRefused]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.UNAUTHENTICATED: SessionMetadataInvalid,
    grpc.StatusCode.PERMISSION_DENIED: NotOwned,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.RESOURCE_EXHAUSTED: LimitReached,
    grpc.StatusCode.UNAVAILABLE: ConnectionLost,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlinePassed,
}


_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


def from_rpc_error(error: Any) -> RpcRefused:
    """The typed form of what grpc raised, sync or asyncio."""
    code = error.code()
    details = _details(error)
    info = error_details_pb2.ErrorInfo()
    if not _unpack(details, info) or info.domain != _DOMAIN:
        info = error_details_pb2.ErrorInfo()
    kind = _BY_REASON.get(info.reason) or _BY_CODE.get(code, ServerFault)
    refused = kind(error.details() or code.name.lower(), code, info.reason, info.metadata)

    bad_request, retry = error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    if isinstance(refused, InvalidArgument) and _unpack(details, bad_request):
        refused.field_violations = tuple((v.field, v.description) for v in bad_request.field_violations)
    if isinstance(refused, Draining) and _unpack(details, retry):
        refused.retry_after = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
    return refused


def from_submission_refused(refusal: Any) -> RpcRefused:
    """The typed form of what a queue pair says of a submission: the same as the call of that name would raise."""
    code = _CODES.get(refusal.code, grpc.StatusCode.UNKNOWN)
    kind = _BY_REASON.get(refusal.reason) or _BY_CODE.get(code, ServerFault)
    refused = kind(refusal.message, code, refusal.reason, refusal.metadata)
    if isinstance(refused, InvalidArgument) and "field" in refused.metadata:
        refused.field_violations = ((refused.metadata["field"], refusal.message),)
    return refused


@contextmanager
def ask_again_with(**ids: str) -> Iterator[None]:
    """Adds to a DeadlinePassed the ids with which the same question can be asked again, and finds what was created."""
    try:
        yield
    except DeadlinePassed as error:
        error.metadata = {**error.metadata, **ids}
        raise


def is_connection_loss(refused: RpcRefused) -> bool:
    """Whether the way was lost rather than the question refused: only then may an answer be missing."""
    return isinstance(refused, ConnectionLost)


def no_connection(seconds: float) -> ConnectionLost:
    """The error after trying in vain for so long."""
    return ConnectionLost(f"no connection to the server for {seconds:g} s", grpc.StatusCode.UNAVAILABLE)


def _details(error: Any) -> list[Any]:
    """The Any messages of the status details. Sync and asyncio errors both carry them as trailing metadata."""
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY:
            try:
                return list(status_pb2.Status.FromString(value).details)
            except DecodeError:  # an answer of something between us and the server; its code still counts
                return []
    return []


def _unpack(details: list[Any], message: Any) -> bool:
    """Fills `message` with the first detail of its type."""
    return any(detail.Is(message.DESCRIPTOR) and detail.Unpack(message) for detail in details)

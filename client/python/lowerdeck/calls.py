"""Every RPC of the contract as a `Call`: what is asked, how the answer is read, and whether asking again is safe.

Both twins, blocking and asyncio, run the same calls, so each question is written once. Knows nothing of channels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Callable, Generic, TypeVar

from google.protobuf.duration_pb2 import Duration

from lowerdeck.enums import (
    CancelAnswer,
    ClockKind,
    LossPolicy,
    MethodNeitherAction,
    PnpCallback,
    PowerState,
    SentIoAction,
    StackSharing,
    TargetState,
    UmdfDispatcher,
    VerifierMode,
    WireEnum,
)
from lowerdeck.formats import Format, SendOptions
from lowerdeck.hresult import HResult
from lowerdeck.v1 import (
    device_pb2_grpc,
    event_pb2,
    file_pb2,
    lab_pb2,
    lab_pb2_grpc,
    report_pb2,
    request_pb2,
    session_pb2,
    session_pb2_grpc,
    stack_pb2,
    target_pb2,
    trace_pb2,
)

Answer = TypeVar("Answer")

SESSION = session_pb2_grpc.SessionServiceStub
DEVICE = device_pb2_grpc.DeviceServiceStub
LAB = lab_pb2_grpc.LabServiceStub

QUEUE_PAIR = "/lowerdeck.v1.DeviceService/QueuePair"
"""The method of the stream on which calls are submitted; its messages are joined out of encoded parts, so no stub."""


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """One question."""

    service: Any
    """The stub class of the service."""
    method: str
    message: Any
    read: Callable[[Any], Answer]
    """Makes the answer out of the reply."""
    repeatable: bool = True
    """Whether the same message may be sent again when the connection was lost and nobody knows if it arrived."""


def _nothing(_: Any) -> None:
    return None


def _number(member: WireEnum) -> Any:
    return int(member)


def _hresult(reply: Any) -> HResult:
    return HResult(reply.hresult)


def duration(seconds: float) -> Duration:
    """Seconds as the contract has them."""
    message = Duration()
    message.FromNanoseconds(round(seconds * 1e9))
    return message


# --- sessions ---------------------------------------------------------------------------------------------------------


def open_session(
    stack: str,
    lease: float | None,
    callbacks: Iterable[PnpCallback],
    loss_policy: LossPolicy,
    client_name: str,
) -> Call[session_pb2.Session]:
    """OpenSession; the lease is in seconds, None for the server's default."""
    message = session_pb2.OpenSessionRequest(
        stack=stack,
        lease=None if lease is None else duration(lease),
        loss_policy=_number(loss_policy),
        callbacks=[_number(callback) for callback in callbacks],
        client_name=client_name,
    )
    return Call(SESSION, "OpenSession", message, lambda reply: reply.session)


def get_session() -> Call[session_pb2.Session]:
    """GetSession."""
    return Call(SESSION, "GetSession", session_pb2.GetSessionRequest(), lambda reply: reply.session)


def renew_session(lease: float | None) -> Call[session_pb2.Session]:
    """RenewSession; the lease is in seconds, None to leave it."""
    message = session_pb2.RenewSessionRequest(lease=None if lease is None else duration(lease))
    return Call(SESSION, "RenewSession", message, lambda reply: reply.session)


def close_session() -> Call[session_pb2.CloseSessionResponse]:
    """CloseSession."""
    return Call(SESSION, "CloseSession", session_pb2.CloseSessionRequest(), lambda reply: reply)


# --- files ------------------------------------------------------------------------------------------------------------


def create_wdf_file(request_id: int, name: str | None) -> Call[file_pb2.CreateWdfFileResponse]:
    """IWDFDevice::CreateWdfFile."""
    message = file_pb2.CreateWdfFileRequest(request_id=request_id, file_name=name)
    return Call(DEVICE, "CreateWdfFile", message, lambda reply: reply)


def close(file_id: str) -> Call[None]:
    """IWDFDriverCreatedFile::Close. Not repeatable: a second Close is a verifier violation (CLS-17)."""
    return Call(DEVICE, "Close", file_pb2.CloseRequest(file_id=file_id), _nothing, repeatable=False)


def delete_file(file_id: str) -> Call[HResult]:
    """IWDFObject::DeleteWdfObject on a file."""
    return Call(DEVICE, "DeleteFile", file_pb2.DeleteFileRequest(file_id=file_id), _hresult)


# --- requests ---------------------------------------------------------------------------------------------------------


def create_request(request_id: int, completion_callback: bool) -> Call[HResult]:
    """IWDFDevice::CreateRequest and SetCompletionCallback."""
    message = request_pb2.CreateRequestRequest(request_id=request_id, no_completion_callback=not completion_callback)
    return Call(DEVICE, "CreateRequest", message, _hresult)


def format_request(request_id: int, form: Format) -> Call[HResult]:
    """IWDFIoTarget::FormatRequestForRead, Write or Ioctl."""
    message = request_pb2.FormatRequestRequest(request_id=request_id, format=form)
    return Call(DEVICE, "FormatRequest", message, _hresult)


def send_request(request_id: int, options: SendOptions, target_id: str) -> Call[request_pb2.SendRequestResponse]:
    """IWDFIoRequest::Send. Not repeatable: sending an outstanding request is a verifier violation (REQ-11)."""
    message = request_pb2.SendRequestRequest(request_id=request_id, options=options, target_id=target_id)
    return Call(DEVICE, "SendRequest", message, lambda reply: reply, repeatable=False)


def reuse_request(request_id: int, hresult: int, completion_callback: bool) -> Call[None]:
    """IWDFIoRequest2::Reuse, then SetCompletionCallback. Not repeatable: the request may be on its way again."""
    message = request_pb2.ReuseRequestRequest(
        request_id=request_id, hresult=hresult, no_completion_callback=not completion_callback
    )
    return Call(DEVICE, "ReuseRequest", message, _nothing, repeatable=False)


def delete_request(request_id: int) -> Call[HResult]:
    """IWDFObject::DeleteWdfObject on a request. Not repeatable: the second answer would be REQUEST_GONE."""
    message = request_pb2.DeleteRequestRequest(request_id=request_id)
    return Call(DEVICE, "DeleteRequest", message, _hresult, repeatable=False)


def get_request(request_id: int) -> Call[request_pb2.GetRequestResponse]:
    """GetStatus, GetCompletionParams and the state."""
    return Call(DEVICE, "GetRequest", request_pb2.GetRequestRequest(request_id=request_id), lambda reply: reply)


def format_and_send(
    request_id: int, form: Format, options: SendOptions, retain: bool
) -> Call[request_pb2.FormatAndSendResponse]:
    """CreateRequest, SetCompletionCallback, FormatRequestForXxx and Send at once."""
    message = request_pb2.FormatAndSendRequest(request_id=request_id, format=form, options=options, retain=retain)
    return Call(DEVICE, "FormatAndSend", message, lambda reply: reply)


def cancel(request_id: int) -> Call[CancelAnswer]:
    """IWDFIoRequest::CancelSentRequest."""
    message = request_pb2.CancelRequest(request_id=request_id)
    return Call(DEVICE, "Cancel", message, lambda reply: CancelAnswer(reply.answer))


# --- targets ----------------------------------------------------------------------------------------------------------


def cancel_sent_requests_for_file(file_id: str, target_id: str) -> Call[None]:
    """IWDFIoTarget::CancelSentRequestsForFile."""
    message = target_pb2.CancelSentRequestsForFileRequest(file_id=file_id, target_id=target_id)
    return Call(DEVICE, "CancelSentRequestsForFile", message, _nothing)


def get_target_state(target_id: str) -> Call[TargetState]:
    """IWDFIoTargetStateManagement::GetState."""
    message = target_pb2.GetTargetRequest(target_id=target_id)
    return Call(DEVICE, "GetTarget", message, lambda reply: TargetState(reply.state))


def get_target_file(target_id: str) -> Call[bool]:
    """Whether IWDFIoTarget::GetTargetFile yields a file."""
    message = target_pb2.GetTargetRequest(target_id=target_id)
    return Call(DEVICE, "GetTarget", message, lambda reply: bool(reply.has_target_file))


def start_target(target_id: str) -> Call[HResult]:
    """IWDFIoTargetStateManagement::Start."""
    return Call(DEVICE, "StartTarget", target_pb2.StartTargetRequest(target_id=target_id), _hresult)


def stop_target(target_id: str, action: SentIoAction, inside_completion_of: int) -> Call[HResult]:
    """IWDFIoTargetStateManagement::Stop, in the completion callback of this request, or 0 for none."""
    message = target_pb2.StopTargetRequest(
        target_id=target_id, action=_number(action), inside_completion_of=inside_completion_of
    )
    return Call(DEVICE, "StopTarget", message, _hresult)


def remove_target(target_id: str, surprise: bool) -> Call[HResult]:
    """IWDFIoTargetStateManagement::Remove."""
    message = target_pb2.RemoveTargetRequest(target_id=target_id, surprise=surprise)
    return Call(DEVICE, "RemoveTarget", message, _hresult)


def delete_target(target_id: str) -> Call[HResult]:
    """IWDFObject::DeleteWdfObject on a target."""
    return Call(DEVICE, "DeleteTarget", target_pb2.DeleteTargetRequest(target_id=target_id), _hresult)


# --- events -----------------------------------------------------------------------------------------------------------


def stream_events(after: int) -> Call[Any]:
    """StreamEvents, to be run as a stream; its answers stay messages, because the ledger reads them."""
    message = event_pb2.StreamEventsRequest(after_sequence=after)
    return Call(DEVICE, "StreamEvents", message, lambda reply: reply, repeatable=False)


def acknowledge_events(through: int) -> Call[int]:
    """AcknowledgeEvents; the answer is how far the session now is."""
    message = event_pb2.AcknowledgeEventsRequest(through_sequence=through)
    return Call(DEVICE, "AcknowledgeEvents", message, lambda reply: int(reply.acknowledged_sequence))


def return_from_callback(callback_id: int, hresult: int) -> Call[None]:
    """The return of one of L0's own callbacks."""
    message = event_pb2.ReturnFromCallbackRequest(callback_id=callback_id, hresult=hresult)
    return Call(DEVICE, "ReturnFromCallback", message, _nothing)


# --- the lab ----------------------------------------------------------------------------------------------------------


def list_stacks(page_token: str) -> Call[stack_pb2.ListStacksResponse]:
    """ListStacks, one page."""
    return Call(LAB, "ListStacks", stack_pb2.ListStacksRequest(page_token=page_token), lambda reply: reply)


def describe_stack(stack: str) -> Call[stack_pb2.StackDescription]:
    """DescribeStack."""
    return Call(LAB, "DescribeStack", stack_pb2.DescribeStackRequest(stack=stack), lambda reply: reply.stack)


def plug_stack(
    name: str,
    expression: str,
    sharing: StackSharing,
    verifier: VerifierMode,
    clock: ClockKind,
    method_neither: MethodNeitherAction,
    umdf_dispatcher: UmdfDispatcher,
) -> Call[stack_pb2.StackDescription]:
    """PlugStack."""
    message = stack_pb2.PlugStackRequest(
        name=name,
        expression=expression,
        sharing=_number(sharing),
        verifier=_number(verifier),
        clock=_number(clock),
        method_neither=_number(method_neither),
        umdf_dispatcher=_number(umdf_dispatcher),
    )
    return Call(LAB, "PlugStack", message, lambda reply: reply.stack)


def unplug_stack(name: str) -> Call[stack_pb2.UnplugStackResponse]:
    """UnplugStack. Not repeatable: the second answer would be STACK_REMOVED."""
    message = stack_pb2.UnplugStackRequest(name=name)
    return Call(LAB, "UnplugStack", message, lambda reply: reply, repeatable=False)


def surprise_remove_stack(stack: str) -> Call[None]:
    """SurpriseRemoveStack. Not repeatable: the second answer would be STACK_REMOVED."""
    message = lab_pb2.SurpriseRemoveStackRequest(stack=stack)
    return Call(LAB, "SurpriseRemoveStack", message, _nothing, repeatable=False)


def set_power_state(stack: str, power_state: PowerState) -> Call[None]:
    """SetPowerState. Repeatable: a stack that is in that state stays in it."""
    message = lab_pb2.SetPowerStateRequest(stack=stack, power_state=_number(power_state))
    return Call(LAB, "SetPowerState", message, _nothing)


def rebalance_stack(stack: str) -> Call[lab_pb2.RebalanceStackResponse]:
    """RebalanceStack. Not repeatable: every driver would be stopped twice."""
    message = lab_pb2.RebalanceStackRequest(stack=stack)
    return Call(LAB, "RebalanceStack", message, lambda reply: reply, repeatable=False)


def control_driver(stack: str, layer: int, command: str) -> Call[str]:
    """ControlDriver. Not repeatable: what a command does is the driver's own affair."""
    message = lab_pb2.ControlDriverRequest(stack=stack, layer=layer, command=command)
    return Call(LAB, "ControlDriver", message, lambda reply: str(reply.reply), repeatable=False)


def advance_clock(stack: str, ticks: int, wall_clock_shift_ticks: int) -> Call[lab_pb2.AdvanceClockResponse]:
    """AdvanceClock. Not repeatable: time would pass twice."""
    message = lab_pb2.AdvanceClockRequest(stack=stack, ticks=ticks, wall_clock_shift_ticks=wall_clock_shift_ticks)
    return Call(LAB, "AdvanceClock", message, lambda reply: reply, repeatable=False)


def read_trace(stack: str, after: int) -> Call[trace_pb2.ReadTraceResponse]:
    """ReadTrace, one piece."""
    message = trace_pb2.ReadTraceRequest(stack=stack, after_sequence=after)
    return Call(LAB, "ReadTrace", message, lambda reply: reply)


def follow_trace(stack: str, after: int) -> Call[trace_pb2.FollowTraceResponse]:
    """FollowTrace, to be run as a stream."""
    message = trace_pb2.FollowTraceRequest(stack=stack, after_sequence=after)
    return Call(LAB, "FollowTrace", message, lambda reply: reply, repeatable=False)


def list_findings(stack: str, page_token: str) -> Call[lab_pb2.ListFindingsResponse]:
    """ListFindings, one page."""
    message = lab_pb2.ListFindingsRequest(stack=stack, page_token=page_token)
    return Call(LAB, "ListFindings", message, lambda reply: reply)


def get_outstanding_files(stack: str) -> Call[report_pb2.OutstandingReport]:
    """GetOutstandingFiles."""
    message = lab_pb2.GetOutstandingFilesRequest(stack=stack)
    return Call(LAB, "GetOutstandingFiles", message, lambda reply: reply.report)

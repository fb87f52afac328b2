"""The wire contract as this runner sees it: methods by name, messages as JSON, and refusals.

Knows nothing of cases, sessions and roads.
"""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from lowerdeck.v1 import (
    device_pb2,
    device_pb2_grpc,
    lab_pb2,
    lab_pb2_grpc,
    queue_pair_pb2,
    session_pb2,
    session_pb2_grpc,
)

SESSION_KEY = "lowerdeck-session"
"""The metadata entry that names the session on every call."""

SYNCHRONOUS = 0x2
"""The flag of a Send that waits for the completion; a queue pair refuses it."""

_SERVICES = [
    (session_pb2, session_pb2_grpc.SessionServiceStub, "SessionService"),
    (device_pb2, device_pb2_grpc.DeviceServiceStub, "DeviceService"),
    (lab_pb2, lab_pb2_grpc.LabServiceStub, "LabService"),
]

LAB_METHODS = frozenset(lab_pb2.DESCRIPTOR.services_by_name["LabService"].methods_by_name)
"""Methods that need no session."""

SUBMISSIONS = {
    field.message_type.name.removesuffix("Request"): field.name
    for field in queue_pair_pb2.Submission.DESCRIPTOR.oneofs_by_name["call"].fields
}
"""Methods that can travel on a queue pair, and what a Submission calls them."""


class Refused(Exception):
    """The question was refused: a gRPC status with google.rpc.ErrorInfo, or a SubmissionRefused; both say the same."""

    def __init__(self, code: grpc.StatusCode, reason: str, message: str, metadata: dict[str, str]) -> None:
        """`reason` is what programs decide by; `message` is for people."""
        super().__init__(f"{code.name} {reason}: {message}")
        self.code = code
        self.reason = reason
        self.metadata = metadata

    def as_json(self) -> dict[str, Any]:
        """As a case expects it."""
        return {"code": self.code.name, "reason": self.reason, "metadata": self.metadata}


def refusal(error: grpc.RpcError) -> Refused:
    """What a failed call says, from the status details that every error of Lowerdeck carries."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    return Refused(error.code(), info.reason, error.details(), dict(info.metadata))
    return Refused(error.code(), "", error.details(), {})


def submission_refusal(refused: queue_pair_pb2.SubmissionRefused) -> Refused:
    """The same from a queue pair."""
    code = next(code for code in grpc.StatusCode if code.value[0] == refused.code)
    return Refused(code, refused.reason, refused.message, dict(refused.metadata))


def stubs(channel: grpc.Channel | grpc.aio.Channel) -> dict[str, Any]:
    """Every method of the contract by its name, which no two services share."""
    methods = {}
    for module, stub_type, name in _SERVICES:
        stub = stub_type(channel)
        methods |= {
            method: getattr(stub, method) for method in module.DESCRIPTOR.services_by_name[name].methods_by_name
        }
    return methods


def request(method: str, fields: dict[str, Any]) -> Message:
    """The message of a call, from JSON."""
    for module, _, name in _SERVICES:
        found = module.DESCRIPTOR.services_by_name[name].methods_by_name.get(method)
        if found:
            message_type = json_format.message_factory.GetMessageClass(found.input_type)
            return json_format.ParseDict(fields, message_type())
    raise LookupError(f"the contract has no method {method}")


def as_json(message: Message) -> dict[str, Any]:
    """A message as JSON, with the names of the .proto files and without fields that have their default value."""
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def is_submission(method: str, message: Any) -> bool:
    """Whether a call can travel on a queue pair."""
    if method in ("FormatAndSend", "SendRequest") and message.options.flags & SYNCHRONOUS:
        return False
    return method in SUBMISSIONS

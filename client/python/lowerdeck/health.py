"""The names and words of grpc.health.v1 as Lowerdeck uses them; both twins ask with these.

Names differ by meaning: "" and `liveness` say that the process lives; a service's name, that it is ready for new
sessions; `lowerdeck.stack/NAME`, that the stack works.
"""

from __future__ import annotations

from typing import Any

from grpc_health.v1 import health_pb2, health_pb2_grpc

from lowerdeck.calls import Call
from lowerdeck.enums import WireEnum

READINESS = "lowerdeck.v1.DeviceService"
"""Ready for new sessions; not serving first thing in a drain."""
LIVENESS = "liveness"
"""The process lives; serving while it drains."""


class Health(WireEnum):
    """grpc.health.v1's ServingStatus."""

    UNKNOWN = 0
    SERVING = 1
    NOT_SERVING = 2
    SERVICE_UNKNOWN = 3


def stack_service(name: str) -> str:
    """The health name of a stack."""
    return f"lowerdeck.stack/{name}"


def check(service: str) -> Call[Health]:
    """Check; a name the server does not know raises NotFound."""
    message = health_pb2.HealthCheckRequest(service=service)
    return Call(health_pb2_grpc.HealthStub, "Check", message, _status)


def watch(service: str) -> Call[Health]:
    """Watch, to be run as a stream."""
    message = health_pb2.HealthCheckRequest(service=service)
    return Call(health_pb2_grpc.HealthStub, "Watch", message, _status, repeatable=False)


def _status(reply: Any) -> Health:
    return Health(reply.status)

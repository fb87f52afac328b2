"""Where the server is and how a channel to it is set up, for both twins.

Knows nothing of sessions except the metadata entry that names one.
"""

from __future__ import annotations

import os
import uuid
from typing import Any
from urllib.parse import urlsplit

ENDPOINT_VARIABLE = "LOWERDECK_ENDPOINT"
DEFAULT_ENDPOINT = "http://127.0.0.1:50051"
SESSION_KEY = "lowerdeck-session"

MESSAGE_BYTES_MAX = 64 * 1024 * 1024
"""The largest message this client receives: above any limit of a server's, and there to guard the client's memory."""

RECONNECT_SECONDS_MIN = 0.05
RECONNECT_SECONDS_MAX = 1.0
"""Pauses between attempts to connect: gRPC's own first pause of a second is as long as the shortest leases."""

KEEPALIVE_SECONDS = 10
KEEPALIVE_TIMEOUT_SECONDS = 5
"""HTTP/2 pings find a dead peer well within the default lease of 30 s."""


def resolve_endpoint(endpoint: str | None) -> str:
    """The given endpoint, or that of LOWERDECK_ENDPOINT, or the default."""
    return endpoint or os.environ.get(ENDPOINT_VARIABLE) or DEFAULT_ENDPOINT


def target_of(endpoint: str) -> str:
    """gRPC's name for an endpoint: `http://host:port` and `host:port` mean the same."""
    if "://" not in endpoint:
        return endpoint
    parts = urlsplit(endpoint)
    if parts.scheme != "http" or not parts.netloc:
        raise ValueError(f"endpoint {endpoint!r} is not understood; write http://HOST:PORT")
    return parts.netloc


def options() -> list[tuple[str, Any]]:
    """Options of a channel."""
    return [
        ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
        ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
        ("grpc.initial_reconnect_backoff_ms", int(RECONNECT_SECONDS_MIN * 1000)),
        ("grpc.min_reconnect_backoff_ms", int(RECONNECT_SECONDS_MIN * 1000)),
        ("grpc.max_reconnect_backoff_ms", int(RECONNECT_SECONDS_MAX * 1000)),
        ("grpc.keepalive_time_ms", KEEPALIVE_SECONDS * 1000),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_SECONDS * 1000),
        ("grpc.http2.max_pings_without_data", 0),
        # A second client in the process must not share a connection: each has sessions of its own to lose.
        ("grpc.use_local_subchannel_pool", 1),
    ]


def new_session_uuid() -> str:
    """A session's name: a version 4 UUID that the client chooses (design: it is sent from OpenSession on)."""
    return str(uuid.uuid4())


def metadata_of(session_uuid: str | None) -> tuple[tuple[str, str], ...]:
    """The metadata of a call; none outside a session."""
    return ((SESSION_KEY, session_uuid),) if session_uuid else ()


class Recovery:
    """How long, and in which rhythm, to try again after a connection was lost. Time is passed in, in seconds."""

    def __init__(self, seconds: float) -> None:
        """Gives up `seconds` after the first failure."""
        self._seconds = seconds
        self._failures = 0
        self._give_up = 0.0

    def pause(self, now: float) -> float | None:
        """After a failure: how long to pause before the next attempt; None to give up."""
        if self._failures == 0:
            self._give_up = now + self._seconds
        elif now >= self._give_up:
            return None
        self._failures += 1
        pause = min(RECONNECT_SECONDS_MIN * 2.0 ** min(self._failures - 1, 10), RECONNECT_SECONDS_MAX)
        return max(0.0, min(pause, self._give_up - now))

    def succeeded(self) -> None:
        """The connection is there; the next failure is a first one."""
        self._failures = 0

"""Runs calls, blocking or as futures, and asks again where that is safe.

Law: a question is repeated only if its connection was lost and its `Call` says that repeating is safe.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, Callable, TypeVar

import grpc

from lowerdeck import calls
from lowerdeck import channel as channels
from lowerdeck.calls import Call
from lowerdeck.errors import DeadlinePassed, RpcRefused, from_rpc_error, is_connection_loss, no_connection
from lowerdeck.v1 import queue_pair_pb2

Answer = TypeVar("Answer")


class Wire:
    """A channel as one caller uses it: outside a session, or inside one."""

    def __init__(self, channel: grpc.Channel, session_uuid: str | None = None, recovery_seconds: float = 2.0) -> None:
        """`recovery_seconds` is how long a lost connection may take to come back before a call gives up."""
        self._channel = channel
        self._metadata = channels.metadata_of(session_uuid)
        self._stubs: dict[Any, Any] = {}
        self._abandoned = threading.Event()
        self.recovery_seconds = recovery_seconds

    def run(self, call: Call[Answer], timeout: float | None = None) -> Answer:
        """Asks and waits for the answer; `timeout` in seconds ends the wait and nothing else (MAP-5)."""
        deadline = None if timeout is None else time.monotonic() + timeout
        recovery = channels.Recovery(self.recovery_seconds)
        while True:
            remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                return call.read(self._method(call)(call.message, timeout=remaining, metadata=self._metadata))
            except grpc.RpcError as error:
                refused = from_rpc_error(error)
            pause = recovery.pause(time.monotonic()) if is_connection_loss(refused) and call.repeatable else None
            if pause is None or self._abandoned.wait(pause):
                raise refused from None

    def abandon(self) -> None:
        """From now on a lost connection is not tried again; for the end of a session."""
        self._abandoned.set()

    def start(self, call: Call[Any], done: Callable[[Any, RpcRefused | None], None], again: bool = False) -> None:
        """Asks without waiting; `done` gets the answer or the error, on a thread of gRPC's. Repeats nothing itself.

        `again` waits for a connection, for as long as one may take to come back.
        """
        timeout = self.recovery_seconds if again else None
        try:
            future = self._method(call).future(
                call.message, timeout=timeout, metadata=self._metadata, wait_for_ready=again
            )
        except ValueError:  # grpc's word for a channel that was closed under us
            done(None, no_connection(0))
            return

        def finished(reply: grpc.Future) -> None:
            try:
                answer = call.read(reply.result())
            except grpc.RpcError as error:
                refused = from_rpc_error(error)
                done(None, no_connection(self.recovery_seconds) if isinstance(refused, DeadlinePassed) else refused)
            except grpc.FutureCancelledError:
                done(None, no_connection(0))
            else:
                done(answer, None)

        future.add_done_callback(finished)

    def stream(self, call: Call[Any], timeout: float | None = None) -> Any:
        """Opens a server stream; iterate it, and cancel() it from anywhere."""
        return self._method(call)(call.message, timeout=timeout, metadata=self._metadata)

    def queue_pair(self, messages: Iterator[bytes]) -> Any:
        """Opens a QueuePair that submits `messages`; to be iterated and cancelled as other streams are."""
        method = self._channel.stream_stream(
            calls.QUEUE_PAIR, response_deserializer=queue_pair_pb2.QueuePairResponse.FromString
        )
        return method(messages, metadata=self._metadata)

    def answers(self, stream: Any) -> Iterator[Any]:
        """The messages of a stream; raises the typed error if it ends with one."""
        try:
            yield from stream
        except grpc.RpcError as error:
            raise from_rpc_error(error) from None

    def _method(self, call: Call[Any]) -> Any:
        stub = self._stubs.get(call.service)
        if stub is None:
            stub = self._stubs[call.service] = call.service(self._channel)
        return getattr(stub, call.method)

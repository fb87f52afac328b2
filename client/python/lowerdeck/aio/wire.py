"""Runs calls in an event loop, and asks again where that is safe; the twin of `lowerdeck.wire`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import grpc

from lowerdeck import calls
from lowerdeck import channel as channels
from lowerdeck.calls import Call
from lowerdeck.errors import from_rpc_error, is_connection_loss
from lowerdeck.v1 import queue_pair_pb2

Answer = TypeVar("Answer")


class Wire:
    """A channel as one caller uses it: outside a session, or inside one."""

    def __init__(self, channel: Any, session_uuid: str | None = None, recovery_seconds: float = 2.0) -> None:
        """`recovery_seconds` is how long a lost connection may take to come back before a call gives up."""
        self._channel = channel
        self._metadata = channels.metadata_of(session_uuid)
        self._stubs: dict[Any, Any] = {}
        self._abandoned = False
        self.recovery_seconds = recovery_seconds

    async def run(self, call: Call[Answer], timeout: float | None = None) -> Answer:
        """Asks and waits for the answer; `timeout` in seconds ends the wait and nothing else (MAP-5)."""
        deadline = None if timeout is None else time.monotonic() + timeout
        recovery = channels.Recovery(self.recovery_seconds)
        while True:
            remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                return call.read(await self.ask_once(call, remaining))
            except grpc.RpcError as error:
                refused = from_rpc_error(error)
            pause = recovery.pause(time.monotonic()) if is_connection_loss(refused) and call.repeatable else None
            if pause is None or self._abandoned:
                raise refused from None
            await asyncio.sleep(pause)

    def abandon(self) -> None:
        """From now on a lost connection is not tried again; for the end of a session."""
        self._abandoned = True

    def ask_once(self, call: Call[Any], timeout: float | None = None, wait_for_ready: bool = False) -> Any:
        """Asks; the result is to be awaited, for the reply as it is or grpc's own error."""
        return self._method(call)(call.message, timeout=timeout, metadata=self._metadata, wait_for_ready=wait_for_ready)

    def stream(self, call: Call[Any], timeout: float | None = None) -> Any:
        """Opens a server stream; iterate it, and cancel() it."""
        return self.ask_once(call, timeout)

    def queue_pair(self) -> Any:
        """Opens a QueuePair; to be written to, and iterated and cancelled as other streams are."""
        method = self._channel.stream_stream(
            calls.QUEUE_PAIR, response_deserializer=queue_pair_pb2.QueuePairResponse.FromString
        )
        return method(metadata=self._metadata)

    async def answers(self, stream: Any) -> AsyncIterator[Any]:
        """The messages of a stream; raises the typed error if it ends with one."""
        try:
            async for message in stream:
                yield message
        except grpc.RpcError as error:
            raise from_rpc_error(error) from None

    def _method(self, call: Call[Any]) -> Any:
        stub = self._stubs.get(call.service)
        if stub is None:
            stub = self._stubs[call.service] = call.service(self._channel)
        return getattr(stub, call.method)

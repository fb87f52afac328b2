"""An asyncio client of one session: the twin of `client.py`, which says more. Only the waiting differs.

It does not know what a case is.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import contract
import grpc
from books import Arrivals, Books, Submissions
from lowerdeck.v1 import event_pb2, queue_pair_pb2

from client import Ended, broken_contract, settles


class Connection:
    """A channel to the server, and every method of the contract."""

    def __init__(self, endpoint: str, patience: float) -> None:
        """`patience` in seconds is the deadline of every call."""
        self._channel = grpc.aio.insecure_channel(endpoint)
        self._methods = contract.stubs(self._channel)
        self._patience = patience

    async def call(self, method: str, message: Any, sessions: tuple[str, ...] = ()) -> Any:
        """Asks and waits for the reply. Raises `Refused`."""
        try:
            return await self.start(method, message, sessions)
        except grpc.RpcError as error:
            raise contract.refusal(error) from None

    def start(self, method: str, message: Any, sessions: tuple[str, ...]) -> Any:
        """Asks, and leaves the waiting to who awaits the call."""
        metadata = tuple((contract.SESSION_KEY, session) for session in sessions)
        return self._methods[method](message, metadata=metadata, timeout=self._patience)

    def stream(self, method: str, message: Any, session: str) -> Any:
        """Opens a stream of answers. It has no deadline: heartbeats tell that it is alive."""
        return self._methods[method](message, metadata=((contract.SESSION_KEY, session),))

    async def close(self) -> None:
        """Ends everything on this channel, as a lost connection does."""
        await self._channel.close()


class Session:
    """One session of one client."""

    def __init__(self, endpoint: str, road: str, patience: float) -> None:
        """`road` is `unary` or `queue-pair`. Nothing is asked yet."""
        self.uuid = str(uuid.uuid4())
        self.books = Books()
        self._endpoint = endpoint
        self._road = road
        self._patience = patience
        self._connection = Connection(endpoint, patience)
        self._reader: _Reader | None = None

    def new_request_id(self) -> int:
        """A number for a create or a request, never used before in this session."""
        return self.books.new_request_id()

    # --- calls --------------------------------------------------------------------------------------------------------

    async def call(self, method: str, message: Any, unary: bool = False) -> Any:
        """Makes a call and gives the reply. Raises `Refused`."""
        return await self.finish(await self.start(method, message, unary))

    async def start(self, method: str, message: Any, unary: bool = False) -> tuple[str, Any]:
        """Makes a call, and leaves the waiting to `finish`."""
        self.books.asks(method, message)
        if not unary and self._has_queue_pair() and contract.is_submission(method, message):
            return method, self._reader.submit([(method, message)])[0]
        return method, self._connection.start(method, message, (self.uuid,))

    async def batch(self, calls: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """Makes several calls: in one message on a queue pair, else each after the reply of the one before it."""
        for method, message in calls:
            self.books.asks(method, message)
        if self._has_queue_pair():
            return [(method, answer) for (method, _), answer in zip(calls, self._reader.submit(calls))]
        started = []
        for method, message in calls:
            call = self._connection.start(method, message, (self.uuid,))
            await call.code()  # waits; `finish` says what came of it
            started.append((method, call))
        return started

    async def finish(self, started: tuple[str, Any]) -> Any:
        """Waits for the reply of a call. Raises `Refused`."""
        method, answer = started
        try:
            reply = await asyncio.wait_for(answer, self._patience)
        except grpc.RpcError as error:
            raise contract.refusal(error) from None
        except asyncio.TimeoutError:
            raise TimeoutError(f"{method} was not answered within {self._patience} s") from None
        self.books.answered(method, reply)
        return reply

    async def abandon(self, started: tuple[str, Any]) -> None:
        """Stops waiting. This cancels no I/O: what was asked for goes on (MAP-5)."""
        started[1].cancel()

    # --- events -------------------------------------------------------------------------------------------------------

    async def listen(self, after: int | None = None) -> Ended | None:
        """Opens the stream of events behind the last one that was processed, or behind a given one.

        It takes over from an older one, whose end is given back.
        """
        old, after = self._reader, self.books.processed if after is None else after
        self._reader = _Reader(self._connection, self._road, self.uuid, Arrivals(self.books, after), after)
        await self._reader.registered.wait()
        return await old.join() if old else None

    async def next_event(self) -> event_pb2.Event:
        """Waits for the next event. Raises `Ended` when there is none left, `TimeoutError` when none came."""
        return await self._reader.next_event(self._patience)

    async def processed(self, event: event_pb2.Event, acknowledge: bool = True) -> None:
        """The event has been dealt with, and the server need not keep it."""
        self.books.process(event)
        if acknowledge:
            await self.acknowledge(event.sequence)

    async def acknowledge(self, sequence: int) -> None:
        """Tells the server that events up to this number were processed. Raises `Refused`."""
        self.books.acknowledge(sequence)
        if self._has_queue_pair():
            self._reader.acknowledge(sequence)
            return
        method, message = "AcknowledgeEvents", event_pb2.AcknowledgeEventsRequest(through_sequence=sequence)
        await self._connection.call(method, message, (self.uuid,))

    async def heartbeat(self) -> event_pb2.Heartbeat:
        """Waits for the next heartbeat after this call."""
        return await self._reader.heartbeat(self._patience)

    # --- the connection -----------------------------------------------------------------------------------------------

    async def drop(self) -> None:
        """Loses the connection, and with it what had arrived and was not processed."""
        await self._connection.close()
        if self._reader:
            await self._reader.join()
            self._reader = None

    async def reconnect(self) -> None:
        """Connects again. The session is as it was for as long as its lease."""
        self._connection = Connection(self._endpoint, self._patience)

    close = drop

    def _has_queue_pair(self) -> bool:
        """Once the stream is over, every call is a unary one."""
        return self._road == "queue-pair" and self._reader is not None and not self._reader.is_over


class _Reader:
    """The task that reads StreamEvents or a QueuePair. It waits for nothing but the stream."""

    def __init__(self, connection: Connection, road: str, session: str, arrivals: Arrivals, after: int) -> None:
        """Opens the stream; `registered` is set when the server has answered on it or has ended it."""
        self.registered = asyncio.Event()
        self.is_over = False
        self._arrivals = arrivals
        self._events: asyncio.Queue[event_pb2.Event | Ended] = asyncio.Queue()
        self._heartbeats: asyncio.Queue[event_pb2.Heartbeat] = asyncio.Queue()
        self._submissions = Submissions()
        self._outgoing: asyncio.Queue[queue_pair_pb2.QueuePairRequest | None] = asyncio.Queue()
        self._end = Ended(None)
        if road == "queue-pair":
            self._outgoing.put_nowait(queue_pair_pb2.QueuePairRequest(after_sequence=after))
            self._stream = connection.stream("QueuePair", self._messages(), session)
        else:
            message = event_pb2.StreamEventsRequest(after_sequence=after)
            self._stream = connection.stream("StreamEvents", message, session)
        self._task = asyncio.create_task(self._run())

    def submit(self, calls: list[tuple[str, Any]]) -> list[asyncio.Future[Any]]:
        """Puts calls on the stream, in one message; each answer comes by itself."""
        message = queue_pair_pb2.QueuePairRequest()
        answers = []
        for method, request in calls:
            answers.append(asyncio.get_running_loop().create_future())
            message.submissions.append(self._submissions.submit(method, request, settles(answers[-1])))
        self._outgoing.put_nowait(message)
        return answers

    def acknowledge(self, sequence: int) -> None:
        """Puts an acknowledgement on the stream, ahead of every later submission."""
        self._outgoing.put_nowait(queue_pair_pb2.QueuePairRequest(acknowledged_sequence=sequence))

    async def next_event(self, patience: float) -> event_pb2.Event:
        """See `Session`."""
        try:
            event = await asyncio.wait_for(self._events.get(), patience)
        except asyncio.TimeoutError:
            raise TimeoutError(f"no event came within {patience} s") from None
        if isinstance(event, Ended):
            self._events.put_nowait(event)  # it stays over
            raise event
        return event

    async def heartbeat(self, patience: float) -> event_pb2.Heartbeat:
        """See `Session`."""
        while not self._heartbeats.empty():
            self._heartbeats.get_nowait()
        try:
            return await asyncio.wait_for(self._heartbeats.get(), patience)
        except asyncio.TimeoutError:
            raise TimeoutError(f"no heartbeat came within {patience} s") from None

    async def join(self) -> Ended:
        """Waits for the end of a stream that the server or the connection has ended."""
        await self._task
        return self._end

    async def _messages(self) -> AsyncIterator[queue_pair_pb2.QueuePairRequest]:
        while (message := await self._outgoing.get()) is not None:
            yield message

    async def _run(self) -> None:
        try:
            async for message in self._stream:
                self._take(message)
                self.registered.set()
        except grpc.RpcError as error:
            self._end = Ended(contract.refusal(error))
        except asyncio.CancelledError:  # the channel was closed, which in grpc.aio cancels whoever reads
            self._end = Ended(contract.Refused(grpc.StatusCode.CANCELLED, "", "the channel was closed", {}))
        except Exception as error:  # whatever it is, nobody may wait for ever because of it
            self._end = Ended(broken_contract(error))
        self.is_over = True
        self._submissions.lost(self._end)
        self._outgoing.put_nowait(None)
        self._events.put_nowait(self._end)
        self.registered.set()

    def _take(self, message: Any) -> None:
        if isinstance(message, queue_pair_pb2.QueuePairResponse):
            self._submissions.take(message)
        for event in self._arrivals.take(message):
            self._events.put_nowait(event)
        if message.HasField("heartbeat"):
            self._heartbeats.put_nowait(message.heartbeat)

"""A blocking client of one session: calls, events, acknowledgements, on either road.

This is what a client author copies: a thread reads the one stream that brings events, everything else is a call. It
does not know what a case is.
"""

from __future__ import annotations

import queue
import threading
import uuid
from concurrent import futures
from typing import Any

import contract
import grpc
from books import Arrivals, Books, Submissions
from lowerdeck.v1 import event_pb2, queue_pair_pb2


class Connection:
    """A channel to the server, and every method of the contract."""

    def __init__(self, endpoint: str, patience: float) -> None:
        """`patience` in seconds is the deadline of every call."""
        self._channel = grpc.insecure_channel(endpoint)
        self._methods = contract.stubs(self._channel)
        self._patience = patience

    def call(self, method: str, message: Any, sessions: tuple[str, ...] = ()) -> Any:
        """Asks and waits for the reply. Raises `Refused`."""
        try:
            return self.start(method, message, sessions).result()
        except grpc.RpcError as error:
            raise contract.refusal(error) from None

    def start(self, method: str, message: Any, sessions: tuple[str, ...]) -> Any:
        """Asks, and leaves the waiting to the caller. Each call names its session by metadata; the lab's need none."""
        metadata = [(contract.SESSION_KEY, session) for session in sessions]
        return self._methods[method].future(message, metadata=metadata, timeout=self._patience)

    def stream(self, method: str, message: Any, session: str) -> Any:
        """Opens a stream of answers. It has no deadline: heartbeats tell that it is alive."""
        return self._methods[method](message, metadata=[(contract.SESSION_KEY, session)])

    def close(self) -> None:
        """Ends everything on this channel, as a lost connection does."""
        self._channel.close()


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

    def call(self, method: str, message: Any, unary: bool = False) -> Any:
        """Makes a call and gives the reply. Raises `Refused`."""
        return self.finish(self.start(method, message, unary))

    def start(self, method: str, message: Any, unary: bool = False) -> tuple[str, Any]:
        """Makes a call, and leaves the waiting to `finish`."""
        self.books.asks(method, message)
        if not unary and self._has_queue_pair() and contract.is_submission(method, message):
            return method, self._reader.submit([(method, message)])[0]
        return method, self._connection.start(method, message, (self.uuid,))

    def batch(self, calls: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """Makes several calls: in one message on a queue pair, else each after the reply of the one before it."""
        for method, message in calls:
            self.books.asks(method, message)
        if self._has_queue_pair():
            return [(method, answer) for (method, _), answer in zip(calls, self._reader.submit(calls))]
        started = []
        for method, message in calls:
            call = self._connection.start(method, message, (self.uuid,))
            call.exception()  # waits; `finish` says what came of it
            started.append((method, call))
        return started

    def finish(self, started: tuple[str, Any]) -> Any:
        """Waits for the reply of a call. Raises `Refused`."""
        method, answer = started
        try:
            reply = answer.result(self._patience)
        except grpc.RpcError as error:
            raise contract.refusal(error) from None
        except (grpc.FutureTimeoutError, futures.TimeoutError):
            raise TimeoutError(f"{method} was not answered within {self._patience} s") from None
        self.books.answered(method, reply)
        return reply

    def abandon(self, started: tuple[str, Any]) -> None:
        """Stops waiting. This cancels no I/O: what was asked for goes on (MAP-5)."""
        started[1].cancel()

    # --- events -------------------------------------------------------------------------------------------------------

    def listen(self, after: int | None = None) -> Ended | None:
        """Opens the stream of events behind the last one that was processed, or behind a given one.

        It takes over from an older one, whose end is given back.
        """
        old, after = self._reader, self.books.processed if after is None else after
        self._reader = _Reader(self._connection, self._road, self.uuid, Arrivals(self.books, after), after)
        return old.join() if old else None

    def next_event(self) -> event_pb2.Event:
        """Waits for the next event. Raises `Ended` when there is none left, `TimeoutError` when none came."""
        return self._reader.next_event(self._patience)

    def processed(self, event: event_pb2.Event, acknowledge: bool = True) -> None:
        """The event has been dealt with, and the server need not keep it."""
        self.books.process(event)
        if acknowledge:
            self.acknowledge(event.sequence)

    def acknowledge(self, sequence: int) -> None:
        """Tells the server that events up to this number were processed. Raises `Refused`."""
        self.books.acknowledge(sequence)
        if self._has_queue_pair() and self._reader.acknowledge(sequence):
            return
        method, message = "AcknowledgeEvents", event_pb2.AcknowledgeEventsRequest(through_sequence=sequence)
        self._connection.call(method, message, (self.uuid,))

    def heartbeat(self) -> event_pb2.Heartbeat:
        """Waits for the next heartbeat after this call."""
        return self._reader.heartbeat(self._patience)

    # --- the connection -----------------------------------------------------------------------------------------------

    def drop(self) -> None:
        """Loses the connection, and with it what had arrived and was not processed."""
        self._connection.close()
        if self._reader:
            self._reader.join()
            self._reader = None

    def reconnect(self) -> None:
        """Connects again. The session is as it was for as long as its lease."""
        self._connection = Connection(self._endpoint, self._patience)

    close = drop

    def _has_queue_pair(self) -> bool:
        """Once the stream is over, every call is a unary one."""
        return self._road == "queue-pair" and self._reader is not None and self._reader.is_open()


class Ended(Exception):
    """The stream of events is over; `refused` says why, or None when it ended in order."""

    def __init__(self, refused: contract.Refused | None) -> None:
        """See the class."""
        super().__init__("the stream ended in order" if refused is None else f"the stream ended: {refused}")
        self.refused = refused


class _Reader:
    """The thread that reads StreamEvents or a QueuePair. It waits for nothing but the stream."""

    def __init__(self, connection: Connection, road: str, session: str, arrivals: Arrivals, after: int) -> None:
        """Opens the stream, and returns when the server has answered on it or has ended it."""
        self._arrivals = arrivals
        self._events: queue.SimpleQueue[event_pb2.Event | Ended] = queue.SimpleQueue()
        self._heartbeats: queue.SimpleQueue[event_pb2.Heartbeat] = queue.SimpleQueue()
        self._registered = threading.Event()
        self._lock = threading.Lock()  # submissions are numbered in the order in which they go out
        self._submissions = Submissions()
        self._outgoing: queue.SimpleQueue[queue_pair_pb2.QueuePairRequest | None] = queue.SimpleQueue()
        self._over = False
        self._end = Ended(None)
        if road == "queue-pair":
            self._outgoing.put(queue_pair_pb2.QueuePairRequest(after_sequence=after))
            self._stream = connection.stream("QueuePair", iter(self._outgoing.get, None), session)
        else:
            message = event_pb2.StreamEventsRequest(after_sequence=after)
            self._stream = connection.stream("StreamEvents", message, session)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._registered.wait()

    def is_open(self) -> bool:
        """Whether the stream takes submissions."""
        with self._lock:
            return not self._over

    def submit(self, calls: list[tuple[str, Any]]) -> list[futures.Future[Any]]:
        """Puts calls on the stream, in one message; each answer comes by itself."""
        answers: list[futures.Future[Any]] = [futures.Future() for _ in calls]
        with self._lock:
            if self._over:
                raise Ended(None)
            message = queue_pair_pb2.QueuePairRequest()
            for (method, request), answer in zip(calls, answers):
                message.submissions.append(self._submissions.submit(method, request, settles(answer)))
            self._outgoing.put(message)
        return answers

    def acknowledge(self, sequence: int) -> bool:
        """Puts an acknowledgement on the stream, ahead of every later submission; False if the stream is over."""
        with self._lock:
            if not self._over:
                self._outgoing.put(queue_pair_pb2.QueuePairRequest(acknowledged_sequence=sequence))
            return not self._over

    def next_event(self, patience: float) -> event_pb2.Event:
        """See `Session`."""
        try:
            event = self._events.get(timeout=patience)
        except queue.Empty:
            raise TimeoutError(f"no event came within {patience} s") from None
        if isinstance(event, Ended):
            self._events.put(event)  # it stays over
            raise event
        return event

    def heartbeat(self, patience: float) -> event_pb2.Heartbeat:
        """See `Session`."""
        while not self._heartbeats.empty():
            self._heartbeats.get()
        try:
            return self._heartbeats.get(timeout=patience)
        except queue.Empty:
            raise TimeoutError(f"no heartbeat came within {patience} s") from None

    def join(self) -> Ended:
        """Waits for the end of a stream that the server or the connection has ended."""
        self._thread.join()
        return self._end

    def _run(self) -> None:
        try:
            for message in self._stream:
                self._take(message)
                self._registered.set()
        except grpc.RpcError as error:
            self._end = Ended(contract.refusal(error))
        except Exception as error:  # whatever it is, nobody may wait for ever because of it
            self._end = Ended(broken_contract(error))
        with self._lock:
            self._over = True
            self._submissions.lost(self._end)
        self._outgoing.put(None)
        self._events.put(self._end)
        self._registered.set()

    def _take(self, message: Any) -> None:
        if isinstance(message, queue_pair_pb2.QueuePairResponse):
            with self._lock:
                self._submissions.take(message)
        for event in self._arrivals.take(message):
            self._events.put(event)
        if message.HasField("heartbeat"):
            self._heartbeats.put(message.heartbeat)


def settles(answer: Any) -> Any:
    """What a result does for who waits for it: it settles a future, of threads or of asyncio."""

    def settle(reply: Any, error: Exception | None) -> None:
        if answer.cancelled():
            return
        if error is None:
            answer.set_result(reply)
        else:
            answer.set_exception(error)

    return settle


def broken_contract(error: Exception) -> contract.Refused:
    """An end of the stream that is the server's fault, or this client's."""
    return contract.Refused(grpc.StatusCode.INTERNAL, type(error).__name__, str(error), {})

"""`QueuePair`: calls in batches one way, their results and the session's events the other, on one stream.

Laws: what is ready goes out in one message, and nothing waits for more; events are acknowledged by the message after
the one that brought them; when the stream is lost, what had no result is asked again on the next one, or told so.
Nobody who reads the stream may wait for an answer that comes on it.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from typing import Any, Callable, TypeVar

import grpc

from lowerdeck import errors, events
from lowerdeck.calls import Call
from lowerdeck.ledger import SEND_ATTEMPTS_MAX, Ledger
from lowerdeck.submissions import Done, Submission, SubmissionQueue, submission_of
from lowerdeck.v1 import session_pb2
from lowerdeck.wire import Wire

Answer = TypeVar("Answer")


class QueuePair:
    """Where calls are submitted, and where a pump reads events."""

    def __init__(
        self,
        wire: Wire,
        ledger: Ledger[Any],
        lock: threading.Lock,
        limits: session_pb2.SessionLimits,
        on_acknowledged: Callable[[int], None],
    ) -> None:
        """`lock` guards the ledger. `on_acknowledged` gets how many places were freed."""
        self._wire = wire
        self._ledger = ledger
        self._lock = lock
        self._on_acknowledged = on_acknowledged
        self._message_bytes_max = limits.message_bytes_max
        self._queue = SubmissionQueue(limits.batch_submissions_max, limits.message_bytes_max)
        self._changed = threading.Condition()  # guards the queue and what follows
        self._stream = 0
        self._end: errors.LowerdeckError | None = None

    # --- calls --------------------------------------------------------------------------------------------------------

    def start(self, call: Call[Any], done: Done) -> Submission | None:
        """Submits; `done` gets the answer or the error, on the thread that reads the stream. Repeats nothing itself.

        None for what cannot be submitted and must be asked as a call of its own.
        """
        started = submission_of(call, done, self._message_bytes_max)
        if started is None:
            return None
        with self._changed:
            end = self._end
            if end is None:
                self._queue.put(started)
                self._changed.notify()
        if end is not None:
            done(None, ended(end))
        return started

    def run(self, call: Call[Answer], timeout: float | None = None) -> Answer:
        """Asks and waits for the answer; `timeout` in seconds ends the wait and nothing else (MAP-5)."""
        deadline = None if timeout is None else time.monotonic() + timeout
        attempts = 1
        while True:
            answer: futures.Future[Any] = futures.Future()
            started = self.start(call, functools.partial(_settle, answer))
            remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
            if started is None:
                return self._wire.run(call, remaining)
            try:
                return call.read(answer.result(remaining))
            except futures.TimeoutError:
                raise not_answered(call, timeout) from None
            except errors.RpcRefused as error:
                refused = error
            if self._is_over() and (started.number == 0 or self._ledger.ending is not None):
                return self._wire.run(call, remaining)  # nobody has seen it; the server says in its own words why not
            if not errors.is_connection_loss(refused) or not call.repeatable or attempts >= SEND_ATTEMPTS_MAX:
                raise refused
            attempts += 1

    # --- what the pump calls ------------------------------------------------------------------------------------------

    def open(self, after: int) -> Any:
        """The stream, from the event after this number."""
        with self._changed:
            self._stream += 1
            self._queue.opened(after)
            messages = self._messages(self._stream)
        return self._wire.queue_pair(messages)

    def take(self, message: Any) -> list[events.Event]:
        """Passes answers on; gives the events of a message that were not taken before."""
        with self._lock:
            fresh = self._ledger.take_entries(message.first_sequence, message.entries)
        with self._changed:
            answers = self._queue.answered(message)
            if not self._ledger.ending:  # otherwise nobody is there to hear it
                self._queue.owe(self._ledger.last_sequence)  # before anybody hears of them, so nothing overtakes this
            self._changed.notify()
        for answered, reply, refused in answers:
            answered.done(reply, refused)
        return fresh

    def acknowledge(self) -> None:
        """What was taken has been handed on: a place freed now is filled by a submission behind the acknowledgement."""
        self.acknowledged(self._ledger.last_sequence)

    def acknowledged(self, through: int) -> None:
        """The server keeps no event up to this number, or will not when it sees the next submission."""
        with self._lock:
            freed = self._ledger.acknowledge(through)
        self._on_acknowledged(freed)

    def lost(self, error: errors.ConnectionLost) -> None:
        """The stream is over, and another will be opened: what has no result is asked again, by those who asked."""
        submitted, queued = self._leave_stream(None)
        for unanswered in submitted:
            unanswered.done(None, error)
        with self._changed:
            self._queue.put_back(queued)

    def end(self, error: errors.LowerdeckError) -> None:
        """No other will be opened."""
        submitted, queued = self._leave_stream(error)
        for unanswered in submitted + queued:
            unanswered.done(None, ended(error))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _messages(self, stream: int) -> Iterator[bytes]:
        """What goes out on one stream, for the thread of gRPC's that writes it."""
        while True:
            with self._changed:
                message = None
                while stream == self._stream and message is None:
                    message = self._queue.gather()
                    if message is None:
                        self._changed.wait()
            if message is None:
                return
            yield message

    def _leave_stream(self, end: errors.LowerdeckError | None) -> tuple[list[Submission], list[Submission]]:
        with self._changed:
            self._end = end
            self._stream += 1
            self._changed.notify_all()
            return self._queue.lost()

    def _is_over(self) -> bool:
        with self._changed:
            return self._end is not None


def _settle(answer: futures.Future[Any], reply: Any, refused: errors.RpcRefused | None) -> None:
    if refused is None:
        answer.set_result(reply)
    else:
        answer.set_exception(refused)


def ended(error: errors.LowerdeckError) -> errors.RpcRefused:
    """The answer of a submission when the session's stream is over for good."""
    if isinstance(error, errors.RpcRefused):
        return error
    return errors.ServerFault(f"the queue pair is over: {error}", grpc.StatusCode.UNKNOWN)


def not_answered(call: Call[Any], timeout: float | None) -> errors.DeadlinePassed:
    """The error of a caller that stopped waiting."""
    message = f"{call.method} was not answered within {timeout} s"
    return errors.DeadlinePassed(message, grpc.StatusCode.DEADLINE_EXCEEDED)

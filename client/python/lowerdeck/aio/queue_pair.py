"""`QueuePair`: calls and events in batches on one stream; the twin of `lowerdeck.queue_pair`, with the same laws."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator
from typing import Any, Callable, TypeVar

import grpc

from lowerdeck import errors, events
from lowerdeck.aio.pending import quiet_future
from lowerdeck.aio.wire import Wire
from lowerdeck.calls import Call
from lowerdeck.ledger import SEND_ATTEMPTS_MAX, Ledger
from lowerdeck.queue_pair import ended, not_answered
from lowerdeck.submissions import Done, Submission, SubmissionQueue, submission_of
from lowerdeck.v1 import session_pb2

Answer = TypeVar("Answer")

ACKNOWLEDGE_TURNS = 4
"""Turns of the event loop for which an acknowledgement alone lets those go first who just heard of completions: it takes
them three to wake up, and what they submit then takes it along."""

WRITE_SECONDS_MAX = 1.0
"""How long a write may take to end after its stream has. A write that is cancelled instead ends in a closed loop."""


class QueuePair:
    """Where calls are submitted, and where a pump reads events."""

    def __init__(
        self,
        wire: Wire,
        ledger: Ledger[Any],
        limits: session_pb2.SessionLimits,
        on_acknowledged: Callable[[int], None],
    ) -> None:
        """`on_acknowledged` gets how many places were freed."""
        self._wire = wire
        self._ledger = ledger
        self._on_acknowledged = on_acknowledged
        self._message_bytes_max = limits.message_bytes_max
        self._queue = SubmissionQueue(limits.batch_submissions_max, limits.message_bytes_max)
        self._changed = asyncio.Event()
        self._stream: Any = None
        self._writer: asyncio.Task[None] | None = None
        self._end: errors.LowerdeckError | None = None

    # --- calls --------------------------------------------------------------------------------------------------------

    def start(self, call: Call[Any], done: Done) -> Submission | None:
        """Submits; `done` gets the answer or the error. Repeats nothing itself.

        None for what cannot be submitted and must be asked as a call of its own.
        """
        started = submission_of(call, done, self._message_bytes_max)
        if started is None:
            return None
        if self._end is None:
            self._queue.put(started)
            self._changed.set()
        else:
            done(None, ended(self._end))
        return started

    async def run(self, call: Call[Answer], timeout: float | None = None) -> Answer:
        """Asks and waits for the answer; `timeout` in seconds ends the wait and nothing else (MAP-5)."""
        deadline = None if timeout is None else time.monotonic() + timeout
        attempts = 1
        while True:
            answer = quiet_future()
            started = self.start(call, functools.partial(_settle, answer))
            remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
            if started is None:
                return await self._wire.run(call, remaining)
            try:
                return call.read(await asyncio.wait_for(answer, remaining))
            except asyncio.TimeoutError:
                raise not_answered(call, timeout) from None
            except errors.RpcRefused as error:
                refused = error
            if self._end is not None and (started.number == 0 or self._ledger.ending is not None):
                return await self._wire.run(call, remaining)  # nobody has seen it; the server says in its words why
            if not errors.is_connection_loss(refused) or not call.repeatable or attempts >= SEND_ATTEMPTS_MAX:
                raise refused
            attempts += 1

    # --- what the pump calls ------------------------------------------------------------------------------------------

    async def open(self, after: int) -> AsyncIterator[Any]:
        """The messages of a stream, from the event after this number."""
        self._queue.opened(after)
        stream = self._wire.queue_pair()
        self._stream = stream
        self._writer = asyncio.create_task(self._write(stream), name="lowerdeck-submissions")
        try:
            async for message in self._wire.answers(stream):
                yield message
        except errors.ServerFault as error:
            if error.code is not grpc.StatusCode.INTERNAL or error.reason:
                raise
            # A write on a stream that has just ended puts this code of gRPC's own in the place of how it ended
            # (grpc/grpc#36066). The next stream says it again if it was for good.
            raise errors.ConnectionLost(str(error), grpc.StatusCode.UNAVAILABLE) from error

    def take(self, message: Any) -> list[events.Event]:
        """Passes answers on; gives the events of a message that were not taken before."""
        fresh = self._ledger.take_entries(message.first_sequence, message.entries)
        answers = self._queue.answered(message)
        if not self._ledger.ending:  # otherwise nobody is there to hear it
            self._queue.owe(self._ledger.last_sequence)  # before anybody hears of them: no submission overtakes this
        self._changed.set()
        for answered, reply, refused in answers:
            answered.done(reply, refused)
        return fresh

    def acknowledge(self) -> None:
        """What was taken has been handed on: a place freed now is filled by a submission behind the acknowledgement."""
        self.acknowledged(self._ledger.last_sequence)

    def acknowledged(self, through: int) -> None:
        """The server keeps no event up to this number, or will not when it sees the next submission."""
        self._on_acknowledged(self._ledger.acknowledge(through))

    def lost(self, error: errors.ConnectionLost) -> None:
        """The stream is over, and another will be opened: what has no result is asked again, by those who asked."""
        submitted, queued = self._leave_stream(None)
        for unanswered in submitted:
            unanswered.done(None, error)
        self._queue.put_back(queued)

    def end(self, error: errors.LowerdeckError) -> None:
        """No other will be opened."""
        submitted, queued = self._leave_stream(error)
        for unanswered in submitted + queued:
            unanswered.done(None, ended(error))

    async def stop(self) -> None:
        """Waits for the end of what is on its way."""
        if self._writer is not None:
            await asyncio.wait([self._writer], timeout=WRITE_SECONDS_MAX)
            self._writer.cancel()

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _write(self, stream: Any) -> None:
        """Writes what there is to say on one stream, until that is over."""
        while stream is self._stream:
            self._changed.clear()
            for _ in range(ACKNOWLEDGE_TURNS):
                if not self._queue.has_only_acknowledgement():
                    break
                await asyncio.sleep(0)
            message = self._queue.gather()
            if message is None:
                await self._changed.wait()
                continue
            try:
                await stream.write(message)
            except (grpc.RpcError, asyncio.InvalidStateError):
                return  # who reads the stream hears why

    def _leave_stream(self, end: errors.LowerdeckError | None) -> tuple[list[Submission], list[Submission]]:
        self._end = end
        self._stream = None
        self._changed.set()
        return self._queue.lost()


def _settle(answer: asyncio.Future[Any], reply: Any, refused: errors.RpcRefused | None) -> None:
    if answer.done():
        return  # nobody waits any more
    if refused is None:
        answer.set_result(reply)
    else:
        answer.set_exception(refused)

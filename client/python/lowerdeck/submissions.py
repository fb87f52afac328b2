"""The books of a queue pair, without I/O: what waits to be submitted, what was submitted, and what became of it.

Laws: submissions leave in the order in which they were put in, in batches of what is there; consecutive submissions on
one file name it once, and those to a target name theirs themselves; an acknowledgement goes ahead of every submission
that was put in after it was owed; each submission is answered once. Knows nothing of threads, tasks or channels: who
owns a queue keeps others out of it.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Callable

import grpc

from lowerdeck.calls import DEVICE, Call
from lowerdeck.enums import SendFlags
from lowerdeck.errors import LimitReached, RpcRefused, from_submission_refused
from lowerdeck.v1 import queue_pair_pb2, request_pb2

BATCH_BYTES_MAX = 1024 * 1024
"""Where a batch ends even if more is ready: more in one message gains nothing, and holds up what comes behind it. A
single submission may be larger, up to the server's `message_bytes_max`."""

CALLS_WAITING_MAX = 1024
"""Submissions that may wait besides FormatAndSend, whose number the window bounds. Each has a caller waiting for it, so
this is many."""

MESSAGE_OVERHEAD_BYTES = 512
"""More than a batch of one holds besides its submission and the id of its file: numbers and tags."""

Done = Callable[[Any, "RpcRefused | None"], None]
"""Gets the answer, or the error."""

_NAMES = {
    "FormatAndSend": "format_and_send",
    "Cancel": "cancel",
    "CancelSentRequestsForFile": "cancel_sent_requests_for_file",
    "Close": "close",
    "ReturnFromCallback": "return_from_callback",
    "CreateRequest": "create_request",
    "FormatRequest": "format_request",
    "SendRequest": "send_request",
    "ReuseRequest": "reuse_request",
    "DeleteRequest": "delete_request",
}
"""Methods of DeviceService that can be submitted, and what a Submission calls them."""

_FORMATTED = {"FormatAndSend", "FormatRequest"}
_ON_A_FILE = {"CancelSentRequestsForFile", "Close"}
_SENDS = {"FormatAndSend", "SendRequest"}
"""Their success is told by `submissions_taken` alone."""

_IN_WINDOW = "FormatAndSend"

_SYNCHRONOUS = int(SendFlags.SYNCHRONOUS)

_ACCEPTED = request_pb2.FormatAndSendResponse()


class Submission:
    """One call on its way through a queue pair."""

    __slots__ = ("call", "done", "encoded", "file_id", "number")

    def __init__(self, call: Call[Any], done: Done) -> None:
        """Encodes the call, so that the queue only has to join bytes; its file is named by the batch."""
        self.call = call
        self.done = done
        self.file_id = _file_of(call)
        """None for a call that has no use for the file of a batch; empty for a NULL file."""
        self.encoded = _encode(call, names_file=_is_to_a_target(call))
        self.number = 0
        """Its number in the stream, 0 before it was submitted."""


def submission_of(call: Call[Any], done: Done, message_bytes_max: int) -> Submission | None:
    """The call as a submission; None if a queue pair lacks it, or refuses it: SYNCHRONOUS, or too large a message."""
    if call.service is not DEVICE or call.method not in _NAMES:
        return None
    if call.method in _SENDS and call.message.options.flags & _SYNCHRONOUS:
        return None
    made = Submission(call, done)
    size = len(made.encoded) + len(made.file_id or "") + MESSAGE_OVERHEAD_BYTES
    return made if size <= message_bytes_max else None


class SubmissionQueue:
    """What goes out on a queue pair, and what is still to be answered."""

    def __init__(self, batch_submissions_max: int, message_bytes_max: int) -> None:
        """Takes the server's limits."""
        self._batch_max = batch_submissions_max
        self._batch_bytes_max = min(BATCH_BYTES_MAX, message_bytes_max - MESSAGE_OVERHEAD_BYTES)
        self._queued: deque[Submission] = deque()
        self._submitted: deque[Submission] = deque()  # in order; answers come nearly so
        self._running: dict[int, Submission] = {}  # taken by the server, but not answered: Close (CLS-13)
        self._calls = 0  # submissions that wait, FormatAndSend not counted
        self._number = 0
        self._resume_after: int | None = None
        self._is_registered = False
        self._owed = self._acknowledged = 0

    def put(self, submission: Submission) -> None:
        """Takes a submission in. Raises LimitReached when too many wait that are no FormatAndSend."""
        if submission.call.method != _IN_WINDOW:
            if self._calls >= CALLS_WAITING_MAX:
                message = f"{CALLS_WAITING_MAX} calls wait to be answered; wait for some of them"
                metadata = {"limit": "calls_waiting_max", "value": str(CALLS_WAITING_MAX)}
                raise LimitReached(message, grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMIT_REACHED", metadata)
            self._calls += 1
        self._queued.append(submission)

    def owe(self, sequence: int) -> None:
        """Events up to this number were taken: the next message acknowledges them."""
        self._owed = sequence

    def opened(self, after_sequence: int) -> None:
        """A stream begins, after this event; what was submitted on an earlier one was given back by `lost`."""
        self._resume_after = after_sequence
        self._number = 0
        self._is_registered = False

    def has_only_acknowledgement(self) -> bool:
        """Whether the next message would hold nothing else."""
        return self._resume_after is None and not self._queued and self._owed > self._acknowledged

    def gather(self) -> bytes | None:
        """The next message: what is ready, up to one batch. None when there is nothing to say.

        The first message of a stream only opens it, and nothing follows before the server has answered: a call that
        must not be repeated is not entrusted to a connection that may not be there.
        """
        if self._resume_after is not None:
            opening = queue_pair_pb2.QueuePairRequest(after_sequence=self._resume_after)
            self._acknowledged, self._resume_after = self._resume_after, None
            return bytes(opening.SerializeToString())
        if not self._is_registered or not (self._queued or self._owed > self._acknowledged):
            return None
        head = queue_pair_pb2.QueuePairRequest()
        if self._owed > self._acknowledged:
            head.acknowledged_sequence = self._acknowledged = self._owed
        file_id, pieces = self._take_batch()
        head.file_id = file_id
        # A message is the concatenation of its parts, so what was encoded once is not encoded again.
        return b"".join([head.SerializeToString(), *pieces])

    def _take_batch(self) -> tuple[str, list[bytes]]:
        batch_file: str | None = None
        pieces: list[bytes] = []
        size = 0
        while self._queued and len(pieces) < self._batch_max:
            submission = self._queued[0]
            file_id, piece = submission.file_id, submission.encoded
            if file_id is not None and file_id != batch_file:
                if batch_file is None:
                    batch_file = file_id
                    size += len(file_id)
                elif not file_id:
                    break  # a NULL file can only be said by a batch that names none
                else:
                    piece = _encode(submission.call, names_file=True)
            size += len(piece)
            if pieces and size > self._batch_bytes_max:
                break
            pieces.append(piece)
            self._number += 1
            submission.number = self._number
            self._submitted.append(self._queued.popleft())
        return batch_file or "", pieces

    def answered(self, response: Any) -> list[tuple[Submission, Any, RpcRefused | None]]:
        """What a message of the server answers: submissions, each with its reply or its refusal."""
        self._is_registered = True
        results = {result.submission: result for result in response.results}
        answers = []
        while self._submitted and self._submitted[0].number <= response.submissions_taken:
            submission = self._submitted.popleft()
            result = results.pop(submission.number, None)
            if result is not None:
                answers.append((submission, *_read(result)))
            elif submission.call.method in _SENDS:
                answers.append((submission, _ACCEPTED, None))
            else:
                self._running[submission.number] = submission
        for number, result in results.items():
            submission_then = self._running.pop(number, None)
            if submission_then is not None:
                answers.append((submission_then, *_read(result)))
        self._calls -= sum(submission.call.method != _IN_WINDOW for submission, _, _ in answers)
        return answers

    def lost(self) -> tuple[list[Submission], list[Submission]]:
        """The stream is over. Gives back what was submitted and not answered, and what still waited, both in order."""
        submitted = [*self._running.values(), *self._submitted]
        queued = list(self._queued)
        self._running.clear()
        self._submitted.clear()
        self._queued.clear()
        self._calls = 0
        self._is_registered = False
        return submitted, queued

    def put_back(self, submissions: list[Submission]) -> None:
        """Takes back what still waited, behind what was put in meanwhile."""
        self._queued.extend(submissions)
        self._calls += sum(submission.call.method != _IN_WINDOW for submission in submissions)


def _is_to_a_target(call: Call[Any]) -> bool:
    """Whether it names a target of its own: an empty file of such a format is NULL in every batch (FHT-7)."""
    named = call.message.format if call.method in _FORMATTED else call.message
    return bool(getattr(named, "target_id", ""))


def _file_of(call: Call[Any]) -> str | None:
    if _is_to_a_target(call):
        return None
    if call.method in _FORMATTED:
        return str(call.message.format.file_id)
    if call.method in _ON_A_FILE:
        return str(call.message.file_id)
    return None


def _encode(call: Call[Any], names_file: bool) -> bytes:
    message = queue_pair_pb2.QueuePairRequest()
    body = getattr(message.submissions.add(), _NAMES[call.method])
    body.CopyFrom(call.message)
    if not names_file and call.method in _ON_A_FILE:
        body.ClearField("file_id")
    elif not names_file and call.method in _FORMATTED and body.HasField("format"):
        body.format.ClearField("file_id")
    encoded: bytes = message.SerializeToString()
    return encoded


def _read(result: Any) -> tuple[Any, RpcRefused | None]:
    body = getattr(result, result.WhichOneof("result") or "sent")
    if isinstance(body, queue_pair_pb2.SubmissionRefused):
        return None, from_submission_refused(body)
    return body, None

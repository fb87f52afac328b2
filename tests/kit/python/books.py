"""What a client remembers about one session. No I/O: the blocking client and the asyncio client share it.

Laws: request ids are never used twice; events are taken once, in order, without gaps; an event is acknowledged when it
has been processed, not when it arrived; a file is in the books until its FileGone; a completion is paired with what was
sent by its request id alone, because it may come before the reply of the Send.
"""

from __future__ import annotations

from typing import Any, Callable

import contract
from lowerdeck.v1 import event_pb2, queue_pair_pb2, request_pb2, types_pb2

Answer = Callable[[Any, "Exception | None"], None]
"""Gets the reply, or why there is none."""

_KINDS = {
    "read": types_pb2.IO_KIND_READ,
    "write": types_pb2.IO_KIND_WRITE,
    "device_control": types_pb2.IO_KIND_DEVICE_CONTROL,
    "flush": types_pb2.IO_KIND_FLUSH_BUFFERS,
    "query_information": types_pb2.IO_KIND_QUERY_INFORMATION,
    "set_information": types_pb2.IO_KIND_SET_INFORMATION,
}

_SENDS = ("FormatAndSend", "SendRequest")


class ProtocolError(Exception):
    """The server broke the contract."""


class Books:
    """One session's books."""

    def __init__(self) -> None:
        """Those of a new session."""
        self.processed = 0
        """The number of the last event that was processed: from here on events are wanted after a lost connection."""
        self.completions = 0
        """Completions that were processed."""
        self.files: set[str] = set()
        """Files that were created and are not gone."""
        self._next_request_id = 1
        self._sent: dict[int, request_pb2.Format] = {}
        self._completed: dict[int, int] = {}  # numbers of events, and whose completions they are

    # --- requests -----------------------------------------------------------------------------------------------------

    def new_request_id(self) -> int:
        """A number for a create or a request: not zero, none of before. Counting up keeps the server's record short."""
        number = self._next_request_id
        self._next_request_id += 1
        return number

    def asks(self, method: str, message: Any) -> None:
        """A call is about to be made: written down first, because its completion may overtake its reply."""
        if method == "FormatAndSend":
            self._sent[message.request_id] = message.format

    def answered(self, method: str, reply: Any) -> None:
        """A call was answered."""
        if method == "CreateWdfFile" and reply.hresult == 0:
            self.files.add(reply.file_id)

    # --- events -------------------------------------------------------------------------------------------------------

    def sent(self, request_id: int) -> request_pb2.Format:
        """What a request was sent with."""
        if request_id not in self._sent:
            raise ProtocolError(f"request {request_id} completed, and was never sent")
        return self._sent[request_id]

    def process(self, event: event_pb2.Event) -> None:
        """An event has been dealt with; the server may be told."""
        if event.sequence <= self.processed:
            return  # told again, because it was not acknowledged
        self.processed = event.sequence
        body = event.WhichOneof("body")
        if body == "request_completed":
            self.completions += 1
            self._completed[event.sequence] = event.request_completed.request_id
        elif body == "file_gone":
            self.files.discard(event.file_gone.file_id)

    def acknowledge(self, sequence: int) -> None:
        """The server is being told, so these events will not come again: what was sent is forgotten now, not before."""
        for number in [number for number in self._completed if number <= sequence]:
            self._sent.pop(self._completed.pop(number), None)


class Arrivals:
    """The events of one stream, as they arrive."""

    def __init__(self, books: Books, after: int) -> None:
        """A stream of the events behind this number."""
        self._books = books
        self._last = after

    def take(self, message: Any) -> list[event_pb2.Event]:
        """The events in a message of StreamEvents or QueuePair."""
        if isinstance(message, queue_pair_pb2.QueuePairResponse):
            numbered = enumerate(message.entries, message.first_sequence)
            events = [self._event(entry, number) for number, entry in numbered]
        else:
            events = list(message.events)
        for event in events:
            # Who asks for all that is kept (after 0) gets what comes behind the last acknowledged one.
            if self._last and event.sequence != self._last + 1:
                raise ProtocolError(f"event {event.sequence} came after event {self._last}")
            self._last = event.sequence
        return events

    def _event(self, entry: queue_pair_pb2.QueueEntry, number: int) -> event_pb2.Event:
        if entry.WhichOneof("body") == "event":
            return entry.event
        completed = _completed(entry.completion, self._books.sent(entry.completion.request_id))
        return event_pb2.Event(sequence=number, request_completed=completed)


def _completed(completion: queue_pair_pb2.QueueCompletion, form: request_pb2.Format) -> event_pb2.RequestCompleted:
    """A completion together with what its own submission said, as StreamEvents has it."""
    kind = form.WhichOneof("io")
    io = getattr(form, kind)
    completed = event_pb2.RequestCompleted(
        request_id=completion.request_id,
        file_id=form.file_id,
        io_kind=_KINDS[kind],
        hresult=completion.hresult,
        information=completion.information,
        data=completion.data,
    )
    fields = io.DESCRIPTOR.fields_by_name
    if kind == "device_control":
        completed.ioctl_code = io.code
    if "device_offset" in fields and io.HasField("device_offset"):
        completed.device_offset = io.device_offset
    if "output_memory" in fields and io.output_memory.HasField("offset"):
        completed.output_offset.CopyFrom(io.output_memory.offset)
    if "input_memory" in fields and io.input_memory.HasField("offset"):
        completed.input_offset.CopyFrom(io.input_memory.offset)
    return completed


class Submissions:
    """The submission side of one queue pair: who waits for which result."""

    def __init__(self) -> None:
        """Those of a new stream, on which numbers begin at 1."""
        self._count = 0
        self._waiting: dict[int, tuple[str, Answer]] = {}

    def submit(self, method: str, message: Any, answer: Answer) -> queue_pair_pb2.Submission:
        """Numbers a submission; the caller puts it on the stream in this order."""
        self._count += 1
        self._waiting[self._count] = (method, answer)
        return queue_pair_pb2.Submission(**{contract.SUBMISSIONS[method]: message})

    def take(self, message: queue_pair_pb2.QueuePairResponse) -> None:
        """Passes results on. Of a Send that was taken and of which nothing is said, the result is S_OK."""
        for result in message.results:
            _, answer = self._waiting.pop(result.submission)
            kind = result.WhichOneof("result")
            if kind == "refused":
                answer(None, contract.submission_refusal(result.refused))
            else:
                answer(getattr(result, kind), None)
        for number in [number for number in self._waiting if number <= message.submissions_taken]:
            if self._waiting[number][0] in _SENDS:
                _, answer = self._waiting.pop(number)
                answer(request_pb2.FormatAndSendResponse(), None)

    def lost(self, error: Exception) -> None:
        """The stream is over: whoever waits is told. What was submitted may or may not have been taken."""
        waiting, self._waiting = self._waiting, {}
        for _, answer in waiting.values():
            answer(None, error)

"""The fake server's QueuePair: the same manners as its calls, told by batches and results."""

import threading

import grpc

from lowerdeck.v1 import device_pb2_grpc, event_pb2, file_pb2, queue_pair_pb2, request_pb2

RESOURCE_EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]


class Stream:
    """One QueuePair, from its opening to its loss."""

    def __init__(self):
        self.taken = 0
        self.told = 0
        self.withheld_until = 0  # "event-first": what was taken is told when this event was acknowledged
        self.results = []
        self.is_lost = False

    def answer(self, **result):
        self.results.append(queue_pair_pb2.SubmissionResult(submission=self.taken, **result))


class FakeQueuePair(device_pb2_grpc.DeviceServiceServicer):
    """To be mixed into the fake server, whose events and manners it uses."""

    def __init__(self):
        super().__init__()
        self.batches = []  # every message, as it came
        self.acknowledged_when_asked = []

    def QueuePair(self, messages, context):
        opening = next(messages)
        stream, sent, cuts = Stream(), opening.after_sequence, self.cut_streams
        with self.changed:
            self.batches.append(opening)
            self.resumed_after.append(opening.after_sequence)
            self.acknowledged = max(self.acknowledged, opening.after_sequence)
            self.changed.notify_all()
        context.add_callback(self.notify)
        self.hold_openings.wait(10)
        if self.cut_streams > cuts:
            context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
        threading.Thread(target=self.read_queue, args=(messages, stream), daemon=True).start()
        yield queue_pair_pb2.QueuePairResponse(heartbeat=event_pb2.Heartbeat())
        while True:
            with self.changed:
                self.changed.wait_for(
                    lambda sent=sent: (
                        stream.is_lost
                        or self.cut_streams > cuts
                        or len(self.events) > sent
                        or self.may_tell(stream)
                        or not context.is_active()
                    )
                )
                if not context.is_active():
                    return
                if stream.is_lost or self.cut_streams > cuts:
                    context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
                batch = self.events[sent:]
                sent = len(self.events)
                response = queue_pair_pb2.QueuePairResponse(
                    first_sequence=batch[0].sequence if batch else 0, entries=[entry(event) for event in batch]
                )
                if self.may_tell(stream):
                    stream.told = stream.taken
                    response.results.extend(stream.results)
                    stream.results.clear()
                response.submissions_taken = stream.told
            yield response
            if batch and batch[-1].HasField("session_ending"):
                return

    def may_tell(self, stream):
        return stream.taken > stream.told and self.acknowledged >= stream.withheld_until

    def read_queue(self, messages, stream):
        try:
            for message in messages:
                with self.changed:
                    self.batches.append(message)
                    self.acknowledged = max(self.acknowledged, message.acknowledged_sequence)
                    for submission in message.submissions:
                        if not stream.is_lost:
                            self.take(submission, message.file_id, stream)
                    self.changed.notify_all()
        except grpc.RpcError:
            return  # the client is gone, or the stream was aborted
        except Exception:
            if not stream.is_lost and not self.ended:
                raise

    def take(self, submission, file_id, stream):
        if submission.HasField("format_and_send"):
            request = submission.format_and_send
            if not request.format.target_id:  # which has a NULL of its own
                request.format.file_id = request.format.file_id or file_id
            self.acknowledged_when_asked.append(self.acknowledged)
            self.send_submitted(request, stream)
        elif submission.HasField("close"):
            stream.taken += 1
            self.closes += 1
            self.hold_closes.wait(10)
            self.put(file_gone=event_pb2.FileGone(file_id=submission.close.file_id or file_id))
            stream.is_lost = self.lose_answers_of_close
            stream.answer(closed=file_pb2.CloseResponse())

    def send_submitted(self, request, stream):
        self.hold_sends.wait(10)
        self.asked.append(request.request_id)
        if request.request_id in self.accepted:
            stream.taken += 1  # the same message as before: accepted again, and nothing more
            return
        manner = self.manners.popleft() if self.manners else "reply-first"
        if manner == "unavailable":
            stream.is_lost = True
            return
        stream.taken += 1
        if manner == "retention-full":
            refused = queue_pair_pb2.SubmissionRefused(code=RESOURCE_EXHAUSTED, reason="RETENTION_FULL", message="full")
            stream.answer(refused=refused)
        elif manner == "refuse":
            stream.answer(sent=request_pb2.FormatAndSendResponse(hresult=0xD0000128))
        else:
            self.accepted[request.request_id] = True
            self.complete(request)
            if manner == "event-first":
                stream.withheld_until = len(self.events)
        stream.is_lost = manner == "unavailable-after"


def entry(event):
    """An event as a queue pair tells it: a completion without what its submission says."""
    if event.WhichOneof("body") is None:
        return queue_pair_pb2.QueueEntry()  # as an entry of a newer contract looks to an older one
    if not event.HasField("request_completed"):
        return queue_pair_pb2.QueueEntry(event=event)
    full = event.request_completed
    short = queue_pair_pb2.QueueCompletion(
        request_id=full.request_id, hresult=full.hresult, information=full.information, data=full.data
    )
    return queue_pair_pb2.QueueEntry(completion=short)

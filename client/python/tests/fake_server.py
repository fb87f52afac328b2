"""A server that is nothing but the contract's manners, for what the real one does too rarely to be tested on demand.

Reads complete at once with their length in zeros. Each next FormatAndSend follows the next word of `manners`:
"reply-first" (the default), "event-first", "unavailable" and "unavailable-after" (the connection is lost before the
request was accepted, or after), "retention-full", "refuse".
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent import futures

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from lowerdeck.v1 import (
    device_pb2_grpc,
    event_pb2,
    file_pb2,
    request_pb2,
    session_pb2,
    session_pb2_grpc,
    types_pb2,
)
from tests.fake_handles import FakeHandles
from tests.fake_queue_pair import FakeQueuePair

MIB = 1024 * 1024


def refusal(context, code, number, reason):
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="lowerdeck.dev"))
    status = status_pb2.Status(code=number, message=reason.lower(), details=[detail])
    context.set_trailing_metadata([("grpc-status-details-bin", status.SerializeToString())])
    context.abort(code, reason.lower())


class FakeServer(FakeQueuePair, FakeHandles, session_pb2_grpc.SessionServiceServicer):
    """One session, one file, no drivers."""

    def __init__(self):
        super().__init__()
        self.manners = deque()
        self.batch_submissions_max = 16
        self.closes = 0
        self.lose_answers_of_close = False
        self.requests = []  # what was completed
        self.asked = []  # request ids of FormatAndSend as they arrived, repetitions included
        self.accepted = {}
        self.events = []
        self.acknowledged = 0
        self.resumed_after = []
        self.hold_acknowledgements = threading.Event()
        self.hold_acknowledgements.set()
        self.hold_completions = threading.Event()
        self.hold_closes = threading.Event()
        self.hold_openings = threading.Event()
        self.hold_sends = threading.Event()
        for held in (self.hold_completions, self.hold_closes, self.hold_openings, self.hold_sends):
            held.set()
        self.books = session_pb2.Balance()
        self.cut_streams = 0
        self.ended = False
        self.changed = threading.Condition()
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
        session_pb2_grpc.add_SessionServiceServicer_to_server(self, self._server)
        device_pb2_grpc.add_DeviceServiceServicer_to_server(self, self._server)
        port = self._server.add_insecure_port("127.0.0.1:0")
        self.endpoint = f"http://127.0.0.1:{port}"
        self._server.start()

    def stop(self):
        self._server.stop(None).wait()

    def put(self, **body):
        with self.changed:
            self.events.append(event_pb2.Event(sequence=len(self.events) + 1, **body))
            self.changed.notify_all()

    def notify(self):
        with self.changed:
            self.changed.notify_all()

    def cut_stream(self):
        """Ends the present event stream as a broken connection would."""
        with self.changed:
            self.cut_streams += 1
            self.changed.notify_all()

    # --- SessionService -----------------------------------------------------------------------------------------------

    def OpenSession(self, request, context):
        limits = session_pb2.SessionLimits(
            requests_max=64,
            retained_events_max=64,
            message_bytes_max=MIB,
            batch_submissions_max=self.batch_submissions_max,
        )
        session = session_pb2.Session(stack="fake#1", lease=request.lease, limits=limits)
        return session_pb2.OpenSessionResponse(session=session)

    def CloseSession(self, request, context):
        self.put(session_ending=event_pb2.SessionEnding(reason=event_pb2.SESSION_END_REASON_CLOSED))
        self.ended = True
        return session_pb2.CloseSessionResponse(balance=self.books)

    # --- DeviceService ------------------------------------------------------------------------------------------------

    def CreateWdfFile(self, request, context):
        return file_pb2.CreateWdfFileResponse(hresult=0, file_id="file")

    def Close(self, request, context):
        self.closes += 1
        self.hold_closes.wait(10)
        self.put(file_gone=event_pb2.FileGone(file_id=request.file_id))
        if self.lose_answers_of_close:
            context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
        return file_pb2.CloseResponse()

    def FormatAndSend(self, request, context):
        self.hold_sends.wait(10)
        self.asked.append(request.request_id)
        manner = self.manners.popleft() if self.manners else "reply-first"
        if manner == "unavailable":
            context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
        if manner == "retention-full":
            refusal(context, grpc.StatusCode.RESOURCE_EXHAUSTED, code_pb2.RESOURCE_EXHAUSTED, "RETENTION_FULL")
        if manner == "refuse":
            return request_pb2.FormatAndSendResponse(hresult=0xD0000128)
        first_time = request.request_id not in self.accepted
        self.accepted[request.request_id] = True
        if manner == "event-first" or manner == "unavailable-after":
            context.add_callback(self.notify)
            self.complete(request)
            with self.changed:  # the answer waits until the client has processed the event
                self.changed.wait_for(lambda: self.acknowledged >= len(self.events) or not context.is_active())
        elif first_time:
            context.add_callback(lambda: self.complete(request))
        if manner == "unavailable-after":
            context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
        if not first_time:
            refusal(context, grpc.StatusCode.NOT_FOUND, code_pb2.NOT_FOUND, "REQUEST_GONE")
        return request_pb2.FormatAndSendResponse(hresult=0)

    def complete(self, request):
        self.hold_completions.wait(10)
        self.requests.append(request)
        size = request.format.read.output_memory.size
        self.books.accepted += 1
        self.books.completed += 1
        self.put(
            request_completed=event_pb2.RequestCompleted(
                request_id=request.request_id,
                file_id=request.format.file_id,
                io_kind=types_pb2.IO_KIND_READ,
                information=size,
                data=bytes(size),
            )
        )

    def StreamEvents(self, request, context):
        self.resumed_after.append(request.after_sequence)
        context.add_callback(self.notify)
        self.acknowledged = max(self.acknowledged, request.after_sequence)
        yield event_pb2.StreamEventsResponse(heartbeat=event_pb2.Heartbeat())
        sent, cuts = request.after_sequence, self.cut_streams
        while True:
            with self.changed:
                while len(self.events) == sent and self.cut_streams == cuts and context.is_active():
                    self.changed.wait()
                if not context.is_active():
                    return
                if self.cut_streams > cuts:
                    context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
                batch = self.events[sent:]
                sent = len(self.events)
            yield event_pb2.StreamEventsResponse(events=batch)
            if batch[-1].HasField("session_ending"):
                return

    def AcknowledgeEvents(self, request, context):
        self.hold_acknowledgements.wait(10)
        with self.changed:
            self.acknowledged = max(self.acknowledged, request.through_sequence)
            self.changed.notify_all()
        return event_pb2.AcknowledgeEventsResponse(acknowledged_sequence=self.acknowledged)

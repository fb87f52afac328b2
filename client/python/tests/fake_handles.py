"""The fake server's handles: every open makes one, and answers get lost on demand."""

import threading

import grpc

from lowerdeck.v1 import device_pb2_grpc, handle_pb2, target_pb2

INVALID_HANDLE = 0x80070006


class FakeHandles(device_pb2_grpc.DeviceServiceServicer):
    """To be mixed into the fake server."""

    def __init__(self):
        super().__init__()
        self.handle_calls = []  # every message, repetitions included
        self.handles = {}  # ids of those that are open, and their numbers
        self.answers_to_lose = 0
        self.sends_before_delete = []
        self.hold_opens = threading.Event()
        self.hold_opens.set()

    def heard(self, request, context):
        self.handle_calls.append(request)
        if self.answers_to_lose:
            self.answers_to_lose -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")

    def OpenHandle(self, request, context):
        number = self.handles.setdefault(request.handle_id, len(self.handles) + 1)
        self.hold_opens.wait(10)
        self.heard(request, context)
        return handle_pb2.OpenHandleResponse(handle_number=number)

    def CloseHandle(self, request, context):
        was_open = self.handles.pop(request.handle_id, None)
        self.heard(request, context)
        return handle_pb2.CloseHandleResponse(hresult=0 if was_open else INVALID_HANDLE)

    def DisconnectNamedPipe(self, request, context):
        self.heard(request, context)
        return handle_pb2.DisconnectNamedPipeResponse()

    def CreateFileHandleTarget(self, request, context):
        self.heard(request, context)
        return handle_pb2.CreateFileHandleTargetResponse()

    def DeleteTarget(self, request, context):
        self.sends_before_delete.append(len(self.asked))
        self.heard(request, context)
        return target_pb2.DeleteTargetResponse()

"""From nothing to a completed read, in ten lines. `python read.py [HOST:PORT]` prints 00010203."""

import sys
import uuid

import grpc
from lowerdeck.v1 import device_pb2_grpc, event_pb2, file_pb2, request_pb2, session_pb2, session_pb2_grpc

channel = grpc.insecure_channel(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051")
session, device = session_pb2_grpc.SessionServiceStub(channel), device_pb2_grpc.DeviceServiceStub(channel)
me = [("lowerdeck-session", str(uuid.uuid4()))]
session.OpenSession(session_pb2.OpenSessionRequest(stack="scripted"), metadata=me)
events = device.StreamEvents(event_pb2.StreamEventsRequest(), metadata=me)
file_id = device.CreateWdfFile(file_pb2.CreateWdfFileRequest(request_id=1), metadata=me).file_id
memory = request_pb2.OutputMemory(size=4)
read = request_pb2.Format(file_id=file_id, read=request_pb2.ReadFormat(output_memory=memory))
device.FormatAndSend(request_pb2.FormatAndSendRequest(request_id=2, format=read), metadata=me)
completed = next(event for message in events for event in message.events).request_completed
print(completed.data.hex())
session.CloseSession(session_pb2.CloseSessionRequest(), metadata=me)

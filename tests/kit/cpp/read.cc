// From nothing to a completed read: `read [ADDRESS]` against a running lowerdeckd.

#include <absl/strings/escaping.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "lowerdeck/v1/device.grpc.pb.h"
#include "lowerdeck/v1/session.grpc.pb.h"

namespace v1 = lowerdeck::v1;

namespace {

std::string session;  // names the session, on every call

// No call waits for ever, and every call names its session.
void prepare(grpc::ClientContext& context) {
  context.AddMetadata("lowerdeck-session", session);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
}

template <typename Stub, typename Request, typename Reply>
Reply call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
           const Request& request) {
  grpc::ClientContext context;
  prepare(context);
  Reply reply;
  grpc::Status status = (stub.*method)(&context, request, &reply);
  if (!status.ok()) {
    std::cerr << request.GetTypeName() << ": " << status.error_message() << "\n";
    std::exit(1);
  }
  return reply;
}

}  // namespace

int main(int argc, char** argv) {
  std::ifstream("/proc/sys/kernel/random/uuid") >> session;
  auto channel = grpc::CreateChannel(argc > 1 ? argv[1] : "127.0.0.1:50051", grpc::InsecureChannelCredentials());
  v1::SessionService::Stub sessions(channel);
  v1::DeviceService::Stub device(channel);

  v1::OpenSessionRequest open;
  open.set_stack("scripted");
  call(sessions, &v1::SessionService::Stub::OpenSession, open);
  v1::CreateWdfFileRequest create;
  create.set_request_id(1);
  const std::string file = call(device, &v1::DeviceService::Stub::CreateWdfFile, create).file_id();
  v1::FormatAndSendRequest read;
  read.set_request_id(2);
  read.mutable_format()->set_file_id(file);
  read.mutable_format()->mutable_read()->mutable_output_memory()->set_size(4);
  call(device, &v1::DeviceService::Stub::FormatAndSend, read);

  // An operation that was accepted completes with one event, which may come before the reply and among others.
  grpc::ClientContext context;
  prepare(context);
  auto events = device.StreamEvents(&context, v1::StreamEventsRequest());
  v1::StreamEventsResponse batch;
  v1::Event completed;
  while (!completed.has_request_completed() && events->Read(&batch)) {
    for (const v1::Event& event : batch.events()) {
      if (event.has_request_completed()) completed = event;
    }
  }
  std::cout << absl::BytesToHexString(completed.request_completed().data()) << "\n";

  v1::AcknowledgeEventsRequest acknowledge;
  acknowledge.set_through_sequence(completed.sequence());
  call(device, &v1::DeviceService::Stub::AcknowledgeEvents, acknowledge);
  v1::CloseRequest close;
  close.set_file_id(file);
  call(device, &v1::DeviceService::Stub::Close, close);
  call(sessions, &v1::SessionService::Stub::CloseSession, v1::CloseSessionRequest());
  while (events->Read(&batch)) {  // the stream ends by itself after the session's last event
  }
  return events->Finish().ok() && completed.has_request_completed() ? 0 : 1;
}

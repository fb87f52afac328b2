#include "contract.h"

#include <google/protobuf/util/json_util.h>

#include "google/rpc/status.pb.h"

namespace kit {
namespace {

constexpr uint32_t kSynchronous = 0x2;

std::string name_of(int code) {
  static const char* const kNames[] = {
      "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
      "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
      "DATA_LOSS", "UNAUTHENTICATED"};
  const bool is_known = code >= 0 && static_cast<size_t>(code) < std::size(kNames);
  return is_known ? kNames[code] : std::to_string(code);
}

// A call on a completion queue of its own, on which nothing else can happen.
template <typename Reply>
class QueuedCall : public UnaryCall {
 public:
  // `start` makes the call on the completion queue.
  template <typename Start>
  QueuedCall(std::shared_ptr<grpc::ClientContext> context, const Start& start)
      : context_(std::move(context)), call_(start(context_.get(), &queue_)) {
    call_->Finish(reply_.get(), &status_, this);
  }

  ~QueuedCall() override {
    context_->TryCancel();
    queue_.Shutdown();
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {  // a queue is emptied before it goes
    }
  }

  bool wait_until(std::chrono::system_clock::time_point deadline) override {
    void* tag;
    bool ok;
    if (!is_over_) is_over_ = queue_.AsyncNext(&tag, &ok, deadline) == grpc::CompletionQueue::GOT_EVENT;
    return is_over_;
  }

  MessagePtr reply() override {
    if (!status_.ok()) throw Refused::from(status_);
    return reply_;
  }

  void cancel() override { context_->TryCancel(); }

 private:
  std::shared_ptr<grpc::ClientContext> context_;
  grpc::CompletionQueue queue_;
  std::shared_ptr<Reply> reply_ = std::make_shared<Reply>();
  grpc::Status status_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<Reply>> call_;
  bool is_over_ = false;
};

// A method of a stub.
template <typename Stub, typename Request, typename Reply>
Method describe(Stub Stubs::*stub, std::unique_ptr<grpc::ClientAsyncResponseReader<Reply>> (Stub::*method)(
                                       grpc::ClientContext*, const Request&, grpc::CompletionQueue*)) {
  const auto start = [stub, method](Stubs& stubs, std::shared_ptr<grpc::ClientContext> context,
                                    const Message& message) -> std::shared_ptr<UnaryCall> {
    const auto& request = static_cast<const Request&>(message);
    const auto begin = [&](grpc::ClientContext* context, grpc::CompletionQueue* queue) {
      return ((stubs.*stub).*method)(context, request, queue);
    };
    return std::make_shared<QueuedCall<Reply>>(std::move(context), begin);
  };
  return {&Request::default_instance(), start};
}

std::map<std::string, Method> methods() {
  using Session = v1::SessionService::Stub;
  using Device = v1::DeviceService::Stub;
  using Lab = v1::LabService::Stub;
  return {
      {"OpenSession", describe(&Stubs::sessions, &Session::AsyncOpenSession)},
      {"GetSession", describe(&Stubs::sessions, &Session::AsyncGetSession)},
      {"RenewSession", describe(&Stubs::sessions, &Session::AsyncRenewSession)},
      {"CloseSession", describe(&Stubs::sessions, &Session::AsyncCloseSession)},
      {"CreateWdfFile", describe(&Stubs::device, &Device::AsyncCreateWdfFile)},
      {"Close", describe(&Stubs::device, &Device::AsyncClose)},
      {"DeleteFile", describe(&Stubs::device, &Device::AsyncDeleteFile)},
      {"CreateRequest", describe(&Stubs::device, &Device::AsyncCreateRequest)},
      {"FormatRequest", describe(&Stubs::device, &Device::AsyncFormatRequest)},
      {"SendRequest", describe(&Stubs::device, &Device::AsyncSendRequest)},
      {"ReuseRequest", describe(&Stubs::device, &Device::AsyncReuseRequest)},
      {"DeleteRequest", describe(&Stubs::device, &Device::AsyncDeleteRequest)},
      {"GetRequest", describe(&Stubs::device, &Device::AsyncGetRequest)},
      {"FormatAndSend", describe(&Stubs::device, &Device::AsyncFormatAndSend)},
      {"Cancel", describe(&Stubs::device, &Device::AsyncCancel)},
      {"CancelSentRequestsForFile", describe(&Stubs::device, &Device::AsyncCancelSentRequestsForFile)},
      {"OpenHandle", describe(&Stubs::device, &Device::AsyncOpenHandle)},
      {"CloseHandle", describe(&Stubs::device, &Device::AsyncCloseHandle)},
      {"ConnectNamedPipe", describe(&Stubs::device, &Device::AsyncConnectNamedPipe)},
      {"DisconnectNamedPipe", describe(&Stubs::device, &Device::AsyncDisconnectNamedPipe)},
      {"CreateFileHandleTarget", describe(&Stubs::device, &Device::AsyncCreateFileHandleTarget)},
      {"GetTarget", describe(&Stubs::device, &Device::AsyncGetTarget)},
      {"StartTarget", describe(&Stubs::device, &Device::AsyncStartTarget)},
      {"StopTarget", describe(&Stubs::device, &Device::AsyncStopTarget)},
      {"RemoveTarget", describe(&Stubs::device, &Device::AsyncRemoveTarget)},
      {"DeleteTarget", describe(&Stubs::device, &Device::AsyncDeleteTarget)},
      {"AcknowledgeEvents", describe(&Stubs::device, &Device::AsyncAcknowledgeEvents)},
      {"ReturnFromCallback", describe(&Stubs::device, &Device::AsyncReturnFromCallback)},
      {"ListStacks", describe(&Stubs::lab, &Lab::AsyncListStacks)},
      {"DescribeStack", describe(&Stubs::lab, &Lab::AsyncDescribeStack)},
      {"PlugStack", describe(&Stubs::lab, &Lab::AsyncPlugStack)},
      {"UnplugStack", describe(&Stubs::lab, &Lab::AsyncUnplugStack)},
      {"SurpriseRemoveStack", describe(&Stubs::lab, &Lab::AsyncSurpriseRemoveStack)},
      {"SetPowerState", describe(&Stubs::lab, &Lab::AsyncSetPowerState)},
      {"RebalanceStack", describe(&Stubs::lab, &Lab::AsyncRebalanceStack)},
      {"ControlDriver", describe(&Stubs::lab, &Lab::AsyncControlDriver)},
      {"AdvanceClock", describe(&Stubs::lab, &Lab::AsyncAdvanceClock)},
      {"ReadTrace", describe(&Stubs::lab, &Lab::AsyncReadTrace)},
      {"ListFindings", describe(&Stubs::lab, &Lab::AsyncListFindings)},
      {"GetOutstandingFiles", describe(&Stubs::lab, &Lab::AsyncGetOutstandingFiles)},
  };
}

// What a Submission calls the call that has this request; null for what cannot be submitted.
const google::protobuf::FieldDescriptor* submission_field(const Message& request) {
  const auto* calls = v1::Submission::descriptor()->FindOneofByName("call");
  for (int place = 0; place < calls->field_count(); ++place) {
    if (calls->field(place)->message_type() == request.GetDescriptor()) return calls->field(place);
  }
  return nullptr;
}

}  // namespace

Refused::Refused(std::string code_name, std::string why, const std::string& text,
                 std::map<std::string, std::string> more)
    : std::runtime_error(code_name + " " + why + ": " + text),
      code(std::move(code_name)),
      reason(std::move(why)),
      metadata(std::move(more)) {}

Refused Refused::from(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  if (details.ParseFromString(status.error_details())) {
    for (const auto& detail : details.details()) {
      if (detail.UnpackTo(&info)) break;
    }
  }
  return {name_of(status.error_code()),
          info.reason(),
          status.error_message(),
          {info.metadata().begin(), info.metadata().end()}};
}

Refused Refused::from(const v1::SubmissionRefused& refused) {
  return {name_of(refused.code()),
          refused.reason(),
          refused.message(),
          {refused.metadata().begin(), refused.metadata().end()}};
}

Json Refused::json() const { return {{"code", code}, {"reason", reason}, {"metadata", metadata}}; }

const Method& method(const std::string& name) {
  static const auto* const kMethods = new std::map<std::string, Method>(methods());
  const auto found = kMethods->find(name);
  if (found == kMethods->end()) throw std::out_of_range("the contract has no unary method " + name);
  return found->second;
}

bool is_lab_method(const std::string& name) {
  return v1::ControlDriverRequest::descriptor()->file()->FindServiceByName("LabService")->FindMethodByName(name) !=
         nullptr;
}

bool is_submission(const Message& request) {
  const auto waits = [](const v1::SendOptions& options) { return (options.flags() & kSynchronous) != 0; };
  if (const auto* send = dynamic_cast<const v1::FormatAndSendRequest*>(&request)) return !waits(send->options());
  if (const auto* send = dynamic_cast<const v1::SendRequestRequest*>(&request)) return !waits(send->options());
  return submission_field(request) != nullptr;
}

v1::Submission submission(const Message& request) {
  v1::Submission submission;
  submission.GetReflection()->MutableMessage(&submission, submission_field(request))->CopyFrom(request);
  return submission;
}

Json json_of(const Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) {
    throw std::invalid_argument("no JSON of a " + message.GetTypeName());
  }
  return Json::parse(json);
}

MessagePtr message_of(const Json& json, const Message& prototype) {
  MessagePtr message(prototype.New());
  const auto status = google::protobuf::util::JsonStringToMessage(json.dump(), message.get());
  if (!status.ok()) throw std::invalid_argument(message->GetTypeName() + ": " + std::string(status.message()));
  return message;
}

}  // namespace kit

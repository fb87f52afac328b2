// The wire contract as this runner sees it: methods by name, messages and their JSON, and refusals.
// Knows nothing of cases, sessions and roads.

#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "lowerdeck/v1/device.grpc.pb.h"
#include "lowerdeck/v1/lab.grpc.pb.h"
#include "lowerdeck/v1/session.grpc.pb.h"

namespace kit {

namespace v1 = lowerdeck::v1;
using Json = nlohmann::json;
using google::protobuf::Message;
using MessagePtr = std::shared_ptr<Message>;

// The metadata entry that names the session on every call.
inline constexpr char kSessionKey[] = "lowerdeck-session";

// The question was refused: a gRPC status with google.rpc.ErrorInfo, or a SubmissionRefused; both say the same.
class Refused : public std::runtime_error {
 public:
  // What a failed call says, from the status details that every error of Lowerdeck carries.
  static Refused from(const grpc::Status& status);
  // The same from a queue pair.
  static Refused from(const v1::SubmissionRefused& refused);

  // As a case expects it.
  Json json() const;

  std::string code;
  std::string reason;  // what programs decide by; the text is for people
  std::map<std::string, std::string> metadata;

 private:
  Refused(std::string code, std::string reason, const std::string& text, std::map<std::string, std::string> metadata);
};

// The stubs on one channel.
struct Stubs {
  explicit Stubs(const std::shared_ptr<grpc::Channel>& channel) : sessions(channel), device(channel), lab(channel) {}

  v1::SessionService::Stub sessions;
  v1::DeviceService::Stub device;
  v1::LabService::Stub lab;
};

// One call of a unary method that is under way.
class UnaryCall {
 public:
  virtual ~UnaryCall() = default;

  // Waits until the call is over; false when it is not at `deadline`.
  virtual bool wait_until(std::chrono::system_clock::time_point deadline) = 0;
  // The reply of a call that is over. Throws Refused.
  virtual MessagePtr reply() = 0;
  // Stops waiting for the reply.
  virtual void cancel() = 0;
};

// One unary method, by its name, which no two services share.
struct Method {
  const Message* request;  // an empty one of its type
  std::function<std::shared_ptr<UnaryCall>(Stubs&, std::shared_ptr<grpc::ClientContext>, const Message&)> start;
};

// Throws std::out_of_range for a name that the contract does not know.
const Method& method(const std::string& name);

// Methods that need no session.
bool is_lab_method(const std::string& name);

// Whether a call can travel on a queue pair: the flag SYNCHRONOUS is refused there.
bool is_submission(const Message& request);

// The call as a submission.
v1::Submission submission(const Message& request);

// The JSON form of a message, without fields that have their default value: names as in the .proto files, enums by
// name, 64-bit numbers as strings, bytes in base64.
Json json_of(const Message& message);

// The message of a JSON form, of the same type as `prototype`. Throws std::invalid_argument for what is no such
// message.
MessagePtr message_of(const Json& json, const Message& prototype);

}  // namespace kit

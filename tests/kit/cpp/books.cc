#include "books.h"

namespace kit {
namespace {

v1::IoKind kind_of(const v1::Format& format) {
  switch (format.io_case()) {
    case v1::Format::kRead:
      return v1::IO_KIND_READ;
    case v1::Format::kWrite:
      return v1::IO_KIND_WRITE;
    case v1::Format::kDeviceControl:
      return v1::IO_KIND_DEVICE_CONTROL;
    case v1::Format::kFlush:
      return v1::IO_KIND_FLUSH_BUFFERS;
    case v1::Format::kQueryInformation:
      return v1::IO_KIND_QUERY_INFORMATION;
    case v1::Format::kSetInformation:
      return v1::IO_KIND_SET_INFORMATION;
    default:
      return v1::IO_KIND_UNSPECIFIED;
  }
}

void output(const v1::OutputMemory& memory, v1::RequestCompleted* completed) {
  if (memory.has_offset()) *completed->mutable_output_offset() = memory.offset();
}

void input(const v1::InputMemory& memory, v1::RequestCompleted* completed) {
  if (memory.has_offset()) *completed->mutable_input_offset() = memory.offset();
}

// A completion together with what its own submission said, as StreamEvents has it.
v1::RequestCompleted whole(const v1::QueueCompletion& completion, const v1::Format& format) {
  v1::RequestCompleted completed;
  completed.set_request_id(completion.request_id());
  completed.set_file_id(format.file_id());
  completed.set_io_kind(kind_of(format));
  completed.set_hresult(completion.hresult());
  completed.set_information(completion.information());
  completed.set_data(completion.data());
  completed.set_ioctl_code(format.device_control().code());
  if (format.read().has_device_offset()) completed.set_device_offset(format.read().device_offset());
  if (format.write().has_device_offset()) completed.set_device_offset(format.write().device_offset());
  output(format.read().output_memory(), &completed);
  output(format.device_control().output_memory(), &completed);
  output(format.query_information().output_memory(), &completed);
  input(format.write().input_memory(), &completed);
  input(format.device_control().input_memory(), &completed);
  input(format.set_information().input_memory(), &completed);
  return completed;
}

}  // namespace

uint64_t Books::new_request_id() {
  std::lock_guard lock(mutex_);
  return next_request_id_++;
}

void Books::asks(const Message& request) {
  if (const auto* send = dynamic_cast<const v1::FormatAndSendRequest*>(&request)) {
    std::lock_guard lock(mutex_);
    sent_[send->request_id()] = send->format();
  }
}

void Books::answered(const Message& reply) {
  if (const auto* created = dynamic_cast<const v1::CreateWdfFileResponse*>(&reply);
      created && created->hresult() == 0) {
    std::lock_guard lock(mutex_);
    files_.insert(created->file_id());
  }
}

v1::Format Books::sent(uint64_t request_id) const {
  std::lock_guard lock(mutex_);
  const auto found = sent_.find(request_id);
  if (found == sent_.end()) {
    throw ProtocolError("request " + std::to_string(request_id) + " completed, and was never sent");
  }
  return found->second;
}

void Books::process(const v1::Event& event) {
  std::lock_guard lock(mutex_);
  if (event.sequence() <= processed_) return;  // told again, because it was not acknowledged
  processed_ = event.sequence();
  if (event.has_request_completed()) {
    ++completions_;
    completed_[event.sequence()] = event.request_completed().request_id();
  }
  if (event.has_file_gone()) files_.erase(event.file_gone().file_id());
}

void Books::acknowledge(uint64_t through) {
  std::lock_guard lock(mutex_);
  const auto end = completed_.upper_bound(through);
  for (auto completed = completed_.begin(); completed != end; ++completed) sent_.erase(completed->second);
  completed_.erase(completed_.begin(), end);
}

uint64_t Books::processed() const {
  std::lock_guard lock(mutex_);
  return processed_;
}

std::set<std::string> Books::files() const {
  std::lock_guard lock(mutex_);
  return files_;
}

uint64_t Books::completions() const {
  std::lock_guard lock(mutex_);
  return completions_;
}

std::vector<v1::Event> Arrivals::take(const v1::StreamEventsResponse& message) {
  return checked({message.events().begin(), message.events().end()});
}

std::vector<v1::Event> Arrivals::take(const v1::QueuePairResponse& message) {
  std::vector<v1::Event> events;
  for (const v1::QueueEntry& entry : message.entries()) {
    v1::Event event = entry.event();
    if (entry.has_completion()) {
      *event.mutable_request_completed() = whole(entry.completion(), books_.sent(entry.completion().request_id()));
    }
    event.set_sequence(message.first_sequence() + events.size());
    events.push_back(std::move(event));
  }
  return checked(std::move(events));
}

std::vector<v1::Event> Arrivals::checked(std::vector<v1::Event> events) {
  for (const v1::Event& event : events) {
    // Who asks for all that is kept (after 0) gets what comes behind the last acknowledged one.
    if (last_ != 0 && event.sequence() != last_ + 1) {
      throw ProtocolError("event " + std::to_string(event.sequence()) + " came after event " + std::to_string(last_));
    }
    last_ = event.sequence();
  }
  return events;
}

void Submissions::submit(const Message& request, Answer answer) {
  MessagePtr accepted;
  if (dynamic_cast<const v1::FormatAndSendRequest*>(&request)) accepted = std::make_shared<v1::FormatAndSendResponse>();
  if (dynamic_cast<const v1::SendRequestRequest*>(&request)) accepted = std::make_shared<v1::SendRequestResponse>();
  waiting_[++count_] = {std::move(accepted), std::move(answer)};
}

void Submissions::take(const v1::QueuePairResponse& message) {
  for (const v1::SubmissionResult& result : message.results()) {
    auto waiting = waiting_.extract(result.submission());
    if (waiting.empty()) throw ProtocolError("a result of submission " + std::to_string(result.submission()));
    const Answer& answer = waiting.mapped().answer;
    if (result.has_refused()) {
      answer(nullptr, std::make_exception_ptr(Refused::from(result.refused())));
      continue;
    }
    const auto* which = result.GetReflection()->GetOneofFieldDescriptor(result, result.GetDescriptor()->oneof_decl(0));
    if (which == nullptr) throw ProtocolError("an empty result of submission " + std::to_string(result.submission()));
    const Message& reply = result.GetReflection()->GetMessage(result, which);
    MessagePtr copy(reply.New());
    copy->CopyFrom(reply);
    answer(std::move(copy), nullptr);
  }
  const auto taken = waiting_.upper_bound(message.submissions_taken());
  for (auto waiting = waiting_.begin(); waiting != taken;) {
    if (waiting->second.accepted) {
      waiting->second.answer(waiting->second.accepted, nullptr);
      waiting = waiting_.erase(waiting);
    } else {
      ++waiting;
    }
  }
}

void Submissions::lost(std::exception_ptr error) {
  for (auto& [number, waiting] : std::exchange(waiting_, {})) waiting.answer(nullptr, error);
}

}  // namespace kit

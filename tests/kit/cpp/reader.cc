#include "reader.h"

namespace kit {

namespace {

// How the answer of a submission is waited for.
std::function<MessagePtr(Patience)> answer_of(const std::shared_future<MessagePtr>& answer) {
  return [answer](Patience patience) {
    if (answer.wait_for(patience) != std::future_status::ready) throw TimedOut("answer to a submission", patience);
    return answer.get();
  };
}

}  // namespace

Reader::Reader(Connection& connection, const std::string& road, const std::string& session, Arrivals arrivals,
               uint64_t after)
    : arrivals_(arrivals) {
  if (road == "queue-pair") {
    pair_ = connection.queue_pair(session);
    v1::QueuePairRequest first;
    first.set_after_sequence(after);
    pair_.stream->Write(first);
  } else {
    stream_ = connection.stream_events(session, after);
  }
  thread_ = std::thread(&Reader::run, this);
}

Reader::~Reader() { thread_.join(); }

Ended Reader::join(Patience patience) {
  try {
    while (events_.take(patience)) {  // events that nobody wants any more: the new stream tells them again
    }
  } catch (const Ended& end) {
    return end;
  }
  throw TimedOut("end of the old stream", patience);
}

bool Reader::is_queue_pair() const {
  std::lock_guard writing(writing_);
  return pair_.stream && !is_over_;
}

std::vector<Started> Reader::submit(const std::vector<std::pair<std::string, MessagePtr>>& calls) {
  std::lock_guard writing(writing_);
  if (is_over_) throw Ended(std::nullopt);
  std::vector<Started> started;
  v1::QueuePairRequest message;
  for (const auto& [name, request] : calls) {
    auto promise = std::make_shared<std::promise<MessagePtr>>();
    started.push_back({answer_of(promise->get_future().share()), [] {}});
    std::lock_guard waiting(waiting_);
    submissions_.submit(*request, [promise](MessagePtr reply, std::exception_ptr error) {
      if (error) {
        promise->set_exception(error);
      } else {
        promise->set_value(std::move(reply));
      }
    });
    *message.add_submissions() = submission(*request);
  }
  pair_.stream->Write(message);  // on a broken stream the reading thread tells those who wait
  return started;
}

bool Reader::acknowledge(uint64_t sequence) {
  std::lock_guard writing(writing_);
  if (is_over_ || !pair_.stream) return false;
  v1::QueuePairRequest message;
  message.set_acknowledged_sequence(sequence);
  return pair_.stream->Write(message);
}

void Reader::run() {
  std::exception_ptr end;
  try {
    const grpc::Status status =
        pair_.stream ? read(pair_, v1::QueuePairResponse()) : read(stream_, v1::StreamEventsResponse());
    end = std::make_exception_ptr(status.ok() ? Ended(std::nullopt) : Ended(Refused::from(status)));
  } catch (const ProtocolError&) {  // must not leave anybody waiting
    end = std::current_exception();
  }
  {
    std::lock_guard waiting(waiting_);
    submissions_.lost(end);
  }
  events_.end(end);
  heartbeats_.end(end);
  if (!is_registered_) registered_.set_value();
}

// Reads a stream to its end. Throws ProtocolError when it carries what may not come.
template <typename Opened, typename Reply>
grpc::Status Reader::read(const Opened& opened, Reply reply) {
  std::exception_ptr broken;
  while (opened.stream->Read(&reply)) {
    try {
      if (!broken) take(reply);
    } catch (const ProtocolError&) {
      broken = std::current_exception();
      opened.context->TryCancel();
    }
    if (!std::exchange(is_registered_, true)) registered_.set_value();
  }
  {
    std::lock_guard writing(writing_);  // nobody may write beside Finish
    is_over_ = true;
  }
  const grpc::Status status = opened.stream->Finish();
  if (broken) std::rethrow_exception(broken);
  return status;
}

void Reader::take(const v1::StreamEventsResponse& message) {
  put(arrivals_.take(message));
  if (message.has_heartbeat()) heartbeats_.put(message.heartbeat());
}

void Reader::take(const v1::QueuePairResponse& message) {
  {
    std::lock_guard waiting(waiting_);
    submissions_.take(message);
  }
  put(arrivals_.take(message));
  if (message.has_heartbeat()) heartbeats_.put(message.heartbeat());
}

void Reader::put(std::vector<v1::Event> events) {
  for (v1::Event& event : events) events_.put(std::move(event));
}

}  // namespace kit

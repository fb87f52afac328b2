// What a client remembers about one session. No I/O.
//
// Laws: request ids are never used twice; events are taken once, in order, without gaps; an event is acknowledged when
// it has been processed, not when it arrived; a file is in the books until its FileGone; a completion is paired with
// what was sent by its request id alone, because it may come before the reply of the Send.

#pragma once

#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "contract.h"

namespace kit {

// The server broke the contract.
class ProtocolError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// One session's books; any thread may write in them.
class Books {
 public:
  // A number for a create or a request. Never zero, never one of before; counting up keeps the server's record short.
  uint64_t new_request_id();

  // A call is about to be made: written down first, because its completion may overtake its reply.
  void asks(const Message& request);

  // A call was answered.
  void answered(const Message& reply);

  // What a request was sent with. Throws ProtocolError.
  v1::Format sent(uint64_t request_id) const;

  // An event has been dealt with; the server may be told.
  void process(const v1::Event& event);

  // The server is being told, and these events will not come again: what was sent is forgotten now, not before.
  void acknowledge(uint64_t through);

  // Files that were created and are not gone.
  std::set<std::string> files() const;

  // Completions that were processed.
  uint64_t completions() const;

  // The number of the last event that was processed: from here on events are wanted after a lost connection.
  uint64_t processed() const;

 private:
  mutable std::mutex mutex_;
  uint64_t next_request_id_ = 1;
  uint64_t processed_ = 0;
  uint64_t completions_ = 0;
  std::set<std::string> files_;
  std::map<uint64_t, v1::Format> sent_;
  std::map<uint64_t, uint64_t> completed_;  // numbers of events, and whose completions they are
};

// The events of one stream, as they arrive: those behind the number `after`.
class Arrivals {
 public:
  Arrivals(const Books& books, uint64_t after) : books_(books), last_(after) {}

  // The events in a message of StreamEvents or QueuePair; of the latter, each completed with what its own submission
  // said. Throws ProtocolError.
  std::vector<v1::Event> take(const v1::StreamEventsResponse& message);
  std::vector<v1::Event> take(const v1::QueuePairResponse& message);

 private:
  std::vector<v1::Event> checked(std::vector<v1::Event> events);

  const Books& books_;
  uint64_t last_;
};

// Gets the reply, or why there is none.
using Answer = std::function<void(MessagePtr reply, std::exception_ptr error)>;

// The submission side of one queue pair: who waits for which result. Numbers begin at 1 on each stream.
class Submissions {
 public:
  // Numbers a submission; the caller puts it on the stream in this order.
  void submit(const Message& request, Answer answer);

  // Passes results on. Of a Send that was taken and of which nothing is said, the result is S_OK.
  void take(const v1::QueuePairResponse& message);

  // The stream is over: whoever waits is told. What was submitted may or may not have been taken.
  void lost(std::exception_ptr error);

 private:
  struct Waiting {
    MessagePtr accepted;  // the reply of a Send of which nothing is said; null for other calls
    Answer answer;
  };

  uint64_t count_ = 0;
  std::map<uint64_t, Waiting> waiting_;
};

}  // namespace kit

// What reads StreamEvents or a QueuePair of one session, on a thread that waits for nothing but the stream.

#pragma once

#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "books.h"
#include "client.h"
#include "mailbox.h"

namespace kit {

class Reader {
 public:
  // Opens the stream on `road`, to get what `arrivals` expects: the events after a number.
  Reader(Connection& connection, const std::string& road, const std::string& session, Arrivals arrivals,
         uint64_t after);
  // Waits for the end of the stream.
  ~Reader();

  // Waits until the server has answered on the stream or has ended it; false when that took too long.
  bool registered(Patience patience) {
    return registered_.get_future().wait_for(patience) == std::future_status::ready;
  }

  // Waits for the end of the stream, and gives it. Throws TimedOut, and ProtocolError for an end that is our own doing.
  Ended join(Patience patience);

  // Whether the stream takes submissions.
  bool is_queue_pair() const;

  // Puts calls on the stream, in one message; each answer comes by itself. Throws Ended.
  std::vector<Started> submit(const std::vector<std::pair<std::string, MessagePtr>>& calls);

  // Puts an acknowledgement on the stream, ahead of every later submission; false if the stream is over.
  bool acknowledge(uint64_t sequence);

  Mailbox<v1::Event>& events() { return events_; }
  Mailbox<v1::Heartbeat>& heartbeats() { return heartbeats_; }

 private:
  void run();
  template <typename Opened, typename Reply>
  grpc::Status read(const Opened& opened, Reply reply);
  void take(const v1::StreamEventsResponse& message);
  void take(const v1::QueuePairResponse& message);
  void put(std::vector<v1::Event> events);

  Arrivals arrivals_;  // of the reading thread
  Mailbox<v1::Event> events_;
  Mailbox<v1::Heartbeat> heartbeats_;
  std::promise<void> registered_;
  bool is_registered_ = false;  // of the reading thread

  mutable std::mutex writing_;  // submissions go out in the order of their numbers; never taken to take a message in
  bool is_over_ = false;
  std::mutex waiting_;  // guards submissions_
  Submissions submissions_;

  EventStream stream_;  // this one, or
  QueuePair pair_;
  std::thread thread_;
};

}  // namespace kit

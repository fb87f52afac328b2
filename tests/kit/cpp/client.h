// A blocking client of one session: calls, events, acknowledgements, on either road. This is what a client author
// copies: a thread reads the one stream that brings events, everything else is a call. It does not know what a case is.

#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "books.h"
#include "contract.h"

namespace kit {

using Patience = std::chrono::milliseconds;

// Something that must happen did not, while patience lasted.
class TimedOut : public std::runtime_error {
 public:
  TimedOut(const std::string& what, Patience patience);
};

// The stream of events is over; `refused` says why, or nothing when it ended in order.
class Ended : public std::runtime_error {
 public:
  explicit Ended(std::optional<Refused> why);
  std::optional<Refused> refused;
};

// A call that is under way.
struct Started {
  // Waits for the reply. Throws Refused, TimedOut, and Ended when it was submitted on a stream that is over.
  std::function<MessagePtr(Patience)> finish;
  // Stops waiting. This cancels no I/O: what was asked for goes on (MAP-5).
  std::function<void()> abandon;
};

// A stream that is open, with what must outlive it.
template <typename Stream>
struct Opened {
  std::shared_ptr<grpc::ClientContext> context;
  std::unique_ptr<Stream> stream;
};
using EventStream = Opened<grpc::ClientReader<v1::StreamEventsResponse>>;
using QueuePair = Opened<grpc::ClientReaderWriter<v1::QueuePairRequest, v1::QueuePairResponse>>;

// A connection to the server, and every call of the contract. `patience` is the deadline of every call.
class Connection {
 public:
  Connection(const std::string& endpoint, Patience patience);

  // Asks and waits for the reply. Throws Refused.
  MessagePtr call(const std::string& name, const Message& request, const std::vector<std::string>& sessions = {});

  // Asks. Every call names its session by metadata; the lab's calls need none.
  std::shared_ptr<UnaryCall> start(const std::string& name, const Message& request,
                                   const std::vector<std::string>& sessions);

  // Opens a stream of events. It has no deadline: heartbeats tell that it is alive.
  EventStream stream_events(const std::string& session, uint64_t after);
  QueuePair queue_pair(const std::string& session);

  // Ends everything on this connection, as a lost one does.
  void close();

 private:
  std::shared_ptr<grpc::ClientContext> context(const std::vector<std::string>& sessions);

  std::shared_ptr<Stubs> stubs() const;

  std::shared_ptr<Stubs> stubs_;  // null when the connection is closed
  Patience patience_;
  std::mutex mutex_;
  std::list<std::shared_ptr<grpc::ClientContext>> open_;
};

class Reader;

// One session of one client; `road` is "unary" or "queue-pair". Nothing is asked until a call is made.
class Session {
 public:
  Session(std::string endpoint, std::string road, Patience patience);
  ~Session();

  const std::string& uuid() const { return uuid_; }
  Books& books() { return books_; }

  // Makes a call and gives the reply. Throws Refused.
  MessagePtr call(const std::string& name, const Message& request, bool unary = false);

  // Makes a call, and leaves the waiting to `finish`.
  Started start(const std::string& name, const Message& request, bool unary = false);

  // Makes several calls: in one message on a queue pair, else each after the reply of the one before it.
  std::vector<Started> batch(const std::vector<std::pair<std::string, MessagePtr>>& calls);

  // Waits for the reply of a call. Throws Refused.
  MessagePtr finish(const Started& started);

  // Opens the stream of events behind the last one that was processed, or behind a given one. It takes over from an
  // older one, whose end is given back.
  std::optional<Ended> listen(std::optional<uint64_t> after = std::nullopt);

  // Waits for the next event. Throws Ended when there is none left, TimedOut when none came.
  v1::Event next_event();

  // The event has been dealt with, and the server need not keep it.
  void processed(const v1::Event& event, bool acknowledge = true);

  // Tells the server that events up to this number were processed. Throws Refused.
  void acknowledge(uint64_t sequence);

  // Waits for the next heartbeat after this call.
  v1::Heartbeat heartbeat();

  // Loses the connection, and with it what had arrived and was not processed.
  void drop();

  // Connects again. The session is as it was for as long as its lease.
  void reconnect();

 private:
  bool has_queue_pair() const;

  const std::string endpoint_;
  const std::string road_;
  const Patience patience_;
  const std::string uuid_;
  Books books_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Reader> reader_;
};

// A version 4 UUID.
std::string new_uuid();

}  // namespace kit

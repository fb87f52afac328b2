#include "client.h"

#include <fstream>

#include "reader.h"

namespace kit {

TimedOut::TimedOut(const std::string& what, Patience patience)
    : std::runtime_error("no " + what + " came within " + std::to_string(patience.count()) + " ms") {}

Ended::Ended(std::optional<Refused> why)
    : std::runtime_error(why ? std::string("the stream ended: ") + why->what() : "the stream ended in order"),
      refused(std::move(why)) {}

namespace {

// Its deadline ends a call on this side too; a second more, and something is broken here.
MessagePtr reply_of(UnaryCall& call, Patience patience) {
  if (!call.wait_until(std::chrono::system_clock::now() + patience + std::chrono::seconds(1))) {
    throw TimedOut("answer", patience);
  }
  return call.reply();
}

Started started(const std::shared_ptr<UnaryCall>& call) {
  return {[call](Patience patience) { return reply_of(*call, patience); }, [call] { call->cancel(); }};
}

}  // namespace

std::string new_uuid() {
  std::string uuid;
  std::ifstream("/proc/sys/kernel/random/uuid") >> uuid;
  return uuid;
}

// --- Connection ---

Connection::Connection(const std::string& endpoint, Patience patience) : patience_(patience) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // each connection is one of its own, which can be lost
  stubs_ = std::make_shared<Stubs>(grpc::CreateCustomChannel(endpoint, grpc::InsecureChannelCredentials(), arguments));
}

std::shared_ptr<Stubs> Connection::stubs() const {
  if (!stubs_) throw std::logic_error("a call on a connection that was closed");
  return stubs_;
}

std::shared_ptr<grpc::ClientContext> Connection::context(const std::vector<std::string>& sessions) {
  auto context = std::make_shared<grpc::ClientContext>();
  for (const std::string& session : sessions) context->AddMetadata(kSessionKey, session);
  std::lock_guard lock(mutex_);
  open_.remove_if([](const auto& other) { return other.use_count() == 1; });  // calls that are over
  open_.push_back(context);
  return context;
}

std::shared_ptr<UnaryCall> Connection::start(const std::string& name, const Message& request,
                                             const std::vector<std::string>& sessions) {
  auto opened = context(sessions);
  opened->set_deadline(std::chrono::system_clock::now() + patience_);
  return method(name).start(*stubs(), std::move(opened), request);
}

MessagePtr Connection::call(const std::string& name, const Message& request, const std::vector<std::string>& sessions) {
  return reply_of(*start(name, request, sessions), patience_);
}

EventStream Connection::stream_events(const std::string& session, uint64_t after) {
  v1::StreamEventsRequest request;
  request.set_after_sequence(after);
  auto opened = context({session});
  return {opened, stubs()->device.StreamEvents(opened.get(), request)};
}

QueuePair Connection::queue_pair(const std::string& session) {
  auto opened = context({session});
  return {opened, stubs()->device.QueuePair(opened.get())};
}

void Connection::close() {
  std::lock_guard lock(mutex_);
  for (const auto& context : open_) context->TryCancel();
  open_.clear();
  stubs_.reset();
}

// --- Session ---

Session::Session(std::string endpoint, std::string road, Patience patience)
    : endpoint_(std::move(endpoint)), road_(std::move(road)), patience_(patience), uuid_(new_uuid()) {
  reconnect();
}

Session::~Session() { drop(); }

MessagePtr Session::call(const std::string& name, const Message& request, bool unary) {
  return finish(start(name, request, unary));
}

Started Session::start(const std::string& name, const Message& request, bool unary) {
  books_.asks(request);
  if (unary || !has_queue_pair() || !is_submission(request)) {
    return started(connection_->start(name, request, {uuid_}));
  }
  MessagePtr copy(request.New());
  copy->CopyFrom(request);
  return reader_->submit({{name, copy}}).front();
}

std::vector<Started> Session::batch(const std::vector<std::pair<std::string, MessagePtr>>& calls) {
  for (const auto& [name, request] : calls) books_.asks(*request);
  if (has_queue_pair()) return reader_->submit(calls);
  std::vector<Started> all;
  for (const auto& [name, request] : calls) {
    const auto call = connection_->start(name, *request, {uuid_});
    call->wait_until(std::chrono::system_clock::now() + patience_);  // `finish` says what came of it
    all.push_back(started(call));
  }
  return all;
}

MessagePtr Session::finish(const Started& started) {
  MessagePtr reply = started.finish(patience_);
  books_.answered(*reply);
  return reply;
}

std::optional<Ended> Session::listen(std::optional<uint64_t> from) {
  const uint64_t after = from.value_or(books_.processed());
  const auto old =
      std::exchange(reader_, std::make_unique<Reader>(*connection_, road_, uuid_, Arrivals(books_, after), after));
  if (!reader_->registered(patience_)) throw TimedOut("sign of life on the stream", patience_);
  if (!old) return std::nullopt;
  return old->join(patience_);
}

v1::Event Session::next_event() {
  auto event = reader_->events().take(patience_);
  if (!event) throw TimedOut("event", patience_);
  return *std::move(event);
}

void Session::processed(const v1::Event& event, bool acknowledge_it) {
  books_.process(event);
  if (acknowledge_it) acknowledge(event.sequence());
}

void Session::acknowledge(uint64_t sequence) {
  books_.acknowledge(sequence);
  if (reader_ && reader_->acknowledge(sequence)) return;
  v1::AcknowledgeEventsRequest request;
  request.set_through_sequence(sequence);
  connection_->call("AcknowledgeEvents", request, {uuid_});
}

v1::Heartbeat Session::heartbeat() {
  reader_->heartbeats().clear();
  auto heartbeat = reader_->heartbeats().take(patience_);
  if (!heartbeat) throw TimedOut("heartbeat", patience_);
  return *heartbeat;
}

void Session::drop() {
  connection_->close();
  reader_.reset();
}

bool Session::has_queue_pair() const {
  return reader_ && reader_->is_queue_pair();  // once the stream is over, every call is a unary one
}

void Session::reconnect() { connection_ = std::make_unique<Connection>(endpoint_, patience_); }

}  // namespace kit

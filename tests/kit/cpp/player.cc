#include "player.h"

#include <algorithm>

namespace kit {
namespace {

Json json_of(const Ended& ended) { return ended.refused ? ended.refused->json() : Json{{"code", "OK"}}; }

// A field of a reply that may be absent.
Json at(const Json& object, const char* key) { return object.contains(key) ? object[key] : Json(); }

std::optional<uint64_t> number_at(const Case& step, const char* key, Names& names) {
  if (!step.contains(key)) return std::nullopt;
  return std::stoull(names.fill_text(step[key].is_string() ? step[key].get<std::string>() : step[key].dump()));
}

}  // namespace

Player::Player(const Case& play, Connection& lab, Connect connect, Patience patience)
    : case_(play),
      lab_(lab),
      connect_(std::move(connect)),
      patience_(patience),
      names_(
          play, [this] { return std::to_string(seats_.front().session->books().new_request_id()); }, new_uuid) {}

void Player::play() {
  try {
    plug();
    const Case sessions = case_.value("sessions", Case{{"main", Case::object()}});
    for (const auto& [name, terms] : sessions.items()) open(name, terms);
    steps(case_.at("steps"), names_);
    for (Seat& seat : seats_) settle(seat);
  } catch (...) {
    try {
      leave();
    } catch (const std::exception&) {  // of interest is why the case failed
    }
    throw;
  }
  leave();
}

// Closes connections, and unplugs: the server ends a forgotten session, and keeps a template for ever.
void Player::leave() {
  for (Seat& seat : seats_) seat.session->drop();
  if (!plugged_.empty()) ask_lab("UnplugStack", {{"name", plugged_}});
}

// --- before and after the steps ---

void Player::plug() {
  const Case& stack = case_.at("stack");
  if (stack.is_string()) {
    names_.set("stack", stack);
    return;
  }
  Json fields = Json::parse(stack.dump());
  const std::string name = "kit-" + new_uuid().substr(0, 13);
  fields["name"] = name;
  ask_lab("PlugStack", fields);
  plugged_ = name;
  names_.set("stack", name);
}

void Player::open(const std::string& name, const Case& terms) {
  seats_.push_back({name, connect_(), terms, Json()});
  Session& session = *seats_.back().session;
  names_.set(name, session.uuid());
  Case open = {{"stack", "${stack}"}, {"client_name", "kit"}};
  open.update(terms.value("open", Case::object()));
  const Json reply = json_of(*session.call("OpenSession", *request("OpenSession", {{"message", open}}, names_)));
  names_.set(name + ".stack", pick(reply, "session.stack"));
  const Case limits = case_.value("limits", Case::object());
  for (const auto& [limit, value] : limits.items()) {
    compare(names_.fill(value), at(reply["session"]["limits"], limit.c_str()), "the server's limit " + limit);
  }
  if (terms.value("stream", true)) session.listen();
}

// What holds after every case: nothing unread, nothing outstanding, one completion for each accepted Send.
void Player::settle(Seat& seat) {
  if (seat.terms.value("ends", "") == "by itself") return;
  const Json findings =
      at(ask_lab("ListFindings", {{"stack", names_.fill_text("${" + seat.name + ".stack}")}}), "findings");
  Json rules = Json::array();
  for (const Json& finding : findings) rules.push_back(finding.at("rule"));
  const Case expected = seat.terms.value("findings", Case::array());
  compare(names_.fill(expected), rules, "findings about the stack of session " + seat.name);
  if (seat.balance.is_null()) {
    seat.balance = json_of(*seat.session->call("CloseSession", v1::CloseSessionRequest()));
  }
  const Json left = at(seat.balance, "files_left_open");
  compare(seat.terms.value("files_left_open", 0), left, "files that were not closed");
  if (seat.terms.value("stream", true)) {
    std::vector<std::string> allowed = {"session_ending", "finding_recorded"};
    if (!left.is_null()) allowed.push_back("file_gone");
    read_rest(*seat.session, allowed);
  }
  const Json balance = seat.balance.value("balance", Json::object());
  compare(0, at(balance, "outstanding"), "outstanding requests in the final balance");
  const uint64_t seen = seat.session->books().completions() + seat.terms.value("completions_not_read", 0);
  compare(seen, at(balance, "accepted"), "accepted requests in the final balance, and completions seen");
}

void Player::read_rest(Session& session, const std::vector<std::string>& allowed) {
  try {
    for (;;) {
      const Json event = json_of(session.next_event());
      const auto is_in = [&event](const std::string& body) { return event.contains(body); };
      if (std::none_of(allowed.begin(), allowed.end(), is_in)) {
        throw Mismatch("an event came that the case does not know of: " + event.dump());
      }
    }
  } catch (const Ended& ended) {
    if (ended.refused) throw Mismatch(std::string("the stream of events must end in order: ") + ended.what());
  }
}

// --- steps ---

const std::map<std::string, Player::Step>& Player::known() {
  static const auto* const kKnown = new std::map<std::string, Step>{
      {"call", {&Player::call, {"message", "reply", "error", "save", "unary", "metadata", "session", "eventually"}}},
      {"driver", {&Player::driver, {"layer", "reply", "error", "session", "eventually"}}},
      {"start", {&Player::start, {"message", "as", "session", "unary"}}},
      {"finish", {&Player::finish, {"reply", "error", "save"}}},
      {"abandon", {&Player::abandon, {}}},
      {"batch", {&Player::batch, {"session"}}},
      {"expect", {&Player::expect, {"session", "in_any_order", "save", "acknowledge"}}},
      {"acknowledge", {&Player::acknowledge, {"session"}}},
      {"heartbeat", {&Player::heartbeat, {"session"}}},
      {"stream_ends", {&Player::stream_ends, {"session"}}},
      {"open_files", {&Player::open_files, {"session"}}},
      {"drop", {&Player::drop, {}}},
      {"resume", {&Player::resume, {"after"}}},
      {"listen", {&Player::listen, {"session", "after", "old_stream_ends"}}},
      {"repeat", {&Player::repeat, {"steps"}}},
  };
  return *kKnown;
}

void Player::steps(const Case& steps, Names& names) {
  for (size_t place = 0; place < steps.size(); ++place) {
    const Case& step = steps[place];
    const std::string verb = step.begin().key();
    try {
      const auto found = known().find(verb);
      if (found == known().end()) throw Mismatch("this runner does not know the step");
      const std::vector<std::string>& keys = found->second.keys;
      for (const auto& [key, value] : step.items()) {
        if (key != verb && std::find(keys.begin(), keys.end(), key) == keys.end()) {
          throw Mismatch("this runner does not know `" + key + "`");
        }
      }
      (this->*found->second.perform)(step, names);
    } catch (const std::exception& error) {
      const std::string what = step[verb].is_string() ? " " + step[verb].get<std::string>() : "";
      throw Mismatch("step " + std::to_string(place + 1) + " (" + verb + what + "): " + error.what());
    }
  }
}

void Player::call(const Case& step, Names& names) {
  const auto deadline = std::chrono::steady_clock::now() + patience_;
  for (;;) {
    try {
      return call_once(step, names);
    } catch (const Mismatch&) {
      if (!step.value("eventually", false) || std::chrono::steady_clock::now() > deadline) throw;
    }
  }
}

void Player::call_once(const Case& step, Names& names) {
  const std::string method = step["call"];
  const MessagePtr message = request(method, step, names);
  if (step.contains("metadata") || is_lab_method(method)) {
    const std::vector<std::string> sessions = names.fill(step.value("metadata", Case::array()));
    judge(step, names, [&] { return lab_.call(method, *message, sessions); });
    return;
  }
  Seat& asked = seat(step.value("session", "main"));
  const Json reply =
      judge(step, names, [&] { return asked.session->call(method, *message, step.value("unary", false)); });
  if (method == "CloseSession" && !reply.is_null()) asked.balance = reply;
}

void Player::driver(const Case& step, Names& names) {
  Case call = step;
  call["call"] = "ControlDriver";
  call["message"] = {{"stack", "${" + step.value("session", "main") + ".stack}"},
                     {"layer", step.value("layer", 1)},
                     {"command", step["driver"]}};
  if (step.contains("reply")) call["reply"] = {{"reply", step["reply"]}};
  this->call(call, names);
}

void Player::start(const Case& step, Names& names) {
  Session& session = session_of(step);
  const MessagePtr message = request(step["start"], step, names);
  running_[step["as"]] = {&session, session.start(step["start"], *message, step.value("unary", false))};
}

void Player::finish(const Case& step, Names& names) {
  const Running running = take(step["finish"]);
  judge(step, names, [&] { return running.session->finish(running.started); });
}

void Player::abandon(const Case& step, Names&) {
  const Running running = take(step["abandon"]);
  running.started.abandon();
}

void Player::batch(const Case& step, Names& names) {
  Session& session = session_of(step);
  std::vector<std::pair<std::string, MessagePtr>> calls;
  for (const Case& call : step["batch"]) calls.emplace_back(call["call"], request(call["call"], call, names));
  const std::vector<Started> started = session.batch(calls);
  for (size_t place = 0; place < started.size(); ++place) {
    judge(step["batch"][place], names, [&] { return session.finish(started[place]); });
  }
}

void Player::expect(const Case& step, Names& names) {
  Session& session = session_of(step);
  std::vector<Case> expected = step["expect"];
  while (!expected.empty()) {
    v1::Event event;
    try {
      event = session.next_event();
    } catch (const TimedOut& late) {
      throw Mismatch(std::string(late.what()) + "; expected " + names.fill(expected.front()).dump());
    }
    const Json found = json_of(event);
    auto place = expected.begin();
    if (step.value("in_any_order", false)) {
      place = std::find_if(place, expected.end(), [&](const Case& one) { return matches(names.fill(one), found); });
      if (place == expected.end()) place = expected.begin();
    }
    const Json next = names.fill(*place);
    expected.erase(place);
    compare(next, found, "event");
    save(step, names, found);
    session.processed(event, step.value("acknowledge", true));
  }
}

void Player::acknowledge(const Case& step, Names& names) {
  session_of(step).acknowledge(number_at(step, "acknowledge", names).value_or(0));
}

void Player::heartbeat(const Case& step, Names& names) {
  compare(names.fill(step["heartbeat"]), json_of(session_of(step).heartbeat()), "heartbeat");
}

void Player::stream_ends(const Case& step, Names& names) {
  Json end;
  try {
    const v1::Event event = session_of(step).next_event();
    throw Mismatch("the stream goes on: " + json_of(event).dump());
  } catch (const Ended& ended) {
    end = json_of(ended);
  }
  compare(names.fill(step["stream_ends"]), end, "end of the stream");
}

void Player::open_files(const Case& step, Names& names) {
  std::vector<std::string> expected = names.fill(step["open_files"]);
  std::sort(expected.begin(), expected.end());
  compare(expected, session_of(step).books().files(), "files in the client's own books");
}

void Player::drop(const Case& step, Names&) { seat(step["drop"]).session->drop(); }

void Player::resume(const Case& step, Names& names) {
  Session& session = *seat(step["resume"]).session;
  session.reconnect();
  session.listen(number_at(step, "after", names));
}

void Player::listen(const Case& step, Names& names) {
  const std::optional<Ended> old = session_of(step).listen(number_at(step, "after", names));
  if (step.contains("old_stream_ends")) {
    compare(names.fill(step["old_stream_ends"]), old ? json_of(*old) : Json(), "end of the old stream");
  }
}

void Player::repeat(const Case& step, Names& names) {
  for (int round = 1; round <= step["repeat"]; ++round) {
    Names inner = names;  // what is drawn or saved in a round is forgotten after it
    inner.set("round", std::to_string(round));
    steps(step["steps"], inner);
  }
}

// --- what the steps share ---

Json Player::judge(const Case& step, Names& names, const std::function<MessagePtr()>& answer) {
  Json reply;
  try {
    reply = json_of(*answer());
  } catch (const Refused& refused) {
    if (!step.contains("error")) throw;
    compare(names.fill(step["error"]), refused.json(), "error");
    return nullptr;
  }
  if (step.contains("error"))
    throw Mismatch("expected the error " + step["error"].dump() + ", got the reply " + reply.dump());
  Json expected = {{"hresult", 0}};
  expected.update(names.fill(step.value("reply", Case::object())));
  compare(expected, reply, "reply");
  save(step, names, reply);
  return reply;
}

void Player::save(const Case& step, Names& names, const Json& found) {
  const Case saves = step.value("save", Case::object());
  for (const auto& [name, path] : saves.items()) names.set(name, pick(found, path));
}

MessagePtr Player::request(const std::string& method, const Case& step, Names& names) {
  return message_of(names.fill(step.value("message", Case::object())), *kit::method(method).request);
}

Json Player::ask_lab(const std::string& method, const Json& fields) {
  return json_of(*lab_.call(method, *message_of(fields, *kit::method(method).request)));
}

Player::Seat& Player::seat(const std::string& name) {
  const auto found = std::find_if(seats_.begin(), seats_.end(), [&](const Seat& seat) { return seat.name == name; });
  if (found == seats_.end()) throw Mismatch("the case has no session " + name);
  return *found;
}

Session& Player::session_of(const Case& step) { return *seat(step.value("session", "main")).session; }

Player::Running Player::take(const std::string& name) {
  auto running = running_.extract(name);
  if (running.empty()) throw Mismatch("nothing was started as " + name);
  return running.mapped();
}

}  // namespace kit

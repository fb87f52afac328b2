// Plays one case on a client of `client.h`, and judges what comes back.
//
// Laws: the steps run one after the other; every wait is bounded by the patience of the client; a step or a key that is
// not known here fails the case; after the last step the books are balanced, whatever the case was about. It knows
// nothing of roads and connections.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cases.h"
#include "client.h"

namespace kit {

class Player {
 public:
  using Connect = std::function<std::unique_ptr<Session>()>;

  // `lab` makes calls without a session; `connect` gives a new session, which has asked nothing yet.
  Player(const Case& play, Connection& lab, Connect connect, Patience patience);

  // Plays the case from beginning to end. Throws what says that it failed: a std::exception.
  void play();

 private:
  struct Seat {
    std::string name;
    std::unique_ptr<Session> session;
    Case terms;
    Json balance;  // the reply of CloseSession, once there is one
  };
  struct Running {
    Session* session;
    Started started;
  };
  using Perform = void (Player::*)(const Case& step, Names& names);
  struct Step {
    Perform perform;
    std::vector<std::string> keys;  // what it may say besides its own key
  };
  static const std::map<std::string, Step>& known();

  void plug();
  void leave();
  void open(const std::string& name, const Case& terms);
  void settle(Seat& seat);
  void read_rest(Session& session, const std::vector<std::string>& allowed);

  void steps(const Case& steps, Names& names);
  void call(const Case& step, Names& names);
  void call_once(const Case& step, Names& names);
  void driver(const Case& step, Names& names);
  void start(const Case& step, Names& names);
  void finish(const Case& step, Names& names);
  void abandon(const Case& step, Names& names);
  void batch(const Case& step, Names& names);
  void expect(const Case& step, Names& names);
  void acknowledge(const Case& step, Names& names);
  void heartbeat(const Case& step, Names& names);
  void stream_ends(const Case& step, Names& names);
  void open_files(const Case& step, Names& names);
  void drop(const Case& step, Names& names);
  void resume(const Case& step, Names& names);
  void listen(const Case& step, Names& names);
  void repeat(const Case& step, Names& names);

  // Gets a reply or an error, compares it with what the step expects, and saves what it asks for. Null for an error.
  Json judge(const Case& step, Names& names, const std::function<MessagePtr()>& answer);
  void save(const Case& step, Names& names, const Json& found);
  MessagePtr request(const std::string& method, const Case& step, Names& names);
  Json ask_lab(const std::string& method, const Json& fields);
  Seat& seat(const std::string& name);
  Session& session_of(const Case& step);
  Running take(const std::string& name);

  const Case& case_;
  Connection& lab_;
  Connect connect_;
  Patience patience_;
  std::vector<Seat> seats_;  // in the order in which they were opened
  std::map<std::string, Running> running_;
  Names names_;
  std::string plugged_;  // the stack that the case brings; empty if it brings none
};

}  // namespace kit

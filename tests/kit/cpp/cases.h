// Cases as data: loading them, filling in names, and comparing what came with what was expected.
//
// Laws: see "The format" in ../README.md. It does no I/O with a server.

#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace kit {

// In the order of the file: the first key of a step names it.
using Json = nlohmann::json;
using Case = nlohmann::ordered_json;

// Something is not as the case expects it.
class Mismatch : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The cases of a folder in the order of their names, or only those that are asked for.
std::vector<Case> load(const std::string& folder, const std::vector<std::string>& names);

// What `${name}` stands for. Request ids and UUIDs that a case declares are drawn when they are first mentioned.
class Names {
 public:
  using Draw = std::function<std::string()>;
  Names(const Case& play, const Draw& new_request_id, const Draw& new_uuid);

  // Gives a name its value.
  void set(const std::string& name, const std::string& value) { values_[name] = value; }

  // A piece of a case with names, hexadecimal numbers and bytes replaced by what they stand for.
  Json fill(const Case& value);
  std::string fill_text(const std::string& text);

 private:
  const std::string& value(const std::string& name);

  std::map<std::string, Draw> draw_;
  std::map<std::string, std::string> values_;
};

// Throws Mismatch unless `actual` has everything that `expected` names. Fields that are not named may be anything.
void compare(const Json& expected, const Json& actual, const std::string& where);

// Whether `compare` would be content.
bool matches(const Json& expected, const Json& actual);

// What stands at a path such as `0.callback_invoked.callback_id`, as a text.
std::string pick(const Json& value, const std::string& path);

}  // namespace kit

#include "cases.h"

#include <absl/strings/escaping.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

namespace kit {
namespace {

bool starts_with(const std::string& text, const std::string& prefix) { return text.rfind(prefix, 0) == 0; }

bool is_hexadecimal(const std::string& text) {
  return starts_with(text, "0x") && text.size() > 2 && text.size() <= 18 &&
         text.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string::npos;
}

// Numbers of 64 bits are texts in JSON, and a field with its default value is absent: all of that is equal.
std::string text_of(const Json& value) {
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  return text == "null" || text == "0" || text == "false" ? "" : text;
}

// For people: HRESULTs and control codes in hexadecimal.
std::string shown(const Json& value) {
  if (!value.is_number_integer() || value.get<int64_t>() <= 0xFFFF) return value.dump();
  std::ostringstream text;
  text << "0x" << std::hex << std::uppercase << value.get<int64_t>();
  return text.str();
}

[[noreturn]] void fail(const std::string& where, const std::string& expected, const Json& actual) {
  throw Mismatch(where + ": expected " + expected + ", got " + (actual.is_null() ? "nothing" : shown(actual)));
}

const Json& field(const Json& object, const std::string& key) {
  static const Json kAbsent;
  const auto found = object.find(key);
  return found == object.end() ? kAbsent : *found;
}

}  // namespace

std::vector<Case> load(const std::string& folder, const std::vector<std::string>& names) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Case> cases;
  const auto is_wanted = [&names](const std::string& name) {
    return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const auto& file : files) {
    Case play = Case::parse(std::ifstream(file));
    if (is_wanted(play.at("name"))) cases.push_back(std::move(play));
  }
  if (!names.empty() && cases.size() != names.size()) throw std::invalid_argument("there is no case of such a name");
  return cases;
}

Names::Names(const Case& play, const Draw& new_request_id, const Draw& new_uuid) {
  for (const auto& name : play.value("request_ids", Case::array())) draw_[name] = new_request_id;
  for (const auto& name : play.value("uuids", Case::array())) draw_[name] = new_uuid;
}

Json Names::fill(const Case& value) {
  if (value.is_object()) {
    Json filled = Json::object();
    for (const auto& [key, inner] : value.items()) filled[key] = fill(inner);
    return filled;
  }
  if (value.is_array()) {
    Json filled = Json::array();
    for (const auto& inner : value) filled.push_back(fill(inner));
    return filled;
  }
  if (!value.is_string()) return Json::parse(value.dump());
  const std::string text = fill_text(value);
  if (starts_with(text, "text:")) return absl::Base64Escape(text.substr(5));
  if (starts_with(text, "hex:")) return absl::Base64Escape(absl::HexStringToBytes(text.substr(4)));
  if (is_hexadecimal(text)) return std::stoull(text, nullptr, 16);
  return text;
}

std::string Names::fill_text(const std::string& text) {
  static const std::regex kName(R"(\$\{([a-z][a-z0-9_.]*)\})");
  std::string filled;
  auto rest = text.cbegin();
  for (std::sregex_iterator match(text.begin(), text.end(), kName), end; match != end; ++match) {
    filled.append(rest, (*match)[0].first);
    filled += value((*match)[1]);
    rest = (*match)[0].second;
  }
  return filled.append(rest, text.cend());
}

const std::string& Names::value(const std::string& name) {
  auto found = values_.find(name);
  if (found == values_.end()) {
    const auto draw = draw_.find(name);
    if (draw == draw_.end()) throw Mismatch("the case uses ${" + name + "} before anything has given it a value");
    found = values_.emplace(name, draw->second()).first;
  }
  return found->second;
}

void compare(const Json& expected, const Json& actual, const std::string& where) {
  if (expected.is_object() && expected.size() == 1 && expected.contains("one_of")) {
    const Json& choices = expected["one_of"];
    const bool is_one =
        std::any_of(choices.begin(), choices.end(), [&](const Json& choice) { return matches(choice, actual); });
    if (!is_one) fail(where, "one of " + choices.dump(), actual);
  } else if (expected.is_object()) {
    if (!actual.is_object()) fail(where, expected.dump(), actual);
    for (const auto& [key, inner] : expected.items()) compare(inner, field(actual, key), where + "." + key);
  } else if (expected.is_array()) {
    const bool is_list = actual.is_array() || actual.is_null();
    if (!is_list || actual.size() != expected.size()) {
      fail(where, std::to_string(expected.size()) + " elements " + expected.dump(), actual);
    }
    for (size_t place = 0; place < expected.size(); ++place) {
      compare(expected[place], actual[place], where + "." + std::to_string(place));
    }
  } else if (expected == "*") {
    if (text_of(actual).empty()) fail(where, "any value", actual);
  } else if (text_of(expected) != text_of(actual)) {
    fail(where, shown(expected), actual);
  }
}

bool matches(const Json& expected, const Json& actual) {
  try {
    compare(expected, actual, "");
    return true;
  } catch (const Mismatch&) {
    return false;
  }
}

std::string pick(const Json& value, const std::string& path) {
  const Json* found = &value;
  std::istringstream keys(path);
  for (std::string key; std::getline(keys, key, '.');) {
    const bool is_there = found->is_array() ? std::stoul(key) < found->size() : found->contains(key);
    if (!is_there) throw Mismatch("there is nothing at " + path + " to be saved");
    found = found->is_array() ? &(*found)[std::stoul(key)] : &(*found)[key];
  }
  return found->is_string() ? found->get<std::string>() : found->dump();
}

}  // namespace kit

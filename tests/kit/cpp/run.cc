// Plays the kit's cases with Debian's grpc++, and reports in the Test Anything Protocol.
// The exit code is 0 when no case failed.

#include <algorithm>
#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include "cases.h"
#include "client.h"
#include "player.h"

namespace kit {
namespace {

struct Options {
  std::string endpoint = "127.0.0.1:50051";  // where the server listens
  std::string road = "unary";                // or queue-pair
  std::string cases = KIT_CASES;             // the folder of the cases
  std::vector<std::string> names;            // play only these
  std::vector<std::string> has;              // what the server has besides stacks: pipes
  Patience patience = std::chrono::seconds(10);
};

Options parse(int argc, char** argv) {
  Options options;
  for (int place = 1; place < argc; place += 2) {
    const std::string name = argv[place];
    if (place + 1 == argc) throw std::invalid_argument(name + " needs a value");
    const std::string value = argv[place + 1];
    if (name == "--endpoint") {
      options.endpoint = value;
    } else if (name == "--road" && (value == "unary" || value == "queue-pair")) {
      options.road = value;
    } else if (name == "--cases") {
      options.cases = value;
    } else if (name == "--case") {
      options.names.push_back(value);
    } else if (name == "--has") {
      options.has.push_back(value);
    } else if (name == "--patience") {
      options.patience = Patience(static_cast<int64_t>(std::stod(value) * 1000));
    } else {
      throw std::invalid_argument("there is no option " + name + " " + value);
    }
  }
  return options;
}

// Why a case is not played here; empty if it is.
std::string skipped(const Case& play, const Options& options) {
  const Case needs = play.value("needs", Case::array());
  for (const std::string need : needs) {
    if (std::find(options.has.begin(), options.has.end(), need) == options.has.end())
      return "the server has no " + need;
  }
  const std::vector<std::string> roads = play.value("roads", std::vector<std::string>{options.road});
  const bool is_played = std::find(roads.begin(), roads.end(), options.road) != roads.end();
  return is_played ? "" : "this case is for the other road";
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// Plays one case and prints its line; false when it failed.
bool report(size_t number, const Case& play, const Options& options) {
  const std::string line = std::to_string(number) + " - " + play.at("name").get<std::string>();
  const std::string reason = skipped(play, options);
  if (!reason.empty()) {
    std::cout << "ok " << line << " # SKIP " << reason << std::endl;
    return true;
  }
  const auto begun = std::chrono::steady_clock::now();
  try {
    Connection lab(options.endpoint, options.patience);
    const auto connect = [&] { return std::make_unique<Session>(options.endpoint, options.road, options.patience); };
    Player(play, lab, connect, options.patience).play();
  } catch (const std::exception& failure) {
    std::cout << "not ok " << line << "\n  ---\n  failed: " << failure.what()
              << "\n  law: " << play.at("law").get<std::string>() << "\n  rules: " << joined(play.at("rules"))
              << "\n  fix: " << play.at("fix").get<std::string>() << "\n  ..." << std::endl;
    return false;
  }
  const auto took = std::chrono::duration_cast<Patience>(std::chrono::steady_clock::now() - begun);
  std::cout << "ok " << line << " # " << took.count() << " ms" << std::endl;
  return true;
}

int run(const Options& options) {
  std::cout << "TAP version 13\n# C++ (" << KIT_COMPILER << "), grpc++ " << grpc::Version() << ", road " << options.road
            << std::endl;
  const std::vector<Case> cases = load(options.cases, options.names);
  std::cout << "1.." << cases.size() << std::endl;
  size_t failed = 0;
  for (size_t place = 0; place < cases.size(); ++place) {
    if (!report(place + 1, cases[place], options)) ++failed;
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace kit

int main(int argc, char** argv) {
  try {
    return kit::run(kit::parse(argc, argv));
  } catch (const std::exception& error) {
    std::cerr << "kit: " << error.what() << "\n";
    return 2;
  }
}

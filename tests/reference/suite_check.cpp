// Runs rule test suites (NDJSON, plain or gzip) against the reference matcher.
//
//   suite_check SUITE...
//
// A case passes if the valid rules that match are exactly its "matches", the refused rules exactly the keys of its
// "invalid", and every reason that is not empty is the one reported. An event that is refused matches nothing.
// Prints the first 20 failing cases and 'N passed, N failed'. Exit status 0 if all passed and there was one, else 1.
#include <zlib.h>

#include <cstddef>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "reference.hpp"

namespace {

using nlohmann::json;
namespace reference = millrace::reference;

constexpr std::size_t kFailuresShown = 20;

struct Tally {
  std::size_t passed = 0;
  std::size_t failed = 0;

  void fail(const std::string& name) {
    if (failed < kFailuresShown) std::printf("FAILED %s\n", name.c_str());
    ++failed;
  }
};

std::optional<std::string> read_suite(const char* path) {
  gzFile file = gzopen(path, "rb");
  if (file == nullptr) return std::nullopt;
  std::string text;
  char buffer[65536];
  int count_bytes = 0;
  while ((count_bytes = gzread(file, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(count_bytes));
  }
  const bool complete = gzclose(file) == Z_OK && count_bytes == 0;
  return complete ? std::optional<std::string>(std::move(text)) : std::nullopt;
}

bool reasons_agree(const std::map<std::string, std::string>& wanted, const std::map<std::string, std::string>& got) {
  if (wanted.size() != got.size()) return false;
  for (const auto& [name, reason] : wanted) {
    const auto found = got.find(name);
    if (found == got.end() || (!reason.empty() && reason != found->second)) return false;
  }
  return true;
}

bool passes(const json& test) {
  const auto event = reference::parse_event(test.at("event").get<std::string>());
  std::set<std::string> matched;
  std::map<std::string, std::string> refused;
  for (const auto& [name, pattern] : test.at("rules").items()) {
    const auto rule = reference::Rule::parse(pattern.get<std::string>());
    if (const auto* reason = std::get_if<std::string>(&rule)) {
      refused[name] = *reason;
    } else if (const auto* flat = std::get_if<reference::Event>(&event)) {
      if (reference::matches(std::get<reference::Rule>(rule), *flat)) matched.insert(name);
    }
  }
  const auto wanted_refused = test.value("invalid", std::map<std::string, std::string>{});
  return matched == test.at("matches").get<std::set<std::string>>() && reasons_agree(wanted_refused, refused);
}

void check_line(const std::string& line, const std::string& place, Tally& tally) {
  const json test = json::parse(line, nullptr, false);
  try {
    if (passes(test)) {
      ++tally.passed;
    } else {
      tally.fail(test.value("name", place));
    }
  } catch (const json::exception&) {
    tally.fail(place + " (not a test case)");
  }
}

void check_suite(const char* path, Tally& tally) {
  std::optional<std::string> text = read_suite(path);
  if (!text) return tally.fail(std::string(path) + " (unreadable)");
  std::istringstream lines(*std::move(text));
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    if (!line.empty()) check_line(line, std::string(path) + ":" + std::to_string(number), tally);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Tally tally;
  for (int i = 1; i < argc; ++i) check_suite(argv[i], tally);
  std::printf("%zu passed, %zu failed\n", tally.passed, tally.failed);
  return tally.failed == 0 && tally.passed > 0 ? 0 : 1;
}

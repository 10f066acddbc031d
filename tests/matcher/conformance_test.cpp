// The shared suites, case by case, on both engines.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/ingest/byte_source.hpp"
#include "tests/engines.hpp"

namespace millrace {
namespace {

using Json = nlohmann::ordered_json;

struct Case {
  std::string place;
  std::vector<std::string> names, patterns;
  std::string event;
  std::set<std::string> matches;
  std::map<std::string, std::string> invalid;
};

// Refuses, by the suite's own account, two alternatives in one list: "putobject" or at most 300 or "ABC", where the
// event has "putobject". The lists of a pattern are OR, so the pattern matches.
const std::string kKnownDifference = "generated.ndjson.gz:4433";

std::vector<Case> read_suite(const std::string& name) {
  const std::string path = std::string(MILLRACE_SHARED "/conformance/") + name;
  if (!std::filesystem::exists(path)) {
    WARN("skipped: " << path << " missing");
    return {};
  }
  ByteSource source(path);
  std::string text, chunk(1 << 16, '\0');
  for (std::size_t got; (got = source.read(chunk.data(), chunk.size())) > 0;) text.append(chunk, 0, got);
  REQUIRE(source.failure().empty());
  std::vector<Case> out;
  std::istringstream lines(text);
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    const Json test = Json::parse(line);
    Case& added = out.emplace_back();
    added.place = name + ":" + std::to_string(number);
    for (const auto& [rule, pattern] : test.at("rules").items()) {
      added.names.push_back(rule);
      added.patterns.push_back(pattern.get<std::string>());
    }
    added.event = test.at("event").get<std::string>();
    added.matches = test.at("matches").get<std::set<std::string>>();
    added.invalid = test.value("invalid", std::map<std::string, std::string>{});
  }
  return out;
}

// What the engine says that the case does not; empty if they agree.
template <typename Engine>
std::string difference(const Case& test) {
  Engine engine(test.patterns);
  std::set<std::string> matches;
  for (const RuleId id : engine.match(test.event).value_or(std::vector<RuleId>{})) matches.insert(test.names[id]);
  if (matches != test.matches) return "matches differ";
  if (engine.refused().size() != test.invalid.size()) return "another number of rules is refused";
  for (const auto& [id, reason] : engine.refused()) {
    const auto expected = test.invalid.find(test.names[id]);
    if (expected == test.invalid.end()) return test.names[id] + " is refused: " + reason;
    if (!expected->second.empty() && expected->second != reason) return reason + " instead of " + expected->second;
  }
  return {};
}

template <typename Engine>
std::vector<std::string> differing_places(const std::string& suite, std::string& log) {
  std::vector<std::string> out;
  for (const Case& test : read_suite(suite)) {
    const std::string what = difference<Engine>(test);
    if (what.empty()) continue;
    out.push_back(test.place);
    log += test.place + ": " + what + "\n";
  }
  return out;
}

template <typename Engine>
void check_suites() {
  std::string log;
  const auto recorded = differing_places<Engine>("aws-recorded.ndjson", log);
  const auto generated = differing_places<Engine>("generated.ndjson.gz", log);
  INFO(log);
  CHECK(recorded.empty());
  if (!std::filesystem::exists(MILLRACE_SHARED "/conformance/generated.ndjson.gz")) return;
  CHECK(generated == std::vector<std::string>{kKnownDifference});
}

TEST_CASE("the automaton answers the recorded and generated suites, reasons included", "[conformance]") {
  check_suites<test::FastEngine>();
}

TEST_CASE("the oracle answers the recorded and generated suites, reasons included", "[conformance]") {
  check_suites<test::SlowEngine>();
}

TEST_CASE("a rule's verdict does not depend on the other rules or on their order", "[conformance]") {
  auto cases = read_suite("generated.ndjson.gz");
  if (cases.empty()) return;
  cases.resize(std::min<std::size_t>(cases.size(), 400));
  std::vector<std::string> patterns;
  for (const Case& test : cases) {
    for (std::size_t i = 0; i < test.patterns.size(); ++i) {
      if (!test.invalid.contains(test.names[i])) patterns.push_back(test.patterns[i]);
    }
  }
  const test::SlowEngine oracle(patterns);
  test::FastEngine forward(patterns);
  test::FastEngine backward(std::vector<std::string>(patterns.rbegin(), patterns.rend()));
  REQUIRE(forward.refused().empty());
  for (const Case& test : cases) {
    const auto expected = oracle.match(test.event);
    INFO(test.place << "\n" << test.event);
    REQUIRE(forward.match(test.event) == expected);
    auto mirrored = backward.match(test.event);
    if (mirrored) {
      for (RuleId& id : *mirrored) id = static_cast<RuleId>(patterns.size() - 1 - id);
      std::reverse(mirrored->begin(), mirrored->end());
    }
    REQUIRE(mirrored == expected);
  }
}

}  // namespace
}  // namespace millrace

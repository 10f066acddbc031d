// A rule set that is replaced while workers run is seen whole or not at all.
#include "engine/rules/live_rules.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <thread>

#include "engine/engine.hpp"
#include "tests/inputs.hpp"

namespace millrace {
namespace {

constexpr int kRules = 20, kRecords = 20'000;

std::shared_ptr<const RuleSet> rules_named(char set) {
  std::string text = "[";
  for (int i = 0; i < kRules; ++i) {
    text += std::string(i == 0 ? "" : ",") + R"({"Name":")" + set + std::to_string(i) +
            R"(","EventPattern":{"detail":{"eventName":["PutObject"]}},)" +
            R"("Targets":[{"Arn":"arn:aws:states:us-east-2:123456789012:stateMachine:m"}]})";
  }
  const auto rules = RuleSet::parse(text + "]", "rules", {.extra_paths = router_paths(), .check_targets = true});
  REQUIRE(rules);
  return *rules;
}

// By event, the names of the rules that started something.
class NamesSink : public Sink {
 public:
  std::size_t group_starts() const override { return 1; }
  std::optional<Failure> write(std::span<const Start* const> starts, std::span<Outcome>) override {
    for (const Start* start : starts) names[start->event_id].insert(start->rule->name);
    return {};
  }
  std::optional<Failure> commit(std::span<const InputProgress>) override { return {}; }
  Result<ResumePoint> resume(const std::string&) override { return ResumePoint{}; }

  std::map<std::string, std::set<std::string>> names;
};

TEST_CASE("every event meets one whole rule set while sets are replaced", "[engine]") {
  std::string records;
  for (int i = 0; i < kRecords; ++i) {
    records += R"({"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"PutObject","eventID":")" +
               std::to_string(i) + "\"}\n";
  }
  const test::TempFile log(records, "live.ndjson");
  const auto live = std::make_shared<LiveRules>(rules_named('a'));
  const std::shared_ptr<const RuleSet> sets[] = {rules_named('b'), rules_named('c')};
  std::atomic<bool> done = false;
  std::thread replacer([&] {
    for (unsigned i = 0; !done; ++i) live->replace(sets[i % 2]);
  });
  NamesSink sink;
  ReplayConfig config;
  config.rules = live;
  config.inputs = {log.path()};
  config.threads = 2;
  const std::atomic<int> stop = 0;
  const auto report = replay(config, sink, {}, stop);
  done = true;
  replacer.join();
  REQUIRE(report);
  CHECK(sink.names.size() == kRecords);
  for (const auto& [event, names] : sink.names) {
    REQUIRE(names.size() == kRules);
    REQUIRE(names.begin()->front() == names.rbegin()->front());
  }
}

}  // namespace
}  // namespace millrace

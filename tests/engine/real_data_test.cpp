// Real logs, through reader and router, against the oracle on events that the test makes itself.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/ingest/inputs.hpp"
#include "engine/ingest/record_reader.hpp"
#include "engine/route/router.hpp"
#include "tests/reference/reference.hpp"

namespace millrace {
namespace {

using Json = nlohmann::ordered_json;

struct Oracle {
  std::vector<reference::Rule> rules;

  explicit Oracle(const Json& file) {
    for (const Json& rule : file.at("Rules")) {
      auto parsed = reference::Rule::parse(rule.at("EventPattern").dump());
      REQUIRE(std::holds_alternative<reference::Rule>(parsed));
      rules.push_back(std::get<reference::Rule>(std::move(parsed)));
    }
  }

  std::vector<RuleId> match(const Json& event) const {
    const auto parsed = reference::parse_event(event.dump());
    REQUIRE(std::holds_alternative<reference::Event>(parsed));
    std::vector<RuleId> out;
    for (RuleId id = 0; id < rules.size(); ++id) {
      if (reference::matches(rules[id], std::get<reference::Event>(parsed))) out.push_back(id);
    }
    return out;
  }
};

Json event_of(const Json& record, std::string_view id) {
  const std::map<std::string, std::string> detail_types = {
      {"AwsServiceEvent", "AWS Service Event via CloudTrail"},
      {"AwsConsoleSignIn", "AWS Console Sign In via CloudTrail"},
      {"AwsConsoleAction", "AWS Console Action via CloudTrail"},
      {"AwsVpceEvent", "AWS Network Activity Event via CloudTrail"}};
  const std::string source = record.at("eventSource");
  const auto type = detail_types.find(record.value("eventType", ""));
  return {{"version", "0"},
          {"id", id},
          {"detail-type", type == detail_types.end() ? "AWS API Call via CloudTrail" : type->second},
          {"source", "aws." + source.substr(0, source.find(".amazonaws.com"))},
          {"account", record.value("recipientAccountId", "")},
          {"time", record.value("eventTime", "")},
          {"region", record.value("awsRegion", "")},
          {"resources", Json::array()},
          {"detail", record}};
}

TEST_CASE("on real logs and real rules the engine matches what the oracle matches", "[real_data]") {
  const std::string shared = MILLRACE_SHARED, rule_file = shared + "/rules/sigma-cloudtrail.json";
  for (const std::string& needed : {rule_file, shared + "/data"}) {
    if (!std::filesystem::exists(needed)) {
      WARN("skipped: " << needed << " missing");
      return;
    }
  }
  const auto rules = RuleSet::load(rule_file, {.extra_paths = router_paths()});
  if (!rules) FAIL(rules.failure().message);
  std::ifstream file(rule_file);
  const Oracle oracle(Json::parse(file));
  Router router(*rules, {.read_only = ReadOnlyRule::deliver, .strict = true});
  std::uint64_t records = 0, matches = 0;
  for (const InputFile& input :
       list_inputs({shared + "/data/cloudtrail/AWSLogs", shared + "/data/panther-records.ndjson.gz"}).files) {
    RecordReader reader(input.path, kRecordBytesMaxDefault);
    for (Block block; reader.next(block);) {
      std::size_t at = 0;
      StartBatch batch;
      router.match(block, batch, [&](std::string_view id, std::span<const RuleId> matched) {
        const std::string_view text = block.record(block.records[at++]);
        INFO(input.path << "\n" << text);
        REQUIRE(std::vector<RuleId>(matched.begin(), matched.end()) == oracle.match(event_of(Json::parse(text), id)));
        matches += matched.size();
      });
      REQUIRE(batch.rejects.empty());
      REQUIRE(block.bad.empty());
      records += at;
    }
  }
  CHECK(records > 3000);
  CHECK(matches > 0);
}

}  // namespace
}  // namespace millrace

// Records in, matching rules out: every record is counted once, and none costs another.
#include "engine/route/router.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/inputs.hpp"

namespace millrace {
namespace {

const std::string kPut =
    R"({"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"PutObject","eventTime":"2024-01-01T00:00:00Z",)"
    R"("awsRegion":"us-east-2","eventID":"e-1","eventType":"AwsApiCall","recipientAccountId":"123456789012","eventCategory":"Data"})";
const std::string kList =
    R"({"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","eventID":"e-2","eventType":"AwsApiCall",)"
    R"("readOnly":true,"eventCategory":"Management"})";

std::shared_ptr<const RuleSet> rules_of(const std::string& text) {
  auto rules = RuleSet::parse(text, "rules", {.extra_paths = router_paths()});
  if (!rules) FAIL(rules.failure().message);
  return *rules;
}

std::string rule(const std::string& name, const std::string& pattern, const std::string& state = "ENABLED") {
  return R"({"Name":")" + name + R"(","State":")" + state + R"(","EventPattern":)" + pattern +
         R"(,"Targets":[{"Id":"t","Arn":"arn:aws:states:us-east-2:123456789012:stateMachine:S"}]})" + "\n";
}

std::uint64_t sum(const std::map<std::string, std::uint64_t>& counts) {
  std::uint64_t out = 0;
  for (const auto& [reason, count] : counts) out += count;
  return out;
}

StartBatch route(const std::string& rules, const std::vector<std::string>& records, RouteOptions options = {}) {
  StartBatch out;
  out.rules = rules_of(rules);
  Router(out.rules, options).route(test::block_of(records), out);
  CHECK(out.tally.records == records.size());
  CHECK(out.tally.records == out.tally.routed + sum(out.tally.not_delivered) + sum(out.tally.bad));
  CHECK(out.tally.starts == out.starts.size());
  CHECK(out.rejects.size() == sum(out.tally.bad));
  return out;
}

const std::string kS3 = rule("s3", R"({"source":["aws.s3"]})");

TEST_CASE("a matching record starts each target once, with its event as input", "[engine]") {
  const StartBatch out =
      route(kS3 + rule("put", R"({"detail":{"eventName":["PutObject"]}})") + rule("none", R"({"source":["aws.ec2"]})"),
            {kPut});
  REQUIRE(out.starts.size() == 2);
  CHECK(out.tally.matched_events == 1);
  CHECK(out.tally.matches == 2);
  CHECK(out.starts[0].rule->name == "s3");
  CHECK(out.starts[1].rule->name == "put");
  CHECK(out.starts[0].event_time == "2024-01-01T00:00:00Z");
  CHECK(out.starts[0].name != out.starts[1].name);
  const auto event = nlohmann::json::parse(out.starts[0].input);
  CHECK(event["detail"] == nlohmann::json::parse(kPut));
  CHECK(event["id"] == out.starts[0].event_id);
  CHECK(event["source"] == "aws.s3");
  CHECK(event["account"] == "123456789012");
  CHECK(event["region"] == "us-east-2");
}

TEST_CASE("a record's eventContext is not delivered", "[engine]") {
  const std::string rules = rule("context", R"({"detail":{"eventContext":{"a":[{"exists":true}]}}})") +
                            rule("none", R"({"detail":{"eventContext":{"a":[{"exists":false}]}}})");
  for (const std::string member : {R"("eventContext":{"a":[1,{"b":2}]})", R"("event\u0043ontext" : {"a":"}"} )"}) {
    const std::vector<std::string> records = {"{" + member + "," + kPut.substr(1),
                                              kPut.substr(0, kPut.size() - 1) + " , " + member + "}"};
    const StartBatch out = route(rules, records);
    REQUIRE(out.starts.size() == 2);
    for (const Start& start : out.starts) {
      CHECK(start.rule->name == "none");
      CHECK(nlohmann::json::parse(start.input)["detail"] == nlohmann::json::parse(kPut));
    }
  }
  const std::string nested = kPut.substr(0, kPut.size() - 1) + R"(,"x":{"eventContext":{"a":1}}})";
  CHECK(nlohmann::json::parse(route(rules, {nested}).starts.at(0).input)["detail"] == nlohmann::json::parse(nested));
  const std::string ready = R"({"detail-type":"t","source":"s","detail":{"eventContext":{"a":1}}})";
  CHECK(route(rules, {ready}).starts.at(0).rule->name == "context");
}

TEST_CASE("rules can name every member of the envelope", "[engine]") {
  for (const std::string pattern :
       {R"({"version":["0"]})", R"({"id":[{"exists":true}]})", R"({"detail-type":["AWS API Call via CloudTrail"]})",
        R"({"account":["123456789012"]})", R"({"time":[{"prefix":"2024-"}]})", R"({"region":["us-east-2"]})",
        R"({"resources":[{"exists":false}]})"}) {
    INFO(pattern);
    CHECK(route(rule("r", pattern), {kPut}).tally.matches == 1);
  }
}

TEST_CASE("an event's id is a function of the record", "[engine]") {
  const auto first = route(kS3, {kPut, kPut}), second = route(kS3, {kPut});
  CHECK(first.starts[0].event_id == first.starts[1].event_id);
  CHECK(first.starts[0].name == second.starts[0].name);
}

TEST_CASE("a ready event is matched as it is and passed on unchanged", "[engine]") {
  const std::string event =
      R"({"version":"0","id":"x-1","detail-type":"T","source":"my.app","account":"1","time":"t","region":"r","resources":["a"],"detail":{"k":1}})";
  const StartBatch out = route(rule("r", R"({"source":["my.app"],"resources":["a"],"detail":{"k":[1]}})"), {event});
  REQUIRE(out.starts.size() == 1);
  CHECK(out.starts[0].input == event);
  CHECK(out.starts[0].event_id == "x-1");
}

TEST_CASE("a ready event is told whatever the order of its members", "[engine]") {
  const std::string event =
      GENERATE(R"({"detail":{"eventSource":"s3.amazonaws.com"},"source":"aws.s3","detail-type":"T"})",
               R"({"extra":1,"detail-type":"T","source":"aws.s3","detail":{}})",
               R"({"source":"aws.s3","detail":{},"detail-type":"T"})");
  INFO(event);
  CHECK(route(kS3, {event}).tally.matches == 1);
}

TEST_CASE("read-only management events go to rules that want all of them, and to no other", "[engine]") {
  const auto plain = route(kS3, {kPut, kList});
  CHECK(plain.tally.routed == 1);
  CHECK(plain.tally.not_delivered == std::map<std::string, std::uint64_t>{{"read_only_management", 1}});
  const auto all = route(kS3 + rule("all", R"({"source":["aws.s3"]})", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"),
                         {kPut, kList});
  CHECK(all.tally.routed == 2);
  REQUIRE(all.starts.size() == 3);
  CHECK(all.starts[2].rule->name == "all");
  CHECK(route(kS3, {kPut, kList}, {.read_only = ReadOnlyRule::deliver}).tally.routed == 2);
}

TEST_CASE("a disabled rule gets nothing", "[engine]") {
  const auto out = route(rule("off", R"({"source":["aws.s3"]})", "DISABLED"), {kPut});
  CHECK(out.starts.empty());
  CHECK(out.tally.not_delivered == std::map<std::string, std::uint64_t>{{"no_enabled_rule", 1}});
}

TEST_CASE("a bad record among good ones costs none of them", "[engine]") {
  const std::string bad =
      GENERATE(std::string(R"({"eventSource":"s3.amazonaws.com",)"), std::string("not JSON"), std::string(R"({"a":1})"),
               std::string(R"(["eventSource"])"), std::string("{\"eventSource\":\"s3.amazonaws.com\",\"x\":\"\xff\"}"),
               std::string("{\"eventSource\":\"s3.amazonaws.com\",\"x\":\"\x01\"}"),
               std::string(R"({"eventSource":"s3.amazonaws.com","x":"unclosed})"),
               std::string("{\"eventSource\":\"s3.amazonaws.com\",\"x\":tru}"),
               std::string(R"({"eventSource":"s3.amazonaws.com","x":01})"), std::string("\xef\xbb\xbf") + kPut);
  INFO(bad);
  const auto out = route(kS3, {kPut, bad, kPut, bad, kPut});
  CHECK(out.tally.matched_events == 3);
  CHECK(sum(out.tally.bad) == 2);
  REQUIRE(out.rejects.size() == 2);
  CHECK(out.rejects[0].number == 2);
  CHECK(out.rejects[0].offset == kPut.size() + 1);
  CHECK(out.rejects[0].text == bad);
  CHECK(out.rejects[0].sentence().find("record 2") != std::string::npos);
}

TEST_CASE("invalid UTF-8 is named as the reason", "[engine]") {
  CHECK(route(kS3, {"{\"eventSource\":\"s3.amazonaws.com\",\"x\":\"\xff\"}"}).tally.bad ==
        std::map<std::string, std::uint64_t>{{"invalid_utf8", 1}});
}

TEST_CASE("what a record yields does not depend on its neighbours", "[engine]") {
  const std::vector<std::string> records = {kPut,
                                            "{",
                                            kList,
                                            "{\"eventSource\":\"s3.amazonaws.com\",\"x\":\"\xff\"}",
                                            R"({"eventSource":"ec2.amazonaws.com"})",
                                            "}",
                                            "\"",
                                            kPut + "}"};
  const RouteOptions options{.strict = true};
  Tally apart;
  for (const auto& record : records) apart.add(route(kS3, {record}, options).tally);
  const Tally together = route(kS3, records, options).tally;
  CHECK(together.bad == apart.bad);
  CHECK(together.routed == apart.routed);
  CHECK(together.matches == apart.matches);
  CHECK(together.not_delivered == apart.not_delivered);
}

TEST_CASE("objects on one line are records of their own, and share its number", "[engine]") {
  StartBatch out;
  out.rules = rules_of(kS3);
  Router(out.rules, {}).route(test::block_of({kPut, kPut + " " + kPut + kPut.substr(0, 40), kPut + "x"}), out);
  CHECK(out.tally.records == 5);
  CHECK(out.tally.matched_events == 3);
  CHECK(sum(out.tally.bad) == 2);
  REQUIRE(out.rejects.size() == 2);
  CHECK(out.rejects[0].offset == 3 * kPut.size() + 2);
  CHECK(out.rejects[0].number == 2);
  CHECK(out.rejects[1].text == kPut + "x");
}

TEST_CASE("a record that nests too deep is bad", "[engine]") {
  const std::size_t levels = GENERATE(as<std::size_t>{}, 1000, 1001, 1100);
  const std::string deep =
      R"({"eventSource":"s3.amazonaws.com","x":)" + std::string(levels, '[') + std::string(levels, ']') + "}";
  CHECK(route(kS3, {deep, kPut}).tally.bad == std::map<std::string, std::uint64_t>{{"too_deep", 1}});
}

TEST_CASE("match() visits every event, those without a rule included", "[engine]") {
  Router router(rules_of(kS3), {});
  StartBatch out;
  std::vector<std::size_t> counts;
  router.match(test::block_of({kPut, R"({"eventSource":"ec2.amazonaws.com"})", kList, "{"}), out,
               [&](std::string_view id, std::span<const RuleId> rules) {
                 CHECK_FALSE(id.empty());
                 counts.push_back(rules.size());
               });
  CHECK(counts == std::vector<std::size_t>{1, 0, 1});
  CHECK(out.tally.records == 4);
  CHECK(sum(out.tally.bad) == 1);
}

TEST_CASE("an execution's name is short, plain, and its own for each rule, target and event", "[engine]") {
  std::set<std::string> names;
  for (const std::string& r : {std::string("r"), std::string("rt"), "r\xc3\xa9 long" + std::string(200, 'x')}) {
    for (const std::string t : {"t", "tt", ""}) {
      for (const std::string& e : {std::string("cdc4b7ed-e171-4cef-975a-ad829d4123e8"), std::string("a b"),
                                   std::string(), std::string(300, 'e')}) {
        const std::string name = execution_name(r, t, e);
        INFO(name);
        CHECK(name == execution_name(r, t, e));
        CHECK(name.size() <= 80);
        CHECK(name.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-") ==
              std::string::npos);
        CHECK(names.insert(name).second);
      }
    }
  }
}

}  // namespace
}  // namespace millrace

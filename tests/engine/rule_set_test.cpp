// Rule files as people have them, and what is said about those that are wrong.
#include "engine/rules/rule_set.hpp"

#include <catch2/catch.hpp>

#include "tests/inputs.hpp"

namespace millrace {
namespace {

const std::string kArn = "arn:aws:states:us-east-2:123456789012:stateMachine:S";
const std::string kOne =
    R"({"Name":"one","State":"ENABLED","EventPattern":{"source":["aws.s3"]},"Targets":[{"Id":"1","Arn":")" + kArn +
    R"("}]})";
const std::string kTwo = R"({"Name":"two","State":"DISABLED","EventPattern":"{\"source\":[\"aws.ec2\"]}"})";

void check_both(const RuleSet& rules) {
  REQUIRE(rules.rules().size() == 2);
  CHECK(rules.rules()[0].name == "one");
  CHECK(rules.rules()[0].state == RuleState::enabled);
  REQUIRE(rules.rules()[0].targets.size() == 1);
  CHECK(rules.rules()[0].targets[0].id == "1");
  CHECK(rules.rules()[0].targets[0].arn == kArn);
  CHECK(rules.rules()[1].name == "two");
  CHECK(rules.rules()[1].state == RuleState::disabled);
  CHECK(rules.automaton()->rule_count() == 2);
  CHECK(rules.any_enabled());
  CHECK_FALSE(rules.any_with_all());
}

TEST_CASE("rules come as an object, an array, or one a line", "[engine]") {
  const std::string text =
      GENERATE_COPY("{\"Rules\":[" + kOne + "," + kTwo + "]}",
                    "{\"NextToken\":null,\"Rules\":[" + kOne + "," + kTwo + "]}", "[" + kOne + "," + kTwo + "]",
                    kOne + "\n" + kTwo + "\n", kOne + "\n" + kTwo, "\n[\n" + kOne + ",\n" + kTwo + "\n]\n");
  INFO(text);
  const auto rules = RuleSet::parse(text, "rules.json");
  if (!rules) FAIL(rules.failure().message);
  check_both(**rules);
}

TEST_CASE("rules come as YAML, told by the file's name", "[engine]") {
  const test::TempFile file(
      "Rules:\n  - Name: one\n    State: ENABLED\n    EventPattern:\n      source: [aws.s3]\n    Targets:\n      - Id: "
      "'1'\n        Arn: " +
          kArn + "\n  - Name: two\n    State: DISABLED\n    EventPattern: '{\"source\":[\"aws.ec2\"]}'\n",
      "rules.yaml");
  const auto rules = RuleSet::load(file.path());
  if (!rules) FAIL(rules.failure().message);
  check_both(**rules);
}

TEST_CASE("YAML that says less or more than it seems to is refused", "[engine]") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"Rules: []\n---\nRules: []\n", "second document"},
      {"", "is empty"},
      {"Name: a\nEventPattern: {a: [!!int 1]}\n", "tag"},
      {"? [a, b]\n: 1\n", "key is not a string"},
      {"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
       "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: "
       "[*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
       "aliases"},
  }));
  const test::TempFile file(text, "rules.yaml");
  const auto rules = RuleSet::load(file.path());
  REQUIRE_FALSE(rules);
  INFO(rules.failure().message);
  CHECK(rules.failure().message.find(expected) != std::string::npos);
}

TEST_CASE("YAML scalars are words of its core schema or numbers of JSON, and strings with a tag that says so",
          "[engine]") {
  const test::TempFile file(
      "Name: a\nEventPattern: {a: [1e400, !!str 1, !!str true, 'x', True, FALSE, Null, ~, 'True', tRue]}\n",
      "rules.yaml");
  const auto rules = RuleSet::load(file.path());
  REQUIRE(rules);
  const auto same = RuleSet::parse(
      R"({"Name":"a","EventPattern":{"a":[1e400,"1","true","x",true,false,null,null,"True","tRue"]}})", "rules.json");
  REQUIRE(same);
  CHECK((*rules)->fingerprint() == (*same)->fingerprint());
}

std::string failure_of(const std::string& text, bool check_targets = false) {
  const auto rules = RuleSet::parse(text, "rules.json", {.extra_paths = {}, .check_targets = check_targets});
  return rules ? "" : rules.failure().message;
}

TEST_CASE("a wrong rule file is refused with its name, the rule and what is wrong", "[engine]") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"", "is empty"},
      {"{\"Rules\":[]}", "holds no rules"},
      {"{\"Rules\":5}", "rules.json"},
      {"hello", "is not valid JSON"},
      {R"({"Rules":[{"Name":"a")", "is not valid JSON"},
      {"{\"Rules\":[\n{\"Name\":\"a\",\"EventPattern\":{\"a\":[1]}},\n{\"Name\":\"b\" \"x\"}]}", "line 3, column 13"},
      {"{\"Name\":\"a\",\"EventPattern\":{\"a\":[1]}}\n{\"Name\":\"b\",\"EventPattern\":{\"a\":[1]}", "line 2, column"},
      {"{\"Name\":\"a\",\"EventPattern\":{\"a\":[1]}}\n{\"Name\":\"b\",\"EventPattern\":{\"a\":1}}",
       "at line 2, column 33"},
      {R"({"Name":"a","EventPattern":"{\"a\":1}"})", "at its pattern's line 1, column 6"},
      {"{\"Rules\":[\"a\"]}", "holds something else than rules"},
      {"\xff\xfe{", "UTF-16"},
      {"\x1f\x8b\b", "compressed"},
      {R"({"Name":"a"})", "has neither an EventPattern"},
      {R"({"EventPattern":{"a":[1]}})", "rule 1: has no Name"},
      {R"([{"Name":"a","EventPattern":{"a":[1]}},{"Name":"a","EventPattern":{"a":[1]}}])", "used twice"},
      {R"({"Name":"a","State":"ON"})", "State is \"ON\""},
      {R"({"Name":5})", "Name is not a string"},
      {R"({"Name":"a","EventPattern":5})", "EventPattern is neither"},
      {R"({"Name":"a","Targets":5})", "Targets is not an array"},
      {R"({"Name":"a","Targets":[{"Id":"1"}]})", "has no Arn"},
      {R"({"Name":"a","EventPattern":{"a":[{"prefix":1}]}})",
       "rule a: Event pattern is not valid. Reason: prefix match pattern must be a string"},
      {R"({"Name":"a","EventPattern":""})", "Filter is not an object"},
      {R"({"Name":"a","EventPattern":"{\"a\":[]}"})", "Empty arrays are not allowed"},
      {R"({"Name":"a","State":"DISABLED","EventPattern":{}})", "Empty objects are not allowed"},
  }));
  INFO(text);
  const std::string message = failure_of(text);
  INFO(message);
  CHECK(message.find(expected) != std::string::npos);
  CHECK(message.find("rules.json") == 0);
}

TEST_CASE("every refused pattern is listed, with a caret under the place", "[engine]") {
  const std::string message = failure_of(
      R"([{"Name":"first","EventPattern":{"a":[]}},{"Name":"good","EventPattern":{"a":[1]}},{"Name":"last","EventPattern":{"a":1}}])");
  CHECK(message.find("rule first") != std::string::npos);
  CHECK(message.find("rule good") == std::string::npos);
  CHECK(message.find("rule last") != std::string::npos);
  CHECK(message.find('^') != std::string::npos);
}

TEST_CASE("a target that is no state machine is refused where it would be started", "[engine]") {
  const std::string text =
      R"({"Name":"a","EventPattern":{"a":[1]},"Targets":[{"Id":"1","Arn":"arn:aws:lambda:us-east-1:123456789012:function:f"}]})";
  CHECK(failure_of(text).empty());
  CHECK(failure_of(text, true).find("stateMachine") != std::string::npos);
}

TEST_CASE("a rule file that does not exist is named", "[engine]") {
  const auto rules = RuleSet::load("/nonexistent/rules.json");
  REQUIRE_FALSE(rules);
  CHECK(rules.failure().message.find("/nonexistent/rules.json") != std::string::npos);
}

TEST_CASE("a rule with a schedule and no pattern matches nothing", "[engine]") {
  const auto rules =
      RuleSet::parse(R"-({"Name":"a","ScheduleExpression":"rate(1 day)","State":"ENABLED"})-", "rules.json");
  REQUIRE(rules);
  CHECK_FALSE((*rules)->any_enabled());
}

}  // namespace
}  // namespace millrace

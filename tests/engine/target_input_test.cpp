// What targets get: AWS's recorded cases of InputPath and InputTransformer, and what is refused, in which words.
#include "engine/rules/target_input.hpp"

#include <catch2/catch.hpp>

#include "engine/route/string_index.hpp"

namespace millrace {
namespace {

const std::string kEvent =
    R"({"version":"0","id":"i","detail-type":"t","source":"s","account":"1","time":"now","region":"r","resources":[],)"
    R"("detail":{"command":"update-account","payload":{"acc_id":"0a787ecb-4015","sf_id":"baz"},"listsingle":["HIGH"],)"
    R"("listmulti":["ACTIVE","INACTIVE"],"valid":true,"size":1.50,"a\u002db":"x","quote":"say \"hi\""}})" +
    std::string(kJsonPaddingBytes, ' ');

std::optional<std::string> rendered(const TargetInputText& text) {
  const auto input = TargetInput::parse(text, "t1");
  REQUIRE(input);
  return (*input)->render({std::string_view(kEvent).substr(0, kEvent.size() - kJsonPaddingBytes), "arn:rule", "name",
                           "2023-07-10T12:00:00Z"});
}

std::string transformed(const std::string& input_template) {
  return rendered({.input = {},
                   .input_path = {},
                   .input_template = input_template,
                   .input_paths = {{"command", "$.detail.command"},
                                   {"payload", "$.detail.payload"},
                                   {"list", "$.detail.listmulti"},
                                   {"valid", "$.detail.valid"},
                                   {"size", "$.detail.size"},
                                   {"quote", "$.detail.quote"},
                                   {"none", "$.detail.nothing"}}})
      .value_or("nothing");
}

std::string selected(const std::string& path) {
  return rendered({.input = {}, .input_path = path, .input_template = {}, .input_paths = {}}).value_or("nothing");
}

std::string refused(const TargetInputText& text) {
  const auto input = TargetInput::parse(text, "t1");
  return input ? "accepted" : input.failure().message;
}

TEST_CASE("a path selects the value's own text", "[engine]") {
  CHECK(selected("$.detail.payload.sf_id") == "\"baz\"");
  CHECK(selected("$.detail.size") == "1.50");
  CHECK(selected("$.detail.payload") == R"({"acc_id":"0a787ecb-4015","sf_id":"baz"})");
  CHECK(selected("$.detail.listmulti[1]") == "\"INACTIVE\"");
  CHECK(selected("$.detail.listmulti[*]") == R"(["ACTIVE","INACTIVE"])");
  CHECK(selected("$.detail.payload.*") == R"(["0a787ecb-4015","baz"])");
  CHECK(selected("$.detail['command']") == "\"update-account\"");
  CHECK(selected("$.detail-type") == "\"t\"");
  CHECK(selected("$.detail.a-b") == "\"x\"");
  CHECK(selected("$.detail.nothing") == "nothing");
  CHECK(selected("$.detail.command.more") == "nothing");
  CHECK(selected("$.detail.listmulti[2]") == "nothing");
}

TEST_CASE("a JSON template takes JSON outside of quotes and text inside", "[engine]") {
  CHECK(
      transformed(R"({"a": <command>, "b": <payload>, "c": <list>, "d": <valid>, "e": <size>})") ==
      R"({"a": "update-account", "b": {"acc_id":"0a787ecb-4015","sf_id":"baz"}, "c": ["ACTIVE","INACTIVE"], "d": true, "e": 1.50})");
  CHECK(transformed(R"({"a": <none>})") == R"({"a": ""})");
  CHECK(transformed(R"({"a": "is <command>!", "b": "is <none>!"})") == R"({"a": "is update-account!", "b": "is !"})");
  CHECK(transformed(R"({"a": "is <quote>"})") == R"({"a": "is say "hi""})");
  CHECK(transformed(R"({"a": "x \" <command>", "b": <command>})") ==
        R"({"a": "x \" update-account", "b": "update-account"})");
}

TEST_CASE("a string template takes text, without the quotes of objects and arrays", "[engine]") {
  CHECK(transformed(R"("cmd <command>, <payload>, <list>, <valid>, <none>.")") ==
        R"("cmd update-account, {acc_id:0a787ecb-4015,sf_id:baz}, [ACTIVE,INACTIVE], true, .")");
  CHECK(transformed("\"one <command>\"\n\"two\"") == "\"one update-account\"\n\"two\"");
}

TEST_CASE("reserved variables", "[engine]") {
  CHECK(transformed(R"({"a": <aws.events.rule-arn>, "b": "<aws.events.rule-name>"})") ==
        R"({"a": "arn:rule", "b": "name"})");
  CHECK(transformed(R"({"a": <aws.events.event.ingestion-time>})") == R"({"a": "2023-07-10T12:00:00Z"})");
  CHECK(
      transformed(R"({"a": <aws.events.event>})") ==
      R"({"a": {"id":"i","account":"1","detailType":"t","time":"now","source":"s","region":"r","resources":[],"version":"0"}})");
  CHECK(transformed(R"({"a": <aws.events.event.json>})").find(R"({"a": {"version":"0",)") == 0);
}

TEST_CASE("what is no placeholder stays", "[engine]") {
  CHECK(transformed(R"({"a": "1 < 2 > <"})") == R"({"a": "1 < 2 > <"})");
}

TEST_CASE("what AWS refuses is refused in its words", "[engine]") {
  const TargetInputText two{.input = "{}", .input_path = "$", .input_template = {}, .input_paths = {}};
  CHECK(refused(two) == "Only one of Input, InputPath, or InputTransformer must be provided for target t1.");
  const TargetInputText unknown{.input = {}, .input_path = {}, .input_template = "{\"a\": <nokey>}", .input_paths = {}};
  CHECK(refused(unknown) == "InputTemplate for target t1 contains invalid placeholder nokey.");
  for (const std::string path : {"", "detail", "$detail", "$.", "$.a[", "$.a[x]", "$.a b"}) {
    INFO(path);
    CHECK(refused({.input = {}, .input_path = path, .input_template = {}, .input_paths = {}}).find("InputPath") == 0);
  }
  CHECK(refused({.input = "{", .input_path = {}, .input_template = {}, .input_paths = {}}).find("not valid JSON") !=
        std::string::npos);
  CHECK(refused({.input = {}, .input_path = {}, .input_template = "<a>", .input_paths = {{"AWSx", "$.a"}}})
            .find("AWSx is not valid") != std::string::npos);
}

}  // namespace
}  // namespace millrace

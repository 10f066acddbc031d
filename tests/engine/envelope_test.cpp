// The envelope that a record gets, and which records rules do not get.
#include "engine/route/envelope.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace millrace {
namespace {

TEST_CASE("each eventType has its detail-type", "[engine]") {
  CHECK(detail_type_of("AwsApiCall") == "AWS API Call via CloudTrail");
  CHECK(detail_type_of("AwsServiceEvent") == "AWS Service Event via CloudTrail");
  CHECK(detail_type_of("AwsConsoleSignIn") == "AWS Console Sign In via CloudTrail");
  CHECK(detail_type_of("AwsConsoleAction") == "AWS Console Action via CloudTrail");
  CHECK(detail_type_of("AwsCloudTrailInsight") == "AWS Insight via CloudTrail");
  CHECK(detail_type_of("AwsVpceEvent") == "AWS Network Activity Event via CloudTrail");
  CHECK(detail_type_of("AwsVpceEvents") == "AWS Network Activity Event via CloudTrail");
}

TEST_CASE("the source is the service of eventSource", "[engine]") {
  const auto source_of = [](std::string_view event_source) {
    std::string out;
    append_source(event_source, out);
    return out;
  };
  CHECK(source_of("s3.amazonaws.com") == "aws.s3");
  CHECK(source_of("monitoring.amazonaws.com") == "aws.monitoring");
  CHECK(source_of("odd") == "aws.odd");
  CHECK(source_of("") == "aws.cloudtrail");
}

TEST_CASE("read-only management events are told by name or by flag", "[engine]") {
  RecordHead head;
  head.event_source = "sts.amazonaws.com";
  head.event_category = "Management";
  const auto suppressed = [&](std::string_view name, bool flag, ReadOnlyRule rule) {
    head.event_name = name;
    head.read_only = flag;
    return is_read_only_management(head, rule);
  };
  for (const auto name : {"GetCallerIdentity", "ListUsers", "DescribeInstances"})
    CHECK(suppressed(name, false, ReadOnlyRule::name));
  for (const auto name : {"AssumeRole", "PutObject", "getObject"})
    CHECK_FALSE(suppressed(name, true, ReadOnlyRule::name));
  CHECK(suppressed("AssumeRole", true, ReadOnlyRule::flag));
  CHECK_FALSE(suppressed("GetCallerIdentity", false, ReadOnlyRule::flag));
  CHECK_FALSE(suppressed("GetCallerIdentity", true, ReadOnlyRule::deliver));

  SECTION("two calls of sts are delivered all the same") {
    for (const auto name : {"GetFederationToken", "GetSessionToken"})
      CHECK_FALSE(suppressed(name, true, ReadOnlyRule::name));
    head.event_source = "iam.amazonaws.com";
    CHECK(suppressed("GetSessionToken", true, ReadOnlyRule::name));
  }
  SECTION("data events are delivered") {
    head.event_category = "Data";
    CHECK_FALSE(suppressed("GetObject", true, ReadOnlyRule::name));
    CHECK_FALSE(suppressed("GetObject", true, ReadOnlyRule::flag));
  }
}

TEST_CASE("an event has EventBridge's members in EventBridge's order, and the record as it was", "[engine]") {
  const Envelope envelope{.id = "i\"d",
                          .source = "aws.s3",
                          .detail_type = "AWS API Call via CloudTrail",
                          .account = "123456789012",
                          .time = "t",
                          .region = "r"};
  const std::string record = R"({ "b" : 1e2, "a" : "\u00e9" })";
  const std::string event = write_event(envelope, record);
  CHECK(event.ends_with(",\"resources\":[],\"detail\":" + record + "}"));
  const auto json = nlohmann::ordered_json::parse(event);
  std::vector<std::string> names;
  for (const auto& [name, value] : json.items()) names.push_back(name);
  CHECK(names == std::vector<std::string>{"version", "id", "detail-type", "source", "account", "time", "region",
                                          "resources", "detail"});
  CHECK(json["version"] == "0");
  CHECK(json["id"] == "i\"d");
}

TEST_CASE("a JSON string is escaped where it must be", "[engine]") {
  for (const std::string text : {"plain", "\"\\\n\t\x01", "é€", ""}) {
    std::string out;
    append_json_string(text, out);
    CHECK(nlohmann::json::parse(out) == text);
  }
}

}  // namespace
}  // namespace millrace

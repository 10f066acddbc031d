#include "engine/workload.hpp"

#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "engine/execute/start.hpp"
#include "engine/route/envelope.hpp"
#include "engine/uuid.hpp"
#include "matcher/ip_address.hpp"

namespace millrace {
namespace {

// SplitMix64: a generator whose output is the same everywhere, which std::distributions are not.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream) : state_(seed * 0x9e3779b97f4a7c15u + stream) { next(); }
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  template <typename T>
  const T& of(const std::vector<T>& values) {
    return values[below(values.size())];
  }

 private:
  std::uint64_t state_;
};

struct Operation {
  const char *service, *name;
  bool read_only;
  const char* parameters;  // JSON, with {} for a number of the tenant
};

constexpr std::array<Operation, 30> kOperations = {{
    {"s3", "PutObject", false, R"({{"bucketName":"data-{0}","key":"in/{0}.csv","x-amz-storage-class":"STANDARD"}})"},
    {"s3", "GetObject", true, R"({{"bucketName":"data-{0}","key":"in/{0}.csv"}})"},
    {"s3", "ListBuckets", true, "null"},
    {"s3", "DeleteObject", false, R"({{"bucketName":"data-{0}","key":"old/{0}.csv"}})"},
    {"s3", "GetBucketAcl", true, R"({{"bucketName":"data-{0}","acl":""}})"},
    {"ec2", "DescribeInstances", true, R"({{"maxResults":100,"instancesSet":{{}},"filterSet":{{}}}})"},
    {"ec2", "DescribeVpcs", true, R"({{"vpcSet":{{}},"filterSet":{{}}}})"},
    {"ec2", "RunInstances", false,
     R"({{"instancesSet":{{"items":[{{"imageId":"ami-{0}","minCount":1,"maxCount":1}}]}},"instanceType":"t3.micro"}})"},
    {"ec2", "CreateSecurityGroup", false, R"({{"groupName":"sg-{0}","groupDescription":"tenant {0}"}})"},
    {"ec2", "AuthorizeSecurityGroupIngress", false,
     R"({{"groupId":"sg-{0}","ipPermissions":{{"items":[{{"ipProtocol":"tcp","fromPort":22,"toPort":22}}]}}}})"},
    {"iam", "GetUser", true, R"({{"userName":"user-{0}"}})"},
    {"iam", "CreateAccessKey", false, R"({{"userName":"user-{0}"}})"},
    {"iam", "AttachRolePolicy", false,
     R"({{"roleName":"role-{0}","policyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"}})"},
    {"iam", "ListRoles", true, "null"},
    {"kms", "Decrypt", true,
     R"({{"encryptionContext":{{"aws:s3:arn":"arn:aws:s3:::data-{0}"}},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}})"},
    {"kms", "GenerateDataKey", true, R"({{"keyId":"key-{0}","keySpec":"AES_256"}})"},
    {"sts", "AssumeRole", true,
     R"({{"roleArn":"arn:aws:iam::{1}:role/role-{0}","roleSessionName":"session-{0}","durationSeconds":3600}})"},
    {"sts", "GetCallerIdentity", true, "null"},
    {"lambda", "Invoke", false, R"({{"functionName":"fn-{0}","invocationType":"Event"}})"},
    {"lambda", "UpdateFunctionConfiguration20150331v2", false, R"({{"functionName":"fn-{0}"}})"},
    {"dynamodb", "PutItem", false, R"({{"tableName":"table-{0}","key":{{"id":"{0}"}}}})"},
    {"dynamodb", "DescribeTable", true, R"({{"tableName":"table-{0}"}})"},
    {"ssm", "GetParameter", true, R"({{"name":"/app/{0}","withDecryption":true}})"},
    {"ssm", "PutParameter", false, R"({{"name":"/app/{0}","type":"SecureString"}})"},
    {"secretsmanager", "GetSecretValue", true, R"({{"secretId":"secret-{0}"}})"},
    {"rds", "ModifyDBInstance", false, R"({{"dBInstanceIdentifier":"db-{0}","applyImmediately":true}})"},
    {"ecs", "RunTask", false, R"({{"cluster":"cluster-{0}","taskDefinition":"task-{0}:1"}})"},
    {"cloudtrail", "StopLogging", false, R"({{"name":"arn:aws:cloudtrail:us-east-2:{1}:trail/S3Event"}})"},
    {"logs", "CreateLogStream", false, R"({{"logGroupName":"/aws/lambda/fn-{0}","logStreamName":"s{0}"}})"},
    {"elasticloadbalancing", "DescribeLoadBalancers", true, "{{}}"},
}};

const std::vector<std::string> kErrorCodes = {"AccessDenied", "ThrottlingException", "UnauthorizedOperation",
                                              "ValidationException"};
const std::vector<std::string> kRegions = {"us-east-2", "us-east-1", "eu-west-1"};
constexpr unsigned kTenants = 500;  // of generated records

std::string account_of(std::uint64_t tenant) { return fmt::format("{:012}", 100'000'000'000 + tenant * 7919); }

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(text, out);
  return out;
}

unsigned round_of(const TenantMix& mix) { return std::accumulate(mix.weights.begin(), mix.weights.end(), 0u); }

// How many of the first `count` rules are of a kind.
std::uint64_t count_of(std::uint8_t kind, std::uint64_t count, const TenantMix& mix) {
  const std::uint64_t total = round_of(mix), weight = mix.weights[kind], rest = count % total;
  const std::uint64_t begin = std::accumulate(mix.weights.begin(), mix.weights.begin() + kind, 0u);
  return count / total * weight + std::min(weight, rest - std::min(rest, begin));
}

TenantKind kind_of(std::uint64_t number, const TenantMix& mix) {
  auto at = static_cast<unsigned>(number % round_of(mix));
  std::uint8_t kind = 0;
  while (at >= mix.weights[kind]) at -= mix.weights[kind++];
  return static_cast<TenantKind>(kind);
}

// What a rule asks for besides the operation; `value` as the kind has it.
std::string kind_fields(TenantKind kind, const std::string& value) {
  switch (kind) {
    case tenant_bucket:
      return fmt::format(R"("requestParameters":{{"bucketName":[{}]}})", json_string(value));
    case tenant_arn:
      return fmt::format(R"("userIdentity":{{"arn":[{{"prefix":{}}}]}})", json_string(value));
    case tenant_cidr:
      return fmt::format(R"("sourceIPAddress":[{{"cidr":{}}}])", json_string(value));
    case tenant_account:
      return fmt::format(
          R"("userIdentity":{{"accountId":[{}]}},"errorCode":[{{"anything-but":["AccessDenied","ThrottlingException"]}}])",
          json_string(value));
    default:
      return fmt::format(R"("userIdentity":{{"userName":[{},{}]}})", json_string(value), json_string(value + "-b"));
  }
}

// A value that no event has.
std::string tenant_value(TenantKind kind, std::uint64_t tenant) {
  const std::string account = fmt::format("{:012}", 700'000'000'000 + tenant);
  switch (kind) {
    case tenant_bucket:
      return fmt::format("tenant-{}-bucket", tenant);
    case tenant_arn:
      return fmt::format("arn:aws:iam::{}:user/team-{}/", account, tenant);
    case tenant_cidr:
      return fmt::format("{}.{}.{}.{}/28", 11 + tenant / 1'048'576 % 80, tenant / 4096 % 256, tenant / 16 % 256,
                         tenant % 16 * 16);
    case tenant_account:
      return account;
    default:
      return fmt::format("user-{}", tenant);
  }
}

// The value of a kind with which a rule matches this record; empty if there is none.
std::string value_in(simdjson::dom::element record, TenantKind kind) {
  constexpr std::array<const char*, tenant_kinds> kPlaces = {"/requestParameters/bucketName", "/userIdentity/arn",
                                                             "/sourceIPAddress", "/userIdentity/accountId",
                                                             "/userIdentity/userName"};
  std::string_view value, error;
  if (record.at_pointer(kPlaces[kind]).get(value)) return {};
  if (kind == tenant_account &&
      (record["errorCode"].get(error) || error == "AccessDenied" || error == "ThrottlingException"))
    return {};
  if (kind != tenant_cidr) return std::string(value);
  const auto address = parse_ip(value);
  return address && !address->is_v6 ? std::string(value) + "/31" : "";
}

std::string model_pattern(const RuleModel& model, const std::string& tenant_fields) {
  std::string source;
  append_source(model.event_source, source);
  return fmt::format(R"({{"source":[{}],"detail-type":[{}],"detail":{{"eventSource":[{}],"eventName":[{}],{}}}}})",
                     json_string(source), json_string(model.detail_type), json_string(model.event_source),
                     json_string(model.event_name), tenant_fields);
}

}  // namespace

namespace {

struct Candidate {
  TenantKind kind;
  std::string pattern;
  std::uint64_t matches;
};

// As many as together match `matches` times. With few rules those come first that match much.
void choose(std::vector<Candidate> candidates, std::uint64_t matches, std::uint64_t count, const TenantMix& mix,
            std::uint64_t seed, RuleSource& out) {
  Random random(seed, 0);
  for (std::size_t i = candidates.size(); i > 1; --i) std::swap(candidates[i - 1], candidates[random.below(i)]);
  const auto matches_much = [&](const Candidate& one) { return one.matches * count >= 2 * matches; };
  const auto rest = std::stable_partition(candidates.begin(), candidates.end(), matches_much);
  std::stable_sort(rest, candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.matches > b.matches; });
  for (Candidate& one : candidates) {
    auto& chosen = out.matching_patterns[one.kind];
    if (one.matches > matches || chosen.size() == count_of(one.kind, count, mix)) continue;
    chosen.push_back(std::move(one.pattern));
    matches -= one.matches;
    out.matches += one.matches;
  }
}

}  // namespace

RuleSource rule_source(const HeldEvents& events, std::uint64_t matches, std::uint64_t count, const TenantMix& mix,
                       std::uint64_t seed) {
  std::map<std::pair<std::string, TenantKind>, std::uint64_t> matched_by;  // pattern -> events that it matches
  RuleSource out;
  simdjson::dom::parser parser;
  for (const Block& block : events.blocks) {
    for (const RecordRef& ref : block.records) {
      simdjson::dom::element event, record;
      if (parser.parse(block.text.data() + ref.begin, ref.bytes, false).get(event)) continue;
      if (event["detail"].get(record)) record = event;
      std::string_view source, name, type;
      if (record["eventSource"].get(source) || record["eventName"].get(name)) continue;
      if (record["eventType"].get(type)) type = "AwsApiCall";
      const RuleModel model{std::string(source), std::string(name), std::string(detail_type_of(type))};
      for (std::uint8_t i = 0; i < tenant_kinds; ++i) {
        const auto kind = static_cast<TenantKind>(i);
        if (const std::string value = value_in(record, kind); !value.empty())
          ++matched_by[{model_pattern(model, kind_fields(kind, value)), kind}];
      }
      out.models.push_back(model);
    }
  }
  std::vector<Candidate> candidates;
  for (const auto& [one, times] : matched_by) candidates.push_back({one.second, one.first, times});
  choose(std::move(candidates), matches, count, mix, seed, out);
  return out;
}

std::string tenant_rule(std::uint64_t seed, std::uint64_t number, std::uint64_t count, const RuleSource& source,
                        const TenantMix& mix) {
  Random random(seed, number);
  const TenantKind kind = kind_of(number, mix);
  const std::uint64_t index = count_of(kind, number, mix), of_kind = count_of(kind, count, mix);
  const auto& matching = source.matching_patterns[kind];
  // Place k of the matching patterns is the rule at k/matching of the way.
  const std::uint64_t place = (index * matching.size() + matching.size() - 1) / of_kind;
  const bool is_matching = place < matching.size() && place * of_kind / matching.size() == index;
  const std::string pattern =
      is_matching ? matching[place]
                  : model_pattern(random.of(source.models), kind_fields(kind, tenant_value(kind, number)));
  return fmt::format(
      R"({{"Name":"tenant-{0}","EventPattern":{1},"Targets":[{{"Id":"1","Arn":"arn:aws:states:us-east-2:123456789012:stateMachine:t{0}"}}]}})",
      number, pattern);
}

std::string generated_record(std::uint64_t seed, std::uint64_t number) {
  Random random(seed, number);
  const Operation& operation = kOperations[random.below(kOperations.size())];
  const std::uint64_t tenant = random.below(kTenants);
  const std::string account = account_of(tenant), user = fmt::format("user-{}", tenant), region = random.of(kRegions);
  const std::uint64_t second = number / 4 + random.below(240);  // CloudTrail delivers somewhat out of order
  const bool data = std::string_view(operation.name).find("Object") != std::string_view::npos ||
                    operation.name == std::string_view("PutItem");
  const bool failed = random.below(12) == 0;
  const std::string event_id = uuid_from(fmt::format("{} {}", seed, number));
  return fmt::format(
      R"({{"eventVersion":"1.08","userIdentity":{{"type":"IAMUser","principalId":"AIDA{0}","arn":"arn:aws:iam::{1}:user/{2}","accountId":"{1}","accessKeyId":"AKIA{0}","userName":"{2}"}},)"
      R"("eventTime":"2024-03-{3:02}T{4:02}:{5:02}:{6:02}Z","eventSource":"{7}.amazonaws.com","eventName":"{8}","awsRegion":"{9}","sourceIPAddress":"10.{10}.{11}.{12}",)"
      R"("userAgent":"aws-cli/2.15.0 Python/3.11.6 Linux/6.1 exe/x86_64",{13}"requestParameters":{14},"responseElements":null,"requestID":"{15}","eventID":"{16}",)"
      R"("readOnly":{17},"eventType":"AwsApiCall","managementEvent":{18},"recipientAccountId":"{1}","eventCategory":"{19}",)"
      R"("tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"{7}.{9}.amazonaws.com"}}}})",
      fmt::format("{:016X}", tenant * 2'654'435'761u), account, user, 1 + second / 86'400 % 28, second / 3600 % 24,
      second / 60 % 60, second % 60, operation.service, operation.name, region, random.below(256), random.below(256),
      1 + random.below(254),
      failed ? fmt::format(R"("errorCode":"{}","errorMessage":"denied",)", random.of(kErrorCodes)) : "",
      fmt::format(fmt::runtime(operation.parameters), tenant, account), uuid_from(event_id), event_id,
      operation.read_only ? "true" : "false", data ? "false" : "true", data ? "Data" : "Management");
}

}  // namespace millrace

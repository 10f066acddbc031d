#include "engine/route/envelope.hpp"

#include <algorithm>

#include "engine/ingest/object_members.hpp"
#include "matcher/json_escape.hpp"

namespace millrace {
namespace {

constexpr std::string_view kApiCall = "AWS API Call via CloudTrail";

}  // namespace

bool is_read_only_management(const RecordHead& head, ReadOnlyRule rule) {
  if (rule == ReadOnlyRule::deliver || head.event_category != "Management") return false;
  if (rule == ReadOnlyRule::flag) return head.read_only;
  const std::string_view name = head.event_name;
  if (!name.starts_with("Get") && !name.starts_with("List") && !name.starts_with("Describe")) return false;
  const bool token_call = name == "GetFederationToken" || name == "GetSessionToken";
  return !(token_call && head.event_source == "sts.amazonaws.com");
}

std::string_view detail_type_of(std::string_view event_type) {
  if (event_type == "AwsApiCall") return kApiCall;
  if (event_type == "AwsServiceEvent") return "AWS Service Event via CloudTrail";
  if (event_type == "AwsConsoleSignIn") return "AWS Console Sign In via CloudTrail";
  if (event_type == "AwsConsoleAction") return "AWS Console Action via CloudTrail";
  if (event_type == "AwsCloudTrailInsight") return "AWS Insight via CloudTrail";
  if (event_type == "AwsVpceEvent" || event_type == "AwsVpceEvents") return "AWS Network Activity Event via CloudTrail";
  return kApiCall;
}

void append_source(std::string_view event_source, std::string& out) {
  constexpr std::string_view kDomain = ".amazonaws.com";
  std::string_view service = event_source.empty() ? "cloudtrail" : event_source;
  if (service.ends_with(kDomain)) service.remove_suffix(kDomain.size());
  out += "aws.";
  out += service;
}

// PERF: what needs no escape, which is nearly all, is copied in one piece.
void append_json_string(std::string_view text, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto needs_escape = [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; };
  out += '"';
  while (!text.empty()) {
    const auto stop = static_cast<std::size_t>(std::find_if(text.begin(), text.end(), needs_escape) - text.begin());
    out.append(text, 0, stop);
    if (stop == text.size()) break;
    const auto byte = static_cast<unsigned char>(text[stop]);
    out += '\\';
    if (byte >= 0x20) {
      out += text[stop];
    } else {
      out.append("u00");
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
    text.remove_prefix(stop + 1);
  }
  out += '"';
}

std::string without_context(std::string_view record) {
  std::string out = "{", key;
  ObjectMembers members(record, record.find('{') + 1, false);
  while (members.next() == ObjectMembers::member) {
    const char* const begin = members.key().data() - 1;
    key.clear();
    const bool is_delivered = !unescape_json(members.key(), key) || key != kNotDelivered;
    members.skip_value();
    if (!is_delivered) continue;
    if (out.size() > 1) out += ',';
    out.append(begin, record.data() + members.at());
  }
  return out + "}";
}

std::string write_event(const Envelope& envelope, std::string_view record) {
  constexpr std::size_t kEnvelopeBytes = 320;  // of an ordinary one
  std::string out;
  out.reserve(record.size() + kEnvelopeBytes);
  const auto member = [&](std::string_view name, std::string_view value) {
    out += name;
    append_json_string(value, out);
  };
  member(R"({"version":"0","id":)", envelope.id);
  member(R"(,"detail-type":)", envelope.detail_type);
  member(R"(,"source":)", envelope.source);
  member(R"(,"account":)", envelope.account);
  member(R"(,"time":)", envelope.time);
  member(R"(,"region":)", envelope.region);
  out += R"(,"resources":[],"detail":)";
  out += record;
  out += '}';
  return out;
}

}  // namespace millrace

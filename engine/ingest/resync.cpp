#include "engine/ingest/resync.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "engine/ingest/object_members.hpp"

namespace millrace {
namespace {

// First keys that nothing but a record has, in one writer's order or another's; and those of containers.
constexpr std::array<std::string_view, 9> kRecordKeys = {"eventVersion", "awsRegion", "eventCategory",
                                                         "eventSource",  "eventName", "eventType",
                                                         "eventTime",    "eventID",   "userIdentity"};
constexpr std::array<std::string_view, 2> kContainerKeys = {"messageType", "Records"};
constexpr std::array<std::string_view, 3> kArrayKeys = {"logEvents", "events", "Events"};
// First keys that others have too.
constexpr std::array<std::string_view, 10> kPossibleKeys = {
    "additionalEventData", "apiVersion", "errorCode", "version", "account", "detail",
    "detail-type",         "id",         "source",    "time"};
constexpr std::array<std::string_view, 5> kEventKeys = {"version", "account", "detail", "detail-type", "source"};
constexpr std::array<std::string_view, 6> kWrappedKeys = {"id",      "timestamp",     "eventId",
                                                          "EventId", "logStreamName", "ingestionTime"};
constexpr std::array<std::string_view, 2> kWrappingKeys = {"message", "CloudTrailEvent"};
constexpr std::size_t kFirstKeyBytesMax = 64;

template <std::size_t N>
bool is_one_of(std::string_view key, const std::array<std::string_view, N>& keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// The first key, empty where there is none; nullopt until more of the text is there.
std::optional<std::string_view> first_key(std::string_view text) {
  ObjectMembers members(text.substr(0, kFirstKeyBytesMax), 1, false);
  const ObjectMembers::Step step = members.next();
  if (step == ObjectMembers::need_more && text.size() < kFirstKeyBytesMax) return {};
  return step == ObjectMembers::member ? members.key() : std::string_view();
}

// `may_be_record`: the first key is one that records have; else it takes more to be one.
Beginning look_inside(std::string_view text, const Awaited& awaited, bool may_be_record) {
  ObjectMembers members(text, 1, false);
  bool has_source = false, has_detail = false, has_type = false, has_name = may_be_record, has_time = may_be_record;
  for (;;) {
    const ObjectMembers::Step step = members.next();
    if (step == ObjectMembers::need_more) return Beginning::unknown;
    if (step != ObjectMembers::member) break;
    if (awaited.wrapped_in != nullptr && members.key() == awaited.wrapped_in) return Beginning::wrapped;
    has_source |= members.key() == "eventSource" || members.key() == "eventVersion";
    has_detail |= members.key() == "detail";
    has_type |= members.key() == "detail-type";
    has_name |= members.key() == "eventName" || members.key() == "eventType";
    has_time |= members.key() == "eventTime" || members.key() == "eventID";
    const bool is_record = has_source && has_name && has_time;
    if ((has_detail && has_type) || is_record) return Beginning::record;
    if (const auto value = members.skip_value(); value != ObjectMembers::member)
      return value == ObjectMembers::need_more ? Beginning::unknown : Beginning::nothing;
  }
  return Beginning::nothing;
}

// An element whose message or CloudTrailEvent is a string that holds an object.
Beginning look_for_object_in_string(std::string_view text) {
  ObjectMembers members(text, 1, false);
  for (;;) {
    const ObjectMembers::Step step = members.next();
    if (step == ObjectMembers::need_more) return Beginning::unknown;
    if (step != ObjectMembers::member) return Beginning::nothing;
    const std::string_view value = text.substr(members.at());
    if (value.starts_with("\"{") && members.key() == "message") return Beginning::message;
    if (value.starts_with("\"{") && members.key() == "CloudTrailEvent") return Beginning::lookup;
    if (const auto skipped = members.skip_value(); skipped != ObjectMembers::member)
      return skipped == ObjectMembers::need_more ? Beginning::unknown : Beginning::nothing;
  }
}

// An array whose first element wraps a record.
Beginning look_into_array(std::string_view text) {
  ObjectMembers members(text, 1, false);
  members.next();
  const auto bracket = members.at();
  if (text[bracket] != '[') return Beginning::nothing;
  const auto brace = text.find_first_not_of(" \t\r\n", bracket + 1);
  if (brace == std::string_view::npos) return Beginning::unknown;
  if (text[brace] != '{') return Beginning::nothing;
  const Beginning element = look_for_object_in_string(text.substr(brace));
  return element == Beginning::message || element == Beginning::lookup ? Beginning::container : element;
}

}  // namespace

Beginning what_begins(std::string_view text, const Awaited& awaited, bool complete) {
  const std::string_view key = first_key(text).value_or("");
  if (key.empty()) return Beginning::nothing;
  if (is_one_of(key, kContainerKeys)) return Beginning::container;
  if (awaited.wrapped_in != nullptr && is_one_of(key, kWrappedKeys)) return Beginning::wrapped;
  if (is_one_of(key, kRecordKeys)) return Beginning::record;
  if (!awaited.may_look_inside) return Beginning::nothing;
  const auto look = [&] {
    if (is_one_of(key, kArrayKeys)) return look_into_array(text);
    const Beginning inside = look_inside(text, awaited, is_one_of(key, kPossibleKeys));
    return awaited.anything && inside == Beginning::nothing ? wraps(text) : inside;
  };
  const Beginning inside = look();
  return inside == Beginning::unknown && complete ? Beginning::nothing : inside;
}

Beginning wraps(std::string_view text) {
  const auto key = first_key(text);
  if (!key) return Beginning::unknown;
  const bool may_wrap = is_one_of(*key, kWrappedKeys) || is_one_of(*key, kWrappingKeys);
  return may_wrap ? look_for_object_in_string(text) : Beginning::nothing;
}

bool is_of_record(std::string_view key) { return is_one_of(key, kRecordKeys) || is_one_of(key, kEventKeys); }

bool begins_as_element(std::string_view text) { return is_of_record(first_key(text).value_or("")); }

// PERF: asked of every element of an array; nearly all begin with one of a few keys.
Beginning begins_as(std::string_view text) {
  constexpr std::string_view kUsual = "{\"event";
  if (text.starts_with(kUsual) && text.size() > kUsual.size() && text[kUsual.size()] != 's') return Beginning::record;
  const auto key = first_key(text);
  if (!key) return Beginning::unknown;
  if (is_one_of(*key, kContainerKeys) || is_one_of(*key, kArrayKeys)) return Beginning::container;
  return is_one_of(*key, kRecordKeys) ? Beginning::record : Beginning::nothing;
}

}  // namespace millrace

#include "engine/ingest/header.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "engine/ingest/object_members.hpp"
#include "engine/ingest/resync.hpp"
#include "matcher/json_escape.hpp"

namespace millrace {
namespace {

struct Container {
  std::string_view key;    // of the array
  const char* wrapped_in;  // member of an element that holds the record as a string
};
constexpr std::array<Container, 4> kContainers = {
    {{"Records", nullptr}, {"logEvents", "message"}, {"events", "message"}, {"Events", "CloudTrailEvent"}}};

// What an array's first element is: a record, or one that wraps a record, also where the array's key says nothing.
Beginning first_element(std::string_view text, std::size_t at) {
  const std::size_t brace = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
  if (brace == text.size()) return Beginning::unknown;
  if (text[brace] != '{') return Beginning::nothing;
  const Beginning begins = begins_as(text.substr(brace));
  return begins == Beginning::nothing ? what_begins(text.substr(brace), {.anything = true}, false) : begins;
}

}  // namespace

Header read_header(std::string_view text, std::size_t at, bool behind_member) {
  ObjectMembers members(text, at, behind_member);
  bool is_record = false;
  bool control = false, digest = false, bucket = false, notice = false;
  for (;;) {
    const ObjectMembers::Step step = members.next();
    if (step == ObjectMembers::need_more) return {Header::need_more};
    if (step == ObjectMembers::malformed) return {Header::malformed};
    if (step == ObjectMembers::end) return {Header::record, members.at(), nullptr, false, digest, notice};
    std::string unescaped;
    const bool escaped = members.key().find('\\') != std::string_view::npos && unescape_json(members.key(), unescaped);
    const std::string_view key = escaped ? std::string_view(unescaped) : members.key();
    const std::size_t value = members.at();
    if (text[value] == '[') {
      const auto found =
          std::find_if(kContainers.begin(), kContainers.end(), [&](const Container& c) { return c.key == key; });
      if (found != kContainers.end()) return {Header::container, value + 1, found->wrapped_in, control};
      const Beginning first = is_record ? Beginning::nothing : first_element(text, value + 1);
      if (first == Beginning::unknown) return {Header::need_more};
      if (first == Beginning::record) return {Header::container, value + 1};
      if (const char* const wrapped_in = wrapper_of(first)) return {Header::container, value + 1, wrapped_in, control};
    }
    is_record |= is_of_record(key);
    const ObjectMembers::Step skipped = members.skip_value();
    if (skipped != ObjectMembers::member)
      return {skipped == ObjectMembers::malformed ? Header::malformed : Header::need_more};
    digest |= key == "digestS3Object";
    bucket |= key == "s3Bucket";
    notice |= bucket && key == "s3ObjectKey";
    control |= key == "messageType" && text.substr(value, members.at() - value) == "\"CONTROL_MESSAGE\"";
  }
}

}  // namespace millrace

#include "engine/ingest/line.hpp"

#include <algorithm>
#include <array>

#include "engine/route/text_scan.hpp"

namespace millrace {
namespace {

// An array of objects right at the beginning, whatever stands before it: a damaged key too.
bool begins_with_array(std::string_view line) {
  constexpr std::size_t kKeyBytes = 32;
  return !line.starts_with("{\"event") && line.substr(0, kKeyBytes).find(":[{") != std::string_view::npos;
}

// Of containers, of notices, and of elements without their array.
constexpr std::array<std::string_view, 23> kFirstKeys = {
    "Records",
    "events",
    "Events",
    "nextForwardToken",
    "nextBackwardToken",
    "searchedLogStreams",
    "ResponseMetadata",
    "logEvents",
    "messageType",
    "owner",
    "logGroup",
    "logStream",
    "subscriptionFilters",
    "awsAccountId",
    "s3Bucket",
    "id",
    "timestamp",
    "message",
    "eventId",
    "ingestionTime",
    "logStreamName",
    "EventId",
    "CloudTrailEvent",
};

// By its first key; a line that is a bracket alone begins what goes on in others. PERF: nearly all begin as records do.
bool may_be_container(std::string_view line) {
  if (line.starts_with("{\"eventVersion\"")) return false;
  if (line == "{" || line == "[" || line.starts_with("[{") || begins_with_array(line)) return true;
  if (!line.starts_with("{\"")) return false;
  const std::string_view key = line.substr(2, line.substr(2).find('"'));
  return key.starts_with("digest") || std::find(kFirstKeys.begin(), kFirstKeys.end(), key) != kFirstKeys.end();
}

}  // namespace

Line read_line(std::string_view text, std::size_t begin, std::size_t end) {
  while (begin < end && is_json_space(text[begin])) ++begin;
  while (end > begin && is_json_space(text[end - 1])) --end;
  std::string_view line = text.substr(begin, end - begin);
  if (line.starts_with(kByteOrderMark)) {
    begin += kByteOrderMark.size();
    line.remove_prefix(kByteOrderMark.size());
  }
  if (!line.empty() && line[0] >= '0' && line[0] <= '9') begin += behind_timestamp(line);
  return {begin, end, may_be_container(line)};
}

std::size_t behind_timestamp(std::string_view line) {
  constexpr std::size_t kTimeBytesMin = 19, kTimeBytesMax = 32;
  const auto blank = line.substr(0, kTimeBytesMax + 1).find(' ');
  if (blank == std::string_view::npos || blank < kTimeBytesMin || line[4] != '-' || line[10] != 'T') return 0;
  const std::string_view behind = line.substr(blank + 1, kLogStreamBytesMax + 2);
  if (behind.starts_with('{')) return blank + 1;
  const auto brace = behind.find(" {");
  const bool one_word = brace != std::string_view::npos && behind.find_first_of(" \"{") == brace;
  return one_word ? blank + brace + 2 : 0;
}

}  // namespace millrace

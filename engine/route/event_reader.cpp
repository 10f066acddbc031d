#include "engine/route/event_reader.hpp"

#include "matcher/json_cursor.hpp"

namespace millrace {

std::optional<std::string> JsonValidator::refuse(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) return "starts with a byte order mark";
  if (text.size() + 1 > parser_.capacity() || parser_.max_depth() != kJsonDepthMax) {
    if (parser_.allocate(text.size() + 1, kJsonDepthMax)) return "too large to parse";
  }
  if (const auto error = parser_.parse(text.data(), text.size(), false).get(root_)) {
    return error == simdjson::DEPTH_ERROR ? "nests deeper than 1000 levels" : simdjson::error_message(error);
  }
  if (!root_.is_object()) return "is not a JSON object";
  return {};
}

std::optional<std::string> EventReader::read(std::string_view event, const PathTrie& paths, EventFields& fields, NodeId root) {
  padded_.assign(event);
  padded_.append(kJsonPaddingBytes, '\0');
  const std::string_view text(padded_.data(), event.size());
  fields.clear();
  if (auto reason = validator_.refuse(text)) return reason;
  if (!index_.build(text.data(), text.size())) return "is not valid JSON";
  const std::uint32_t* at = index_.begin();
  Walker walker(paths, fields);
  if (!walker.walk(text.data(), at, static_cast<std::uint32_t>(text.size()), root)) return "is not valid JSON";
  return {};
}

}  // namespace millrace

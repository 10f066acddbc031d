#include "engine/route/event_reader.hpp"

#include <algorithm>

#include "engine/route/json_scalar.hpp"
#include "matcher/json_cursor.hpp"

namespace millrace {
namespace {

constexpr std::size_t kSimdjsonDepthMax = kJsonDepthMax + 1;  // it refuses its own limit

}  // namespace

simdjson::error_code JsonValidator::parse(std::string_view text) {
  if (text.size() + 1 > parser_.capacity() || parser_.max_depth() != kSimdjsonDepthMax) {
    if (const auto error = parser_.allocate(text.size() + 1, kSimdjsonDepthMax)) return error;
  }
  return parser_.parse(text.data(), text.size(), false).get(root_);
}

// simdjson reads numbers into machine types; JSON's have no bounds. Checks their grammar and puts 0 in their place.
bool JsonValidator::replace_numbers(std::string_view text) {
  constexpr std::string_view kEnds = ",:]} \t\r\n";
  plain_.assign(text);
  plain_.append(kJsonPaddingBytes, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i) i += text[i] == '\\';
    } else if (text[i] == '-' || (text[i] >= '0' && text[i] <= '9')) {
      const std::size_t end = std::min(text.find_first_of(kEnds, i), text.size());
      if (!is_json_number(text.substr(i, end - i))) return false;
      plain_.replace(i, end - i, end - i, ' ');
      plain_[i] = '0';
      i = end - 1;
    }
  }
  return true;
}

std::optional<std::string> JsonValidator::refuse(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) return "starts with a byte order mark";
  auto error = parse(text);
  if (error == simdjson::NUMBER_ERROR && replace_numbers(text)) {
    error = parse({plain_.data(), text.size()});
  }
  if (error) return error == simdjson::DEPTH_ERROR ? kTooDeep : simdjson::error_message(error);
  if (!root_.is_object()) return "is not a JSON object";
  return {};
}

bool JsonValidator::is_json(std::string_view text) {
  std::string padded(text);
  padded.append(kJsonPaddingBytes, '\0');
  const auto error = parse({padded.data(), text.size()});
  return !error || (error == simdjson::NUMBER_ERROR && replace_numbers(text) && !parse({plain_.data(), text.size()}));
}

EventReader::EventReader(const PathTrie& paths, EventFields& fields)
    : fields_(fields), walker_(paths, fields, std::vector<std::uint8_t>(fields.field_count(), 1)) {}

std::optional<std::string> EventReader::read(std::string_view event, NodeId root) {
  padded_.assign(event);
  padded_.append(kJsonPaddingBytes, '\0');
  const std::string_view text(padded_.data(), event.size());
  fields_.clear();
  strings_.find(text);
  if (walker_.walk(strings_, root) && is_valid_json(strings_)) return {};
  return validator_.refuse(text).value_or(kTooDeep);
}

}  // namespace millrace

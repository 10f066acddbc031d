#include "engine/rules/json_path.hpp"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <charconv>

#include "engine/route/escaped_by.hpp"
#include "engine/route/parity.hpp"
#include "engine/route/text_scan.hpp"
#include "matcher/json_escape.hpp"

namespace millrace {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

bool is_name_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' ||
         c == '/' || static_cast<unsigned char>(c) >= 0x80;
}

const char* behind_space(const char* at, const char* end) {
  while (at < end && kSpace.find(*at) != std::string_view::npos) ++at;
  return at;
}

const char* behind_string(const char* at, const char* end) {
  for (++at; at < end;) {
    const Bytes32 block(at);
    const std::uint32_t quotes = block.equal('"'), hits = quotes | block.equal('\\');
    if (hits == 0) {
      at += 32;
      continue;
    }
    at += std::countr_zero(hits);
    if ((quotes & hits & (0 - hits)) != 0) return std::min(at + 1, end);
    at += 2;
  }
  return end;
}

// Brackets are counted, not paired by kind.
const char* behind_container(const char* at, const char* end) {
  std::uint64_t carry = 0, in_string = 0;
  std::size_t depth = 0;
  for (; at < end; at += 64) {
    const Bytes64 group(at);
    const std::uint64_t quotes = group.equal('"') & ~escaped_by(group.equal('\\'), carry);
    const std::uint64_t inside = parity_so_far(quotes) ^ in_string;
    in_string = 0 - (inside >> 63);
    const std::uint64_t opening = group.equal_folded('{');
    for (std::uint64_t hits = (opening | group.equal_folded('}')) & ~inside; hits != 0; hits &= hits - 1) {
      if ((opening & hits & (0 - hits)) != 0) {
        ++depth;
      } else if (--depth == 0) {
        return std::min(at + std::countr_zero(hits) + 1, end);
      }
    }
  }
  return end;
}

const char* behind_value(const char* at, const char* end) {
  if (*at == '"') return behind_string(at, end);
  if (*at == '{' || *at == '[') return behind_container(at, end);
  while (at < end && kSpace.find(*at) == std::string_view::npos && *at != ',' && *at != '}' && *at != ']') ++at;
  return at;
}

// Calls visit(key, value) for each member of an object or element of an array; an element's key is empty.
template <typename Visit>
void for_each_child(std::string_view container, Visit&& visit) {
  const bool is_object = container.front() == '{';
  const char* const end = container.data() + container.size() - 1;
  for (const char* at = behind_space(container.data() + 1, end); at < end;) {
    std::string_view key;
    if (is_object) {
      const char* const behind = behind_string(at, end);
      key = {at + 1, static_cast<std::size_t>(behind - at - 2)};
      at = behind_space(behind, end) + 1;
    }
    at = behind_space(at, end);
    const char* const behind = behind_value(at, end);
    visit(key, std::string_view(at, static_cast<std::size_t>(behind - at)));
    at = behind_space(behind, end);
    if (at < end) at = behind_space(at + 1, end);
  }
}

bool is_key(std::string_view raw, std::string_view name) {
  if (raw.find('\\') == std::string_view::npos) return raw == name;
  std::string text;
  return unescape_json(raw, text) && text == name;
}

std::string compact(std::string_view json) {
  std::string out(json.size() + simdjson::SIMDJSON_PADDING, '\0');
  std::size_t bytes = 0;
  if (simdjson::minify(json.data(), json.size(), out.data(), bytes)) return std::string(json);
  out.resize(bytes);
  return out;
}

std::string_view without_space(std::string_view text) {
  const auto begin = std::min(text.find_first_not_of(kSpace), text.size());
  const auto end = text.find_last_not_of(kSpace);
  return end == std::string_view::npos ? std::string_view{} : text.substr(begin, end + 1 - begin);
}

}  // namespace

bool JsonPath::read_step(std::string_view text, std::size_t& at) {
  if (text[at] == '.') {
    const std::size_t begin = ++at;
    if (at < text.size() && text[at] == '*') {
      ++at;
      steps_.push_back({Step::every, {}, 0});
      return true;
    }
    while (at < text.size() && is_name_character(text[at])) ++at;
    steps_.push_back({Step::key, std::string(text.substr(begin, at - begin)), 0});
    return at > begin;
  }
  const auto close = text.find(']', at);
  if (text[at] != '[' || close == std::string_view::npos) return false;
  const std::string_view inside = text.substr(at + 1, close - at - 1);
  at = close + 1;
  if (inside == "*") {
    steps_.push_back({Step::every, {}, 0});
    return true;
  }
  if (inside.size() > 2 && (inside.front() == '\'' || inside.front() == '"') && inside.back() == inside.front()) {
    steps_.push_back({Step::key, std::string(inside.substr(1, inside.size() - 2)), 0});
    return true;
  }
  std::size_t place = 0;
  const auto read = std::from_chars(inside.data(), inside.data() + inside.size(), place);
  steps_.push_back({Step::index, {}, place});
  return read.ec == std::errc{} && read.ptr == inside.data() + inside.size();
}

Result<JsonPath> JsonPath::parse(std::string_view text) {
  JsonPath out;
  if (!text.starts_with('$')) return Failure{"is not a JSONPath; expected $ or $.name at its start"};
  for (std::size_t at = 1; at < text.size();) {
    const std::size_t begin = at;
    if (!out.read_step(text, at)) {
      return Failure{"is not a JSONPath at byte " + std::to_string(begin) +
                     "; expected .name, ['name'], [0], .* or [*]"};
    }
  }
  return out;
}

void JsonPath::follow(std::string_view value, std::size_t step, std::vector<std::string_view>& out) const {
  if (step == steps_.size()) {
    out.push_back(value);
    return;
  }
  const Step& wanted = steps_[step];
  const bool is_object = value.front() == '{', is_array = value.front() == '[';
  if (wanted.kind == Step::every && (is_object || is_array)) {
    for_each_child(value, [&](std::string_view, std::string_view child) { follow(child, step + 1, out); });
  } else if (wanted.kind == Step::key && is_object) {
    std::optional<std::string_view> found;
    for_each_child(value, [&](std::string_view key, std::string_view child) {
      if (is_key(key, wanted.name)) found = child;
    });
    if (found) follow(*found, step + 1, out);
  } else if (wanted.kind == Step::index && is_array) {
    std::size_t place = 0;
    for_each_child(value, [&](std::string_view, std::string_view child) {
      if (place++ == wanted.place) follow(child, step + 1, out);
    });
  }
}

std::optional<std::string> JsonPath::select(std::string_view json) const {
  std::vector<std::string_view> found;
  follow(without_space(json), 0, found);
  const bool many =
      std::any_of(steps_.begin(), steps_.end(), [](const Step& step) { return step.kind == Step::every; });
  if (!many) return found.empty() ? std::nullopt : std::optional<std::string>(compact(found.front()));
  std::string out = "[";
  for (const auto& value : found) {
    if (out.size() > 1) out += ',';
    out += compact(value);
  }
  return out + "]";
}

}  // namespace millrace

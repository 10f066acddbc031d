#include "matcher/json_escape.hpp"

#include <algorithm>
#include <optional>

namespace millrace {
namespace {

std::optional<std::uint32_t> hex4(std::string_view text) {
  if (text.size() < 4) return {};
  std::uint32_t value = 0;
  for (const char c : text.substr(0, 4)) {
    if (hex_digit(c) < 0) return {};
    value = value * 16 + static_cast<std::uint32_t>(hex_digit(c));
  }
  return value;
}

// Reads one \u escape, or two of them that make a pair, from the place behind a backslash; 0 bytes read means
// malformed.
std::size_t unescape_unicode(std::string_view at, LoneSurrogates lone, std::string& out) {
  const auto unit = hex4(at.substr(1));
  if (!unit) return 0;
  const bool high = *unit >= 0xd800 && *unit <= 0xdbff, low_only = *unit >= 0xdc00 && *unit <= 0xdfff;
  const auto low = high && at.substr(5, 2) == "\\u" ? hex4(at.substr(7)) : std::nullopt;
  const bool pair = low && *low >= 0xdc00 && *low <= 0xdfff;
  if (!pair) {
    if ((high || low_only) && lone == LoneSurrogates::refused) return 0;
    append_utf8(*unit, out);
    return 5;
  }
  append_utf8(0x10000 + ((*unit - 0xd800) << 10) + (*low - 0xdc00), out);
  return 11;
}

}  // namespace

int hex_digit(char c) {
  const auto lower = static_cast<char>(c | 0x20);
  return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

char simple_escape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case '"':
    case '\\':
    case '/':
      return c;
    default:
      return 0;
  }
}

void append_utf8(std::uint32_t code_point, std::string& out) {
  const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80 | ((code_point >> shift) & 0x3f)); };
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xc0 | (code_point >> 6));
    tail(0);
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xe0 | (code_point >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | (code_point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

bool unescape_json(std::string_view content, std::string& out, LoneSurrogates lone) {
  for (std::size_t i = 0; i < content.size();) {
    const auto slash = std::min(content.find('\\', i), content.size());
    out.append(content, i, slash - i);
    i = slash + 1;
    if (slash == content.size()) break;
    if (i == content.size()) return false;
    if (content[i] == 'u') {
      const std::size_t read = unescape_unicode(content.substr(i), lone, out);
      if (read == 0) return false;
      i += read;
    } else {
      const char c = simple_escape(content[i++]);
      if (c == 0) return false;
      out += c;
    }
  }
  return true;
}

}  // namespace millrace

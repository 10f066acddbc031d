#include "matcher/source_place.hpp"

#include <fmt/core.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>

#include "matcher/json_escape.hpp"

namespace millrace {
namespace {

constexpr std::uint32_t kBasicPlaneMax = 0xffff, kReplacement = 0xfffd;

bool is_control(std::uint32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

bool is_wide(std::uint32_t c) {
  const int width = u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_WIDE || width == U_EA_FULLWIDTH;
}

// Calls visit(character, offset) for each one up to `end`.
template <typename Visit>
void for_each_character(std::string_view text, std::size_t begin, std::size_t end, Visit&& visit) {
  for (std::size_t at = begin; at < end;) {
    const Character c = character_at(text, at);
    visit(c, at);
    at += c.bytes;
  }
}

std::size_t utf16_units(const Character& c) { return c.code_point > kBasicPlaneMax ? 2 : 1; }

}  // namespace

Character character_at(std::string_view text, std::size_t at) {
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  auto next = static_cast<std::int32_t>(at);
  UChar32 code_point = 0;
  U8_NEXT(bytes, next, static_cast<std::int32_t>(text.size()), code_point);
  return {code_point < 0 ? kReplacement : static_cast<std::uint32_t>(code_point), static_cast<std::size_t>(next) - at};
}

bool Character::may_begin_word() const {
  return code_point <= kBasicPlaneMax && u_isJavaIDStart(static_cast<UChar32>(code_point));
}

bool Character::may_be_in_word() const {
  return code_point <= kBasicPlaneMax && u_isJavaIDPart(static_cast<UChar32>(code_point));
}

std::string Character::describe() const {
  if (is_control(code_point)) return fmt::format("(CTRL-CHAR, code {})", code_point);
  if (code_point > kBasicPlaneMax) {  // its first half, which is no character
    const std::uint32_t half = 0xd7c0 + (code_point >> 10);
    return fmt::format("'?' (code {} / 0x{:x})", half, half);
  }
  std::string itself;
  append_utf8(code_point, itself);
  return code_point > 0xff ? fmt::format("'{}' (code {} / 0x{:x})", itself, code_point, code_point)
                           : fmt::format("'{}' (code {})", itself, code_point);
}

std::string describe_source(std::string_view text, std::size_t offset) {
  constexpr std::size_t kShownMax = 500;
  std::size_t line = 1, column = 1, units = 0;
  std::string shown;
  for_each_character(text, 0, text.size(), [&](const Character& c, std::size_t at) {
    if (at < offset) {
      const bool ends_line = c.code_point == '\n' || (c.code_point == '\r' && text.substr(at + 1, 1) != "\n");
      line += ends_line;
      column = ends_line ? 1 : column + utf16_units(c);
    }
    if (units < kShownMax) {
      if (is_control(c.code_point) && c.code_point != '\n' && c.code_point != '\r') {
        shown += fmt::format("\\u{:04X}", c.code_point);
      } else {
        shown.append(text, at, c.bytes);
      }
    }
    units += utf16_units(c);
  });
  const std::string cut = units > kShownMax ? fmt::format("[truncated {} chars]", units - kShownMax) : "";
  return fmt::format("[Source: (String)\"{}\"{}; line: {}, column: {}]", shown, cut, line, column);
}

std::string without_lone_surrogates(std::string_view text) {
  constexpr char kFirst = '\xed';
  std::string out(text);
  for (std::size_t at = 0; (at = out.find(kFirst, at)) != std::string::npos; ++at) {
    if (character_at(out, at).code_point == kReplacement) out.replace(at, 3, "?");
  }
  return out;
}

std::string show_place(std::string_view text, std::size_t offset) {
  constexpr std::size_t kShownMax = 72;  // LIMIT: characters of the line
  offset = std::min(offset, text.size());
  const auto before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto line_begin = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  std::size_t column = 1;
  for_each_character(text, line_begin, offset, [&](const Character&, std::size_t) { ++column; });
  const std::size_t skipped = column > kShownMax / 2 ? column - kShownMax / 2 : 0;
  std::string shown, blanks;
  std::size_t seen = 0;
  for_each_character(text, line_begin, std::min(text.find('\n', offset), text.size()),
                     [&](const Character& c, std::size_t at) {
                       if (seen++ < skipped || seen > skipped + kShownMax) return;
                       if (at < offset) blanks.append(is_wide(c.code_point) ? 2 : 1, ' ');
                       if (is_control(c.code_point)) {
                         shown += ' ';
                       } else {
                         append_utf8(c.code_point, shown);
                       }
                     });
  return fmt::format("line {}, column {}\n  {}\n  {}^", line, column, shown, blanks);
}

}  // namespace millrace

#include "matcher/case_fold.hpp"

#include <unicode/ustring.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace millrace {
namespace {

using CaseMapping = int32_t (*)(UChar*, int32_t, const UChar*, int32_t, const char*, UErrorCode*);

std::string mapped(UChar unit, CaseMapping mapping) {
  std::array<UChar, 8> out;
  UErrorCode status = U_ZERO_ERROR;
  const int32_t units = mapping(out.data(), static_cast<int32_t>(out.size()), &unit, 1, "", &status);
  std::array<char, 32> utf8;
  int32_t bytes = 0;
  u_strToUTF8(utf8.data(), static_cast<int32_t>(utf8.size()), &bytes, out.data(), units, &status);
  return {utf8.data(), static_cast<std::size_t>(bytes)};
}

char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

void append_character(std::string_view itself, UChar32 code_point, std::string& out) {
  std::vector<std::string> texts{std::string(itself)};
  if (code_point > 0 && code_point <= 0xffff) {
    texts.push_back(mapped(static_cast<UChar>(code_point), u_strToLower));
    texts.push_back(mapped(static_cast<UChar>(code_point), u_strToUpper));
  }
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  out += static_cast<char>(texts.size());
  for (const auto& text : texts) {
    out += static_cast<char>(text.size());
    out += text;
  }
}

// The places in the value that some choice of texts so far leads to; the texts of one character rarely share a length.
using Places = std::vector<std::size_t>;

std::string_view take(std::string_view& encoded, std::size_t bytes) {
  const auto out = encoded.substr(0, bytes);
  encoded.remove_prefix(bytes);
  return out;
}

std::vector<std::string_view> characters_of(std::string_view encoded) {
  std::vector<std::string_view> out;
  while (!encoded.empty()) {
    std::string_view rest = encoded;
    for (auto count = static_cast<std::uint8_t>(take(rest, 1)[0]); count > 0; --count) {
      rest.remove_prefix(static_cast<std::uint8_t>(take(rest, 1)[0]));
    }
    out.push_back(take(encoded, encoded.size() - rest.size()));
  }
  return out;
}

Places step(std::string_view character, std::string_view value, const Places& places, bool backwards) {
  Places next;
  for (auto count = static_cast<std::uint8_t>(take(character, 1)[0]); count > 0; --count) {
    const auto text = take(character, static_cast<std::uint8_t>(take(character, 1)[0]));
    for (const std::size_t place : places) {
      if (backwards ? place >= text.size() && value.substr(place - text.size(), text.size()) == text
                    : value.substr(place).starts_with(text)) {
        next.push_back(backwards ? place - text.size() : place + text.size());
      }
    }
  }
  std::sort(next.begin(), next.end());
  next.erase(std::unique(next.begin(), next.end()), next.end());
  return next;
}

}  // namespace

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::size_t find_invalid_utf8(std::string_view text) {
  if (is_ascii(text)) return text.size();
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  for (std::size_t at = 0; at < text.size();) {
    std::size_t next = at;
    UChar32 code_point = 0;
    U8_NEXT(bytes, next, text.size(), code_point);
    if (code_point < 0) return at;
    at = next;
  }
  return text.size();
}

void append_ascii_lower(std::string_view text, std::string& out) {
  for (const char c : text) out += ascii_lower(c);
}

bool equals_ascii_lower(std::string_view value, std::string_view lower) {
  return std::equal(value.begin(), value.end(), lower.begin(), lower.end(),
                    [](char v, char l) { return ascii_lower(v) == l; });
}

std::string encode_fold(std::string_view rule_text) {
  std::string out;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(rule_text.data());
  const auto size = static_cast<int32_t>(rule_text.size());
  for (int32_t at = 0; at < size;) {
    const int32_t begin = at;
    UChar32 code_point = 0;
    U8_NEXT(bytes, at, size, code_point);
    append_character(rule_text.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(at - begin)),
                     code_point, out);
  }
  return out;
}

bool fold_matches(std::string_view encoded, std::string_view value, FoldAnchor anchor) {
  const bool backwards = anchor == FoldAnchor::tail;
  auto characters = characters_of(encoded);
  if (backwards) std::reverse(characters.begin(), characters.end());
  Places places{backwards ? value.size() : 0};
  for (const auto character : characters) {
    places = step(character, value, places, backwards);
    if (places.empty()) return false;
  }
  return anchor != FoldAnchor::whole || places.back() == value.size();
}

}  // namespace millrace

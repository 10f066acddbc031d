#include "matcher/case_fold.hpp"

#include <unicode/ustring.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
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
  std::size_t size = 0;
  for (const auto& text : texts) size += 1 + text.size();
  out += static_cast<char>(size);
  for (const auto& text : texts) {
    out += static_cast<char>(text.size());
    out += text;
  }
  out += static_cast<char>(size);
}

constexpr std::size_t kNoText = std::string_view::npos;

std::size_t byte_at(const char* at) { return static_cast<unsigned char>(*at); }

// PERF: a text has a byte or two, for which a call of memcmp is too much (worst_cases: ignore_case).
bool same_bytes(const char* a, const char* b, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

// The bytes of the one text of an entry that the value begins or ends with.
template <bool backwards>
std::size_t text_in(const char* entry, std::string_view value) {
  const char* text = entry + 1;
  for (const char* const end = text + byte_at(entry); text != end;) {
    const std::size_t bytes = byte_at(text++);
    if (bytes <= value.size() && same_bytes(value.data() + (backwards ? value.size() - bytes : 0), text, bytes))
      return bytes;
    text += bytes;
  }
  return kNoText;
}

// What is left of the value behind the text; nullopt if it does not begin so.
std::optional<std::string_view> without_head(std::string_view encoded, std::string_view value) {
  const char* const end = encoded.data() + encoded.size();
  for (const char* at = encoded.data(); at != end; at += 2 + byte_at(at)) {
    const std::size_t bytes = text_in<false>(at, value);
    if (bytes == kNoText) return std::nullopt;
    value.remove_prefix(bytes);
  }
  return value;
}

bool has_tail(std::string_view encoded, std::string_view value) {
  for (const char* end = encoded.data() + encoded.size(); end != encoded.data();) {
    end -= 2 + byte_at(end - 1);
    const std::size_t bytes = text_in<true>(end, value);
    if (bytes == kNoText) return false;
    value.remove_suffix(bytes);
  }
  return true;
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
  if (anchor == FoldAnchor::tail) return has_tail(encoded, value);
  const auto rest = without_head(encoded, value);
  return rest && (anchor == FoldAnchor::head || rest->empty());
}

}  // namespace millrace

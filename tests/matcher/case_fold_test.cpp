// Which texts does a rule's text stand for, if case is ignored?
#include "matcher/case_fold.hpp"

#include <catch2/catch.hpp>

namespace millrace {
namespace {

bool equals(std::string_view rule, std::string_view value) {
  return fold_matches(encode_fold(rule), value, FoldAnchor::whole);
}

TEST_CASE("each character of the rule stands for itself, its lower and its upper case", "[matcher]") {
  const auto [rule, value, matches] = GENERATE(table<std::string, std::string, bool>({
      {"", "", true},
      {"", "x", false},
      {"EventB", "eVENTb", true},
      {"ab", "abc", false},
      {"abc", "ab", false},
      {"straße", "STRASSE", true},
      {"STRASSE", "straße", false},
      {"ß", "SS", true},
      {"ß", "ss", false},
      {"ß", "ẞ", false},
      {"\u212a", "\u212a", true},
      {"\u212a", "k", true},
      {"\u212a", "K", false},
      {"k", "\u212a", false},
      {"ı", "I", true},
      {"ı", "i", false},
      {"İ", "i\u0307", true},
      {"ſ", "S", true},
      {"Σ", "σ", true},
      {"Σ", "ς", false},
      {"ς", "Σ", true},
      {"ǅ", "ǅ", true},
      {"ﬁ", "FI", true},
      {"🚀", "🚀", true},
      {"🚀", "??", false},
      {"é", "É", true},
      {"é", "e\u0301", false},
  }));
  INFO(rule << " " << value);
  CHECK(equals(rule, value) == matches);
}

// Of one character.
std::vector<std::string_view> texts_of(std::string_view encoded) {
  std::vector<std::string_view> out;
  const auto end = 1 + static_cast<std::size_t>(static_cast<unsigned char>(encoded[0]));
  for (std::size_t at = 1; at < end;) {
    const auto bytes = static_cast<std::size_t>(static_cast<unsigned char>(encoded[at]));
    out.push_back(encoded.substr(at + 1, bytes));
    at += 1 + bytes;
  }
  return out;
}

std::string utf8(unsigned code_point) {
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  std::string out;
  if (code_point < 0x800) {
    out += static_cast<char>(0xc0 | code_point >> 6);
  } else {
    out += static_cast<char>(0xe0 | code_point >> 12);
    out += static_cast<char>(0x80 | (code_point >> 6 & 0x3f));
  }
  return out + static_cast<char>(0x80 | (code_point & 0x3f));
}

TEST_CASE("no text of a character begins or ends with another, so that a value is read one way", "[matcher]") {
  for (unsigned code_point = 1; code_point <= 0xffff; ++code_point) {
    if (code_point >= 0xd800 && code_point < 0xe000) continue;
    const std::string encoded = encode_fold(utf8(code_point));
    const auto texts = texts_of(encoded);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      for (std::size_t k = 0; k < texts.size(); ++k) {
        if (i == k) continue;
        INFO(std::hex << code_point);
        if (texts[i].starts_with(texts[k]) || texts[i].ends_with(texts[k])) FAIL();
      }
    }
  }
}

TEST_CASE("a folded text is found at the head or at the tail", "[matcher]") {
  CHECK(fold_matches(encode_fold("straße"), "STRASSEN", FoldAnchor::head));
  CHECK_FALSE(fold_matches(encode_fold("straße"), "DIE STRASSE", FoldAnchor::head));
  CHECK(fold_matches(encode_fold("straße"), "DIE STRASSE", FoldAnchor::tail));
  CHECK_FALSE(fold_matches(encode_fold("straße"), "STRASSEN", FoldAnchor::tail));
  CHECK(fold_matches(encode_fold(""), "x", FoldAnchor::head));
  CHECK(fold_matches(encode_fold(""), "x", FoldAnchor::tail));
}

TEST_CASE("plain ASCII is folded without tables", "[matcher]") {
  std::string lower;
  append_ascii_lower("aZ@[é", lower);
  CHECK(lower == "az@[é");
  CHECK(equals_ascii_lower("AbC", "abc"));
  CHECK_FALSE(equals_ascii_lower("AbCd", "abc"));
  CHECK(is_ascii("a~"));
  CHECK_FALSE(is_ascii("é"));
}

}  // namespace
}  // namespace millrace

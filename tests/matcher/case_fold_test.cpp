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

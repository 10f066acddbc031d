// JSON token by token, as strictly as AWS reads a pattern.
#include "matcher/json_cursor.hpp"

#include <catch2/catch.hpp>

namespace millrace {
namespace {

// The tokens' texts up to the end, or "!" and the offset of the error.
std::vector<std::string> tokens_of(std::string_view text) {
  JsonCursor cursor;
  cursor.reset(text);
  std::vector<std::string> out;
  for (Token token; (token = cursor.next()) != Token::end;) {
    if (token == Token::error) {
      CHECK_FALSE(cursor.reason().empty());
      out.push_back("!" + std::to_string(cursor.offset()));
      break;
    }
    out.emplace_back(cursor.text());
  }
  return out;
}

using Texts = std::vector<std::string>;

TEST_CASE("tokens come with their text, strings unescaped", "[matcher]") {
  CHECK(tokens_of(R"( { "a\n" : [ 1.0e2, true, "\u00e9" ] , "b" : {} } )") ==
        Texts{"{", "a\n", "[", "1.0e2", "true", "é", "]", "b", "{", "}", "}"});
}

TEST_CASE("what comes behind the outermost bracket is never read", "[matcher]") {
  CHECK(tokens_of("{} trailing \xff") == Texts{"{", "}"});
}

TEST_CASE("what is not JSON is refused", "[matcher]") {
  for (const auto text :
       {"{",         "{\"a\"}",  "{\"a\":}",       "{\"a\":1,}",  "{,}",           "[1,]",          "[1 2]",
        "{'a':1}",   "[01]",     "[1.]",           "[-]",         "[.5]",          "[tru]",         "[nul]",
        "[\"a]",     "[\"\t\"]", "[\"\\x\"]",      "[\"\\u12\"]", "[\"\\ud83d\"]", "[\"\\ude80\"]", "[}",
        "{\"a\":1]", "this",     "\xef\xbb\xbf{}", "[NaN]",       "[+1]"}) {
    INFO(text);
    const auto tokens = tokens_of(text);
    REQUIRE_FALSE(tokens.empty());
    CHECK(tokens.back()[0] == '!');
  }
}

TEST_CASE("nesting is bounded", "[matcher]") {
  const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  CHECK(tokens_of(nested(kJsonDepthMax)).back() == "]");
  CHECK(tokens_of(nested(kJsonDepthMax + 1)).back()[0] == '!');
}

TEST_CASE("a place is shown as line, column and caret", "[matcher]") {
  const std::string shown = show_place("{\n  \"a\": x\n}", 9);
  CHECK(shown.find("line 2, column 8") != std::string::npos);
  CHECK(shown.find("  \"a\": x") != std::string::npos);
  CHECK(shown.find('^') != std::string::npos);
}

}  // namespace
}  // namespace millrace

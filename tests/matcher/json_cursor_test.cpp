// JSON token by token, as strictly as AWS reads a pattern.
#include "matcher/json_cursor.hpp"

#include <catch2/catch.hpp>

#include "matcher/source_place.hpp"

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

TEST_CASE("whatever stands anywhere in a string is seen there", "[matcher]") {
  using Pair = std::pair<std::string, std::string>;  // as it stands in the text, as it is read; "!" if it is refused
  for (const auto& [written, read] : std::vector<Pair>{{"\x1f", "!"},
                                                       {"\x01", "!"},
                                                       {"\xff", "!"},
                                                       {"\x80", "!"},
                                                       {"\\q", "!"},
                                                       {"\\\"", "\""},
                                                       {"\\\\", "\\"},
                                                       {"\\u00e9", "é"},
                                                       {"é", "é"},
                                                       {"\x7f ", "\x7f "},
                                                       {"!#[]", "!#[]"}}) {
    for (std::size_t front = 0; front < 20; ++front) {
      for (std::size_t rest = 0; rest < 20; ++rest) {
        const std::string a(front, 'a'), b(rest, '~');
        const std::string place = std::to_string(2 + front + (written[0] == '\\' ? 1 : 0));
        INFO(a << written << b);
        CHECK(tokens_of("[\"" + a + written + b + "\"]") ==
              (read == "!" ? Texts{"[", "!" + place} : Texts{"[", a + read + b, "]"}));
      }
    }
  }
}

TEST_CASE("what comes behind the outermost bracket is never read", "[matcher]") {
  CHECK(tokens_of("{} trailing \xff") == Texts{"{", "}"});
}

TEST_CASE("what is not JSON is refused", "[matcher]") {
  for (const auto text :
       {"{",         "{\"a\"}",     "{\"a\":}", "{\"a\":1,}", "{,}",   "[1,]",           "[1 2]", "{'a':1}",
        "[01]",      "[1.]",        "[-]",      "[.5]",       "[tru]", "[nul]",          "[\"a]", "[\"\t\"]",
        "[\"\\x\"]", "[\"\\u12\"]", "[}",       "{\"a\":1]",  "this",  "\xef\xbb\xbf{}", "[NaN]", "[+1]"}) {
    INFO(text);
    const auto tokens = tokens_of(text);
    REQUIRE_FALSE(tokens.empty());
    CHECK(tokens.back()[0] == '!');
  }
}

// Recorded from event-ruler 2.0.1, which reads with Jackson.
TEST_CASE("what is wrong is said in the words of AWS's parser", "[matcher]") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"a":[1])",
       R"-(Unexpected end-of-input: expected close marker for Object (start marker at [Source: (String)"{"a":[1]"; line: 1, column: 1]))-"},
      {R"({"a":[1})",
       R"-(Unexpected close marker '}': expected ']' (for Array starting at [Source: (String)"{"a":[1}"; line: 1, column: 6]))-"},
      {R"({"a")", "Unexpected end-of-input within/between Object entries"},
      {R"({"a":[1,)", "Unexpected end-of-input within/between Array entries"},
      {R"({"a)", "Unexpected end-of-input in field name"},
      {R"({"a":[300ms]})", "Unexpected character ('m' (code 109)): was expecting comma to separate Array entries"},
      {R"({"a":[1.]})", "Unexpected character (']' (code 93)) in numeric value: Decimal point not followed by a digit"},
      {R"({"a":[-]})",
       "Unexpected character (']' (code 93)) in numeric value: expected digit (0-9) to follow minus sign, for valid "
       "numeric value"},
      {R"({"a":["\x"]})", "Unrecognized character escape 'x' (code 120)"},
      {R"({"a":["\u12G4"]})",
       "Unexpected character ('G' (code 71)): expected a hex-digit for character escape sequence"},
      {"{\"a\":[1] /",
       "Unexpected character ('/' (code 47)): maybe a (non-standard) comment? (not recognized as one "
       "since Feature 'ALLOW_COMMENTS' not enabled for parser)"},
      {"{\"a\n\":1}",
       "Illegal unquoted character ((CTRL-CHAR, code 10)): has to be escaped using backslash to be "
       "included in name"},
      {"{\x01",
       "Illegal character ((CTRL-CHAR, code 1)): only regular white space (\\r, \\n, \\t) is allowed between "
       "tokens"},
      {"[NaN]", "Non-standard token 'NaN': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow"},
      {"]", "Unexpected close marker ']': no open Array to close"},
      {R"({"a":})", "Unexpected character ('}' (code 125)): expected a value"},
      {"[é]",
       "Unrecognized token 'é': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or "
       "'false')"},
      {"{“a”:1}", "Unexpected character ('“' (code 8220 / 0x201c)): was expecting double-quote to start field name"},
  };
  for (const auto& [text, reason] : cases) {
    INFO(text);
    JsonCursor cursor;
    cursor.reset(text);
    Token token;
    do token = cursor.next();
    while (token != Token::end && token != Token::error);
    CHECK(cursor.reason() == reason);
  }
}

TEST_CASE("a name comes after what is wrong behind it, a string before what is wrong in it", "[matcher]") {
  JsonCursor cursor;
  cursor.reset(R"({"a":"x)");
  CHECK(cursor.next() == Token::start_object);
  CHECK(cursor.next() == Token::field_name);
  CHECK(cursor.text() == "a");
  CHECK(cursor.next() == Token::error);
  CHECK(cursor.failed_in_string());
  cursor.reset(R"({"a":tru)");
  CHECK(cursor.next() == Token::start_object);
  CHECK(cursor.next() == Token::error);
  CHECK_FALSE(cursor.failed_in_string());
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
  CHECK(show_place("[\"éé\",x", 8) == "line 1, column 7\n  [\"éé\",x\n        ^");
}

}  // namespace
}  // namespace millrace

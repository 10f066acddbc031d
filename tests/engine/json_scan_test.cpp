// Where does a value end? However the text is cut, and whatever its strings hold.
#include "engine/ingest/json_scan.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "tests/random.hpp"

namespace millrace {
namespace {

// The plain reading, a byte at a time; the place behind the closing bracket, or the text's size.
std::size_t end_of(const std::string& text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && depth > 0 && --depth == 0) {
      return i + 1;
    }
  }
  return text.size();
}

TEST_CASE("a value ends at the bracket that closes it, not at one in a string", "[engine]") {
  for (const std::string text : {R"({"a":"}"}x)", R"({"a":"\"}"}x)", R"({"a":"\\"}x)", R"([[],{}]x)",
                                 R"({"a\\\"}":[]}x)", "{\"a\" :\n\t{} , \"b\": [\n[], {} ,\r\n{}]}x"}) {
    JsonScan scan;
    CHECK(scan.find_close(text.data(), 0, text.size()) == text.size() - 1);
    CHECK(scan.closed());
  }
}

TEST_CASE("a value that does not balance does not end", "[engine]") {
  for (const std::string text : {R"({"a":[])", R"({"a":"})", R"({"a":"\"})", ""}) {
    JsonScan scan;
    CHECK(scan.find_close(text.data(), 0, text.size()) == text.size());
    CHECK_FALSE(scan.closed());
  }
}

TEST_CASE("a scan can be stopped at any byte and gone on with", "[engine]") {
  const auto seed = test::seed_of_run();
  test::Random random(seed);
  for (int round = 0; round < 20000; ++round) {
    std::string text = "{";
    for (std::size_t bytes = 1 + random.below(300); text.size() < bytes;) {
      text += random.of({"\"", "\\", "{", "}", "[", "]", "a", "\\\"", "\\\\", "        ", "\"abcdefgh\"", "\"\\\\\"",
                         ":", ",", ":{", ",[", " : {"});
    }
    JsonScan whole, scan;
    const std::size_t end = whole.find_close(text.data(), 0, text.size());
    std::size_t at = 0;
    std::string cuts;
    while (at < text.size() && !scan.closed() && !scan.malformed()) {
      std::size_t until = std::min(text.size(), at + 1 + random.below(round % 2 == 0 ? 5 : 140));
      cuts += std::to_string(until) + " ";
      at = scan.find_close(text.data(), at, until);
    }
    INFO("MILLRACE_TEST_SEED=" << seed << " text: " << text << " cuts: " << cuts);
    REQUIRE(scan.closed() == whole.closed());
    REQUIRE(scan.malformed() == whole.malformed());
    if (whole.closed()) {
      REQUIRE(at == end);
      REQUIRE(at == end_of(text));
    }
  }
}

TEST_CASE("a missing quote, a missing bracket and one of the wrong kind are seen where they show", "[engine]") {
  for (const std::string text : {R"({"a":[1}})", R"({"a":"x},{"b":1})", R"([{]})", R"({"a":{"b":1},{"c":2}})",
                                 R"({"a":[{}{}]})", R"({"a":{[]}})", R"([{"a":1},:{}])"}) {
    JsonScan scan;
    scan.find_close(text.data(), 0, text.size());
    INFO(text);
    CHECK(scan.malformed());
    CHECK_FALSE(scan.closed());
  }
}

TEST_CASE("brackets pair by kind at any depth", "[engine]") {
  const auto seed = test::seed_of_run();
  test::Random random(seed);
  for (int round = 0; round < 500; ++round) {
    std::string opening, closing;
    for (std::size_t depth = 1 + random.below(400); closing.size() < depth;) {
      const bool is_object = random.below(2) == 0;
      opening += is_object ? "{\"\":" : "[";
      closing.insert(0, 1, is_object ? '}' : ']');
    }
    const std::string text = opening + "0" + closing;
    JsonScan scan;
    INFO("MILLRACE_TEST_SEED=" << seed << " text: " << text);
    REQUIRE(scan.find_close(text.data(), 0, text.size()) == text.size());
    REQUIRE(scan.closed());
    std::string wrong = text;
    char& bracket = wrong[wrong.size() - 1 - random.below(closing.size())];
    bracket = bracket == '}' ? ']' : '}';
    scan.restart();
    REQUIRE(scan.find_close(wrong.data(), 0, wrong.size()) == static_cast<std::size_t>(&bracket - wrong.data() + 1));
    REQUIRE(scan.malformed());
  }
}

TEST_CASE("a backslash at a cut escapes the byte behind the cut", "[engine]") {
  for (std::size_t cut = 3; cut < 200; ++cut) {
    const std::string text = "{\"" + std::string(cut - 3, 'a') + "\\\"}\"}";
    JsonScan scan;
    REQUIRE(scan.find_close(text.data(), 0, cut) == cut);
    INFO("cut at " << cut);
    REQUIRE(scan.find_close(text.data(), cut, text.size()) == text.size());
    REQUIRE(scan.closed());
  }
}

}  // namespace
}  // namespace millrace

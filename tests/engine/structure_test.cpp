// What stands outside of strings? Every finder that this processor runs against a plain reading, however text is cut.
#include "engine/ingest/structure.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "tests/random.hpp"

namespace millrace {
namespace {

// A letter a byte: b bracket, w wrong, B both, . neither. A backslash escapes outside of strings too.
std::string plain_reading(std::string_view text) {
  std::string out;
  bool in_string = false, escaped = false, after_string = false;
  for (const char c : text) {
    const bool was_escaped = std::exchange(escaped, c == '\\' && !escaped);
    const bool quote = c == '"' && !was_escaped;
    const bool outside = !in_string && !quote;
    const bool wrong =
        (after_string && std::string_view(",:}] \n\r\t").find(c) == std::string_view::npos) || (c == '\\' && outside);
    const bool bracket = outside && std::string_view("{}[]").find(c) != std::string_view::npos;
    out += bracket ? (wrong ? 'B' : 'b') : (wrong ? 'w' : '.');
    after_string = quote && in_string;
    in_string ^= quote;
  }
  return out;
}

std::string found_by(StructureFinder finder, std::string_view text, test::Random& random, std::size_t piece) {
  std::string out;
  StringState state;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t some = std::min({text.size() - at, std::size_t{1} + random.below(piece), kStructureBytesMax});
    const std::string alone(text.substr(at, some));  // nothing readable behind
    std::array<Structure, kStructureBytesMax / 64> found;
    finder(alone.data(), some, state, found.data());
    for (std::size_t i = 0; i < some; ++i) {
      const bool bracket = (found[i / 64].brackets >> i % 64 & 1) != 0,
                 wrong = (found[i / 64].wrong >> i % 64 & 1) != 0;
      out += bracket ? (wrong ? 'B' : 'b') : (wrong ? 'w' : '.');
    }
    at += some;
  }
  return out;
}

TEST_CASE("what stands outside of strings is found at any cut", "[engine]") {
  const auto seed = test::seed_of_run();
  test::Random random(seed);
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (std::size_t bytes = 1 + random.below(900); text.size() < bytes;) {
      text += random.of({"\"", "\"", "\\", "{", "}", "[", "]", ",", ":", " ", "\n", "\r", "\t", "\\\\\\", "a", "\"b\"",
                         "\x1b\x1d;=@", "\xfb\xfd\xdb\xdd\xa2\xdc",
                         "an identifier of more than sixty-four bytes, all of one kind"});
    }
    for (const StructureFinder finder : structure_finders()) {
      INFO("MILLRACE_TEST_SEED=" << seed << " round " << round << " text: " << text);
      REQUIRE(found_by(finder, text, random, round % 2 == 0 ? 20 : 600) == plain_reading(text));
    }
  }
}

}  // namespace
}  // namespace millrace

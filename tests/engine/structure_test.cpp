// Every finder of this processor marks what a reader that goes byte by byte marks.
#include "engine/route/structure.hpp"

#include <catch2/catch.hpp>

#include "tests/random.hpp"

namespace millrace {
namespace {

struct Mark {
  char mark;
  std::size_t place;
  bool operator==(const Mark&) const = default;
};

struct Marks {
  std::vector<Mark> marks;
  bool in_string = false, backslash = false, control = false;
  bool operator==(const Marks&) const = default;
};

// A byte that a backslash stands before is never a quote, wherever it stands.
Marks oracle(std::string_view text) {
  constexpr std::string_view kOperators = "{}[]:,\x1a\f", kSpaces = " \t\r\n";
  Marks out;
  bool escaped = false, after_plain = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool quote = c == '"' && !escaped;
    const bool is_operator = kOperators.find(c) != std::string_view::npos;
    const bool plain = !is_operator && !quote && kSpaces.find(c) == std::string_view::npos;
    if (!out.in_string && (is_operator || ((plain || quote) && !after_plain)))
      out.marks.push_back({plain ? kScalarMark : c, i});
    if (quote) out.in_string = !out.in_string;
    after_plain = plain;
    out.backslash |= c == '\\';
    out.control |= static_cast<unsigned char>(c) < 0x20;
    escaped = c == '\\' && !escaped;
  }
  return out;
}

Marks found_by(StructureFinder finder, std::string_view text) {
  std::string padded(text);
  padded.append(kJsonPaddingBytes, '"');  // which no finder may look at
  Structure structure(finder);
  structure.find({padded.data(), text.size()});
  Marks out{{}, structure.ends_in_string(), structure.has_backslash(), structure.has_control()};
  for (std::size_t i = 0; i < structure.count(); ++i)
    out.marks.push_back({structure.mark(i), static_cast<std::size_t>(structure.at(i) - padded.data())});
  return out;
}

TEST_CASE("marks and places are those of the text, by every finder", "[engine]") {
  for (const StructureFinder finder : structure_finders()) {
    const Marks marks = found_by(finder, R"({"a": [1, "b\"]"]})");
    CHECK(marks.backslash);
    CHECK_FALSE(marks.control);
    CHECK(
        marks.marks ==
        std::vector<Mark>{{'{', 0}, {'"', 1}, {':', 4}, {'[', 6}, {'0', 7}, {',', 8}, {'"', 10}, {']', 16}, {'}', 17}});
  }
}

TEST_CASE("every finder agrees with the oracle on any bytes", "[engine][property]") {
  constexpr std::string_view kBytes = "\"\"\"\\\\{}[]:, \n\x1a\f\x01z0\xc3\xa9";
  const std::uint64_t seed = test::seed_of_run();
  test::Random random(seed);
  for (int round = 0; round < 3000; ++round) {
    std::string text(random.below(300), '\\');
    for (std::size_t i = random.one_in(2) ? text.size() / 2 : 0; i < text.size(); ++i)
      text[i] = kBytes[random.below(kBytes.size())];
    INFO("MILLRACE_TEST_SEED=" << seed << " round " << round);
    const Marks expected = oracle(text);
    for (const StructureFinder finder : structure_finders()) REQUIRE(found_by(finder, text) == expected);
  }
}

}  // namespace
}  // namespace millrace

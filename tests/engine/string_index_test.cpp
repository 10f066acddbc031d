// Every finder of this processor finds the strings that a reader which goes byte by byte finds.
#include "engine/route/string_index.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/random.hpp"

namespace millrace {
namespace {

struct Found {
  std::vector<std::string> strings, gaps;
  bool in_string = false, backslash = false;
  bool operator==(const Found&) const = default;
};

// A byte that a backslash stands before is never a quote, wherever it stands.
Found oracle(std::string_view text) {
  Found out{{}, {""}, false, false};
  bool escaped = false;
  for (const char c : text) {
    const bool quote = c == '"' && !escaped;
    if (quote && out.in_string) out.gaps.emplace_back();
    if (quote && !out.in_string) out.strings.emplace_back();
    if (quote) out.in_string = !out.in_string;
    if (!quote) (out.in_string ? out.strings : out.gaps).back() += c;
    out.backslash |= c == '\\';
    escaped = c == '\\' && !escaped;
  }
  if (out.in_string) out.strings.pop_back();
  return out;
}

Found found_by(QuoteFinder finder, std::string_view text) {
  std::string padded(text);
  padded.append(kJsonPaddingBytes, '"');  // which no finder may look at
  StringIndex index(finder);
  index.find({padded.data(), text.size()});
  Found out{{}, {}, index.ends_in_string(), index.has_backslash()};
  for (std::size_t i = 0; i < index.count(); ++i) {
    out.strings.emplace_back(index.string(i));
    CHECK(index.quote(i) + 1 == index.string(i).data());
  }
  for (std::size_t i = 0; i <= index.count(); ++i) out.gaps.emplace_back(index.gap(i), index.gap_end(i));
  for (std::size_t i = 1; i < index.count(); ++i) {
    const char* const gap = index.gap(i);
    CHECK(index.heads()[2 * i] == static_cast<char>(gap[0] | (gap[1] == '"' ? kQuoteFollows : 0)));
  }
  const char* const behind = index.heads() + 2 * index.count();
  CHECK(std::all_of(behind, behind + StringIndex::kHeadsSlack, [](char c) { return c == 0; }));
  return out;
}

TEST_CASE("strings and gaps are those of the text, by every finder", "[engine]") {
  for (const QuoteFinder finder : quote_finders()) {
    const Found found = found_by(finder, R"({"a": [1, "b\"]"]})");
    CHECK(found.backslash);
    CHECK(found.strings == std::vector<std::string>{"a", R"(b\"])"});
    CHECK(found.gaps == std::vector<std::string>{"{", ": [1, ", "]}"});
  }
}

TEST_CASE("every finder agrees with the oracle on any bytes", "[engine][property]") {
  constexpr std::string_view kBytes = "\"\"\"\\\\{}[]:, \n\x1a\f\x01z0\xc3\xa9";
  const std::uint64_t seed = test::seed_of_run();
  test::Random random(seed);
  for (int round = 0; round < 3000; ++round) {
    std::string text(random.below(300), '\\');
    const bool any_backslash = random.one_in(2);
    for (std::size_t i = any_backslash && random.one_in(2) ? text.size() / 2 : 0; i < text.size(); ++i)
      text[i] = kBytes[random.below(kBytes.size())];
    if (!any_backslash) std::replace(text.begin(), text.end(), '\\', '"');
    INFO("MILLRACE_TEST_SEED=" << seed << " round " << round);
    const Found expected = oracle(text);
    for (const QuoteFinder finder : quote_finders()) {
      Found found = found_by(finder, text);
      if (found.in_string) found.gaps = expected.gaps;  // the last one means nothing
      REQUIRE(found == expected);
    }
  }
}

}  // namespace
}  // namespace millrace

// Which closed ranges hold a number? Judged by looking at every range.
#include "matcher/range_index.hpp"

#include <catch2/catch.hpp>

#include "tests/random.hpp"

namespace millrace {
namespace {

TEST_CASE("the interval tree finds what a look at every range finds", "[matcher]") {
  const auto seed = test::seed_of_run();
  test::Random random(seed);
  for (int round = 0; round < 500; ++round) {
    RangeIndex<std::uint64_t> index;
    std::vector<RangeIndex<std::uint64_t>::Range> ranges;
    const std::size_t span = 1 + random.below(60);
    for (std::uint32_t i = 0, count = static_cast<std::uint32_t>(random.below(40)); i < count; ++i) {
      const std::uint64_t low = random.below(span), high = low + random.below(span);
      ranges.push_back({low, high, i});
      index.add(low, high, i);
    }
    index.build();
    REQUIRE(index.empty() == ranges.empty());
    for (std::uint64_t number = 0; number < 2 * span; ++number) {
      std::vector<std::uint32_t> expected, found;
      for (const auto& range : ranges) {
        if (range.low <= number && number <= range.high) expected.push_back(range.value);
      }
      index.query(number, [&](std::uint32_t value) { found.push_back(value); });
      std::sort(found.begin(), found.end());
      INFO("MILLRACE_TEST_SEED=" << seed << " round " << round << ", number " << number);
      REQUIRE(found == expected);
    }
  }
}

}  // namespace
}  // namespace millrace

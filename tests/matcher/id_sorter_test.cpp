#include "matcher/id_sorter.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "tests/random.hpp"

namespace millrace {
namespace {

TEST_CASE("ids are sorted, each once, whatever their count and size", "[matcher]") {
  const auto seed = test::seed_of_run();
  INFO("MILLRACE_TEST_SEED=" << seed);
  test::Random random(seed);
  IdSorter sorter;
  for (const std::uint64_t count : {0ull, 1ull, 2ull, 3ull, 255ull, 256ull, 257ull, 5000ull}) {
    for (const std::uint64_t bound : {1ull, 2ull, 1000ull, 2048ull, 1ull << 22, 1ull << 32}) {
      std::vector<std::uint32_t> ids = {9, 7, 7};  // before `begin`: not touched
      for (std::uint64_t i = 0; i < count; ++i) ids.push_back(static_cast<std::uint32_t>(random.below(bound)));
      const std::set<std::uint32_t> wanted(ids.begin() + 3, ids.end());
      sorter.sort_unique(ids, 3);
      CHECK(std::vector(ids.begin(), ids.begin() + 3) == std::vector<std::uint32_t>{9, 7, 7});
      CHECK(std::equal(ids.begin() + 3, ids.end(), wanted.begin(), wanted.end()));
    }
  }
}

TEST_CASE("ids in order stay as they are", "[matcher]") {
  std::vector<std::uint32_t> ids(1000);
  for (std::uint32_t i = 0; i < ids.size(); ++i) ids[i] = 3 * i;
  const auto wanted = ids;
  IdSorter().sort_unique(ids);
  CHECK(ids == wanted);
}

}  // namespace
}  // namespace millrace

// Every key that was put in is found, and few others are.
#include "matcher/hash_index.hpp"

#include <catch2/catch.hpp>

#include "tests/random.hpp"

namespace millrace {
namespace {

TEST_CASE("every key is found with its value, at any size of the table", "[matcher]") {
  const auto seed = test::seed_of_run();
  std::mt19937_64 random(seed);
  for (const std::uint32_t count : {0u, 1u, 2u, 3u, 63u, 64u, 65u, 1000u, 100000u}) {
    std::vector<HashIndex::Item> items;
    for (std::uint32_t i = 0; i < count; ++i) items.push_back({random(), i});
    HashIndex index;
    INFO("MILLRACE_TEST_SEED=" << seed << " count " << count);
    REQUIRE(index.build(items));
    for (const auto& item : items) REQUIRE(index.find(item.hash) == item.value);
    std::size_t chance_hits = 0;
    for (int i = 0; i < 100000; ++i) chance_hits += index.find(random()) != HashIndex::kAbsent;
    CHECK(chance_hits <= 10);
  }
}

TEST_CASE("an empty index finds nothing, built or not", "[matcher]") {
  HashIndex index;
  CHECK(index.find(0) == HashIndex::kAbsent);
  CHECK(index.find(~std::uint64_t{0}) == HashIndex::kAbsent);
  REQUIRE(index.build({}));
  CHECK(index.find(1) == HashIndex::kAbsent);
}

TEST_CASE("two keys with one tag in one probe run are refused", "[matcher]") {
  HashIndex index;
  CHECK_FALSE(index.build({{0x0000'0001'0000'0007u, 1}, {0x0000'0002'0000'0007u, 2}}));
  CHECK(index.build({{0x0000'0001'0000'0007u, 1}, {0x0000'0001'0000'0008u, 2}}));
}

}  // namespace
}  // namespace millrace

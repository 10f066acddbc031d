// A hash table within an arena: slots that are 0 or hold a number, open addressing.
//
// Its hashes are not keyed: the numbers in it are a rule's own. A value that is looked for, chosen to meet many of
// them, meets no more than stand side by side.
//
// Threads: pure. Cost: one or two slots a look-up; at most half of them are taken.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "matcher/key_hash.hpp"

namespace millrace {

inline std::size_t hash_slots_for(std::size_t count) { return std::bit_ceil(2 * count); }

inline void add_to_slots(std::span<std::uint32_t> slots, std::uint64_t hash, std::uint32_t number) {
  std::size_t at = hash & (slots.size() - 1);
  while (slots[at] != 0) at = (at + 1) & (slots.size() - 1);
  slots[at] = number;
}

// Asks of the numbers that may have this hash. REQUIRES: slots, of which some are 0.
template <typename IsIt>
bool any_in_slots(std::span<const std::uint32_t> slots, std::uint64_t hash, IsIt&& is_it) {
  for (std::size_t at = hash & (slots.size() - 1); slots[at] != 0; at = (at + 1) & (slots.size() - 1)) {
    if (is_it(slots[at])) return true;
  }
  return false;
}

}  // namespace millrace

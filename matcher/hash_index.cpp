#include "matcher/hash_index.hpp"

namespace millrace {

bool HashIndex::build(const std::vector<Item>& items) {
  constexpr std::size_t kFilterBitsPerKey = 10;
  filter_.assign(items.size() * kFilterBitsPerKey / 64 + 1, 0);
  entries_.assign(items.size() * 3 / 2 + 1, {});
  for (const Item& item : items) {
    filter_[home(item.hash, filter_.size())] |= filter_bits(item.hash);
    const auto tag = static_cast<std::uint32_t>(item.hash);
    std::size_t slot = home(item.hash, entries_.size());
    while (entries_[slot].value != kAbsent) {
      if (entries_[slot].tag == tag) return false;
      if (++slot == entries_.size()) slot = 0;
    }
    entries_[slot] = {tag, item.value};
  }
  return true;
}

std::uint32_t HashIndex::probe(std::uint64_t hash) const {
  const auto tag = static_cast<std::uint32_t>(hash);
  for (std::size_t slot = home(hash, entries_.size());;) {
    const Entry& entry = entries_[slot];
    if (entry.value == kAbsent || entry.tag == tag) return entry.value;
    if (++slot == entries_.size()) slot = 0;
  }
}

}  // namespace millrace

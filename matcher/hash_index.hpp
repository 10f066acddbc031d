// Which groups may hold for this key? One flat table for every operator that can be looked up by hash.
//
// Keys are 64-bit hashes that the caller makes with a secret of this process, so that neither rules nor events can aim
// at collisions. The table keeps no key: who finds a value checks it against the event, so a chance hit costs a check
// and nothing else.
//
// Shape. A filter of 10 bits a key that most keys fail, then linear probing over { tag:32, value:32 }:
//
//     filter  word[hash high]  must have 3 bits of the hash's low end      entry  tag = hash low, home = hash high
//
// Invariants: I1 no two keys of one table share a tag within a probe run, so the first hit is the only one;
//             I2 the table is at most 2/3 full, so a probe ends.
//
// Threads: immutable after build(). Cost: a miss is one load of the filter; 13.3 bytes a key.
// Errors:  build() says false if I1 does not hold under this secret; the caller draws another.
#pragma once

#include <cstdint>
#include <vector>

namespace millrace {

class HashIndex {
 public:
  static constexpr std::uint32_t kAbsent = 0xffffffff;
  struct Item {
    std::uint64_t hash;
    std::uint32_t value;
  };

  // REQUIRES: hashes are distinct.
  bool build(const std::vector<Item>& items);

  std::uint32_t find(std::uint64_t hash) const {
    const std::uint64_t bits = filter_bits(hash);
    if ((filter_[home(hash, filter_.size())] & bits) != bits) return kAbsent;
    return probe(hash);
  }

  std::size_t bytes() const { return filter_.size() * 8 + entries_.size() * sizeof(Entry); }

 private:
  struct Entry {
    std::uint32_t tag = 0;
    std::uint32_t value = kAbsent;
  };

  static std::uint64_t filter_bits(std::uint64_t hash) {
    return std::uint64_t{1} << (hash & 63) | std::uint64_t{1} << (hash >> 6 & 63) |
           std::uint64_t{1} << (hash >> 12 & 63);
  }
  static std::size_t home(std::uint64_t hash, std::size_t size) { return ((hash >> 32) * size) >> 32; }
  std::uint32_t probe(std::uint64_t hash) const;

  std::vector<std::uint64_t> filter_ = {0};
  std::vector<Entry> entries_ = {Entry{}};
};

}  // namespace millrace

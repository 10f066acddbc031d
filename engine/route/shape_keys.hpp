// The keys that shapes are compared by, and which keys a level's rules look at.
//
// Threads: one thread an object. Cost: 64 bytes a key that was numbered, 40 a node of the paths.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/route/shape.hpp"
#include "matcher/key_hash.hpp"
#include "matcher/path_trie.hpp"

namespace millrace {

// LIMIT: keys that shapes are compared by. Shapes with others are not kept.
constexpr std::size_t kShapeKeysMax = 4096;

class ShapeKeys {
 public:
  explicit ShapeKeys(const PathTrie& paths);

  // False of most keys that do not lead on from the node to what rules look at, and of none that does. REQUIRES: eight
  // readable bytes from the key's opening quote on.
  bool may_lead_on(NodeId node, const char* quote) const { return heads_[node].has(quote); }
  // Which bits of a key's first eight bytes, quote included, tell so.
  std::uint64_t head_mask(NodeId node) const { return heads_[node].mask; }

  // A number for a key with its quotes; kNone if it is too long, or there are too many.
  std::uint32_t number_of(std::string_view quoted);

  // 0 if the key of this number stands there. REQUIRES: 32 readable bytes.
  std::uint32_t difference(std::uint32_t number, const char* quote) const { return texts_[number].difference(quote); }

 private:
  struct alignas(64) KeyText : ShortText {
    using ShortText::ShortText;
  };
  // The first bytes that a key must have to lead on from a node, quote included, by hash; most others have others.
  struct Heads {
    std::array<std::uint64_t, 4> bits{};
    std::uint64_t mask = 0;  // of the bytes that count: up to 8, and no more than the shortest such key fills
    void add(std::string_view segment);
    bool has(const char* quote) const {
      const std::uint64_t place = place_of(quote);
      return (bits[place / 64] >> place % 64 & 1) != 0;
    }
    std::uint64_t place_of(const char* quote) const { return (load_word(quote) & mask) * 0x9e3779b97f4a7c15u >> 56; }
  };

  std::uint64_t secret_;
  std::vector<Heads> heads_;  // by node
  std::vector<KeyText> texts_;
  std::vector<std::uint16_t> slots_;  // number + 1 by hash, open addressing
};

}  // namespace millrace

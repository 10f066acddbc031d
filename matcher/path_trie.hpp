// Which keys of an event matter? The paths that rules use, as a trie over their segments.
//
// A path is split at every dot, and so is an event's key, so {"a.b": 1} and {"a": {"b": 1}} are one path.
//
// Shape. Node 0 is the root. A node has a small probe table of 32-byte entries, keyed by a segment's length and its
// first and last 8 bytes, and in front of it 256 bits that most unused keys fail:
//
//     node  [ filter | table_begin, table_mask | field ]      entry  [ first8 | last8 | bytes | child | text ]
//
// Invariants: I1 a lookup reads at most 8 bytes from the key's first byte on; the caller owns kTriePaddingBytes behind
// it.
//             I2 tables are at most half full, so a probe ends.
//
// Threads: immutable after build(). Cost: lookup under 3 ns; build linear. Errors: none.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

using FieldId = std::uint32_t;
using NodeId = std::uint32_t;
constexpr std::uint32_t kNone = 0xffffffff;
constexpr std::size_t kTriePaddingBytes = 8;

class PathTrie {
 public:
  // Field i is paths[i].
  void build(std::span<const std::string> paths);

  // The child of `node` under a segment without dots and escapes; kNone if no rule looks there.
  NodeId child(NodeId node, const char* key, std::size_t bytes) const {
    const Node& n = nodes_[node];
    const std::uint64_t first = load(key, bytes);
    const std::uint64_t last = bytes < 8 ? 0 : load(key + bytes - 8, 8);
    const std::uint64_t mixed = hash(first, last, bytes);
    if ((n.filter[mixed >> 62] >> (mixed >> 56 & 63) & 1) == 0) return kNone;
    return probe(n, key, bytes, first, last, mixed);
  }

  // The node of a whole dotted path from `node` on; kNone if there is none.
  NodeId descend(NodeId node, std::string_view dotted) const;

  FieldId field(NodeId node) const { return nodes_[node].field; }  // kNone if no rule has a leaf list here
  bool has_children(NodeId node) const { return nodes_[node].table_mask != 0; }
  std::size_t node_count() const { return nodes_.size(); }
  std::size_t bytes() const { return nodes_.size() * sizeof(Node) + entries_.size() * sizeof(Entry) + text_.size(); }

 private:
  struct Node {
    std::array<std::uint64_t, 4> filter{};
    std::uint32_t table_begin = 0, table_mask = 0;
    FieldId field = kNone;
  };
  struct Entry {
    std::uint64_t first = 0, last = 0;
    std::uint32_t bytes = 0;
    NodeId child = kNone;
    std::uint64_t text = 0;
  };

  static std::uint64_t load(const char* at, std::size_t bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    return bytes >= 8 ? word : word & ((std::uint64_t{1} << (8 * bytes)) - 1);
  }
  static std::uint64_t hash(std::uint64_t first, std::uint64_t last, std::size_t bytes) {
    return (first ^ bytes) * 0x9e3779b97f4a7c15u + last * 0xc2b2ae3d27d4eb4fu;
  }
  NodeId probe(const Node& n, const char* key, std::size_t bytes, std::uint64_t first, std::uint64_t last,
               std::uint64_t mixed) const {
    for (std::uint64_t slot = mixed >> 32;; ++slot) {
      const Entry& entry = entries_[n.table_begin + (slot & n.table_mask)];
      if (entry.child == kNone) return kNone;
      const bool same_ends = entry.first == first && entry.last == last && entry.bytes == bytes;
      if (same_ends && (bytes <= 16 || std::memcmp(key, text_.data() + entry.text, bytes) == 0)) return entry.child;
    }
  }

  std::vector<Node> nodes_;
  std::vector<Entry> entries_;
  std::string text_;
};

}  // namespace millrace

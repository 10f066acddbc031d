// Which keys of an event matter? The paths that rules use, as a trie over their segments.
//
// A path is split at every dot, and so is an event's key, so {"a.b": 1} and {"a": {"b": 1}} are one path.
//
// Shape. Node 0 is the root. A node has a small probe table, keyed by a hash of the segment under a secret of this
// trie, so that nobody can aim at collisions, and in front of it 256 bits that most unused keys fail:
//
//     node  [ filter | table_begin, table_mask | field, depth ]      entry  [ hash | bytes | child | text ]
//
// Invariant: tables are at most half full, so a probe ends.
//
// Threads: immutable after build(). Cost: a lookup hashes the key, 2 to 5 ns; build linear. Errors: none.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/key_hash.hpp"

namespace millrace {

using FieldId = std::uint32_t;
using NodeId = std::uint32_t;
constexpr std::uint32_t kNone = 0xffffffff;

class PathTrie {
 public:
  // Field i is paths[i].
  void build(std::span<const std::string> paths);

  // The child of `node` under a segment without dots and escapes; kNone if no rule looks there.
  NodeId child(NodeId node, const char* key, std::size_t bytes) const {
    const Node& n = nodes_[node];
    const std::uint64_t hash = text_hash(secret_, {key, bytes});
    if ((n.filter[hash >> 62] >> (hash >> 56 & 63) & 1) == 0) return kNone;
    return probe(n, {key, bytes}, hash);
  }

  // The node of a whole dotted path from `node` on; kNone if there is none.
  NodeId descend(NodeId node, std::string_view dotted) const;

  // Visits the segment of each child, in no order.
  template <typename Visit>
  void for_each_child(NodeId node, Visit&& visit) const {
    if (!has_children(node)) return;
    for (std::uint32_t i = 0; i <= nodes_[node].table_mask; ++i) {
      const Entry& entry = entries_[nodes_[node].table_begin + i];
      if (entry.child != kNone) visit(std::string_view(text_.data() + entry.text, entry.bytes));
    }
  }

  FieldId field(NodeId node) const { return nodes_[node].field; }        // kNone if no rule has a leaf list here
  std::uint32_t depth(NodeId node) const { return nodes_[node].depth; }  // segments from the root
  bool has_children(NodeId node) const { return nodes_[node].table_mask != 0; }
  std::size_t node_count() const { return nodes_.size(); }
  std::size_t bytes() const { return nodes_.size() * sizeof(Node) + entries_.size() * sizeof(Entry) + text_.size(); }

 private:
  struct Node {
    std::array<std::uint64_t, 4> filter{};
    std::uint32_t table_begin = 0, table_mask = 0;
    FieldId field = kNone;
    std::uint32_t depth = 0;
  };
  struct Entry {
    std::uint64_t hash = 0;
    std::uint32_t bytes = 0;
    NodeId child = kNone;
    std::uint64_t text = 0;
  };

  NodeId probe(const Node& n, std::string_view key, std::uint64_t hash) const {
    for (std::uint64_t slot = hash;; ++slot) {
      const Entry& entry = entries_[n.table_begin + (slot & n.table_mask)];
      if (entry.child == kNone) return kNone;
      if (entry.hash == hash && equal_texts(key, {text_.data() + entry.text, entry.bytes})) return entry.child;
    }
  }

  std::vector<Node> nodes_;
  std::vector<Entry> entries_;
  std::string text_;
  std::uint64_t secret_ = 0;
};

}  // namespace millrace

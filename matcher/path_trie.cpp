#include "matcher/path_trie.hpp"

#include <bit>
#include <map>

#include "matcher/secret.hpp"

namespace millrace {
namespace {

struct Draft {
  std::map<std::string, NodeId, std::less<>> children;
  FieldId field = kNone;
  std::uint32_t depth = 0;
};

std::vector<Draft> draft_of(std::span<const std::string> paths) {
  std::vector<Draft> drafts(1);
  for (FieldId field = 0; field < paths.size(); ++field) {
    NodeId node = 0;
    std::string_view rest = paths[field];
    for (bool more = true; more;) {
      const auto dot = rest.find('.');
      more = dot != std::string_view::npos;
      const auto [at, added] = drafts[node].children.try_emplace(std::string(rest.substr(0, dot)), drafts.size());
      const std::uint32_t depth = drafts[node].depth + 1;
      node = at->second;
      if (added) drafts.emplace_back().depth = depth;
      if (more) rest.remove_prefix(dot + 1);
    }
    drafts[node].field = field;
  }
  return drafts;
}

}  // namespace

void PathTrie::build(std::span<const std::string> paths) {
  const auto drafts = draft_of(paths);
  secret_ = fresh_secret();
  nodes_.assign(drafts.size(), {});
  entries_.clear();
  text_.clear();
  for (const Draft& draft : drafts) {
    for (const auto& [key, child] : draft.children) text_ += key;
  }
  std::size_t text_at = 0;
  for (NodeId id = 0; id < drafts.size(); ++id) {
    Node& node = nodes_[id];
    node.field = drafts[id].field;
    node.depth = drafts[id].depth;
    node.table_begin = static_cast<std::uint32_t>(entries_.size());
    if (drafts[id].children.empty()) continue;
    node.table_mask = static_cast<std::uint32_t>(std::bit_ceil(2 * drafts[id].children.size()) - 1);
    entries_.resize(entries_.size() + node.table_mask + 1);
    for (const auto& [key, child] : drafts[id].children) {
      const std::uint64_t hashed = text_hash(secret_, key);
      const Entry entry{hashed, static_cast<std::uint32_t>(key.size()), child, text_at};
      text_at += key.size();
      node.filter[hashed >> 62] |= std::uint64_t{1} << (hashed >> 56 & 63);
      std::uint64_t slot = hashed;
      while (entries_[node.table_begin + (slot & node.table_mask)].child != kNone) ++slot;
      entries_[node.table_begin + (slot & node.table_mask)] = entry;
    }
  }
}

// PERF: few keys have a dot.
NodeId PathTrie::descend(NodeId node, std::string_view dotted) const {
  if (!has_children(node)) return kNone;
  if (const NodeId whole = child(node, dotted.data(), dotted.size()); whole != kNone) return whole;
  for (std::size_t at = 0; node != kNone;) {
    const auto dot = std::min(dotted.find('.', at), dotted.size());
    node = has_children(node) ? child(node, dotted.data() + at, dot - at) : kNone;
    if (dot == dotted.size()) break;
    at = dot + 1;
  }
  return node;
}

}  // namespace millrace

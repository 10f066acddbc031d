// Walks one JSON object along the paths that rules use and collects their leaves; every other subtree is stepped over.
//
// The walk follows the structural index, so it touches one byte a bracket, comma, colon or value. What it looks into it
// checks; what it steps over it only balances. An object that it refuses is not JSON (or too deep); one that it accepts may
// still be wrong where no rule looks.
//
// Threads: one thread an object.
// Cost:    about 0.5 ns a structural character, 2 ns a key on a level that rules look at.
// Errors:  walk() says false; validate the text to learn why.
#pragma once

#include <cstdint>

#include "matcher/event_fields.hpp"
#include "matcher/path_trie.hpp"

namespace millrace {

class Walker {
 public:
  Walker(const PathTrie& paths, EventFields& fields) : paths_(paths), fields_(fields) {}

  // Walks the object whose brace is at index[0]; `end` is the offset behind it. On success `index` stands behind its
  // closing brace, otherwise where it stood. REQUIRES: offsets ascend and one of them is `end` or more.
  bool walk(const char* data, const std::uint32_t*& index, std::uint32_t end, NodeId root);

  // Notes whether a walk comes by this node.
  void watch(NodeId node) { watched_ = node; }
  bool came_by() const { return came_by_; }

 private:
  using Cursor = const std::uint32_t*;  // into the index; null once the text is refused

  Cursor object(Cursor i, NodeId node);
  Cursor array(Cursor i, NodeId node);
  Cursor value(Cursor i, NodeId node);
  Cursor scalar(Cursor i, FieldId field);
  Cursor skip(Cursor i) const;
  bool string(FieldId field, std::uint32_t begin, std::uint32_t last);
  bool token(FieldId field, std::string_view text);
  bool unusual_child(NodeId node, std::string_view key, NodeId& child);

  const PathTrie& paths_;
  EventFields& fields_;
  const char* data_ = nullptr;
  std::uint32_t end_ = 0;
  std::size_t depth_ = 0;
  NodeId watched_ = kNone;
  bool came_by_ = false;
};

// The grammar of a JSON number.
bool is_json_number(std::string_view text);

}  // namespace millrace

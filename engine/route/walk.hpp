// Walks one JSON object along the paths that rules use and collects their leaves; every other subtree is stepped over.
//
// The walk follows the structural index, so it touches one byte a bracket, comma, colon or value. What it looks into it
// checks; what it steps over it only balances. An object that it refuses is not JSON (or too deep); one that it accepts
// may still be wrong where no rule looks.
//
// Records of one log look alike, so the walker expects the keys of a level in the order in which it saw them last and
// confirms each with two words' comparison; a key that comes otherwise is looked up.
//
// Threads: one thread an object.
// Cost:    about 0.5 ns a structural character, 2 ns a key on a level that rules look at.
// Errors:  walk() says false; validate the text to learn why.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "matcher/event_fields.hpp"
#include "matcher/path_trie.hpp"

namespace millrace {

class Walker {
 public:
  Walker(const PathTrie& paths, EventFields& fields);

  // Walks the object whose brace is at index[0]; `end` is the offset behind it. On success `index` stands behind its
  // closing brace, otherwise where it stood. REQUIRES: offsets ascend and one of them is `end` or more.
  bool walk(const char* data, const std::uint32_t*& index, std::uint32_t end, NodeId root);

  // Only fields with a 1 are collected from now on; `wanted` has one byte a field and outlives its use.
  void collect(const std::uint8_t* wanted) { wanted_ = wanted; }

  // Notes whether a walk comes by this node.
  void watch(NodeId node) { watched_ = node; }
  bool came_by() const { return came_by_; }

 private:
  // A key that is expected next, of 16 bytes at most, and where it leads.
  struct Expected {
    std::uint64_t first = 0, second = 0, first_mask = 0, second_mask = 0;
    std::uint32_t bytes = kNone;
    NodeId child = kNone;
  };
  static constexpr std::size_t kExpectedMax =
      40;  // LIMIT: keys remembered of a level; CloudTrail records have up to 30
  static constexpr std::size_t kSequencesMax = 64;  // LIMIT: levels remembered, 2 KiB each
  struct Sequence {
    std::array<Expected, kExpectedMax + 2> keys;  // two that nothing equals stand behind the last
    std::size_t count = 0;
    std::uint64_t surprises = 0, patience = 1;
    bool learning = true;
  };

  using Cursor = const std::uint32_t*;  // into the index; null once the text is refused

  Cursor object(Cursor i, NodeId node);
  Cursor array(Cursor i, NodeId node);
  Cursor value(Cursor i, NodeId node);
  Cursor scalar(Cursor i, FieldId field);
  Cursor skip(Cursor i) const;
  Cursor step_over(Cursor i) const;
  Sequence& sequence_of(NodeId node);
  void note_surprise(Sequence& sequence);
  bool look_up(NodeId node, const char* key, std::size_t bytes, NodeId& child);
  static bool equals(const Expected& expected, const char* key, std::size_t bytes);
  static void learn(Sequence& sequence, const char* key, std::size_t bytes, NodeId child);
  bool string(FieldId field, std::uint32_t begin, std::uint32_t last);
  bool token(FieldId field, std::string_view text);

  const PathTrie& paths_;
  EventFields& fields_;
  const char* data_ = nullptr;
  std::uint32_t end_ = 0;
  std::size_t depth_ = 0;
  const std::uint8_t* wanted_ = nullptr;  // all fields, if null
  NodeId watched_ = kNone;
  bool came_by_ = false;
  std::vector<std::uint8_t> sequence_ids_;  // by node; 0 is the one that is never learned
  std::vector<std::unique_ptr<Sequence>> sequences_;
};

// The grammar of a JSON number.
bool is_json_number(std::string_view text);

}  // namespace millrace

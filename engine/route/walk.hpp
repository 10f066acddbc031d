// Walks the text of one JSON object along the paths that rules use and collects their leaves; every other subtree is
// stepped over.
//
// There is no index: the walk reads the text itself, once, and of what it steps over it reads only quotes and brackets.
// What it looks into it checks. An object that it refuses is not JSON (or too deep); one that it accepts may still be
// wrong where no rule looks.
//
// Records of one log look alike. Of each level the walker remembers the keys and which of them came behind which, so an
// expected key is confirmed by comparing it, colon and all; a key that comes otherwise is looked up. Where an object
// repeats from record to record, as the user's does, its text is compared with the last one, and the leaves are the
// same.
//
// Threads: one thread an object.
// Cost:    2 ns a key on a level that rules look at, 0.1 ns a byte of what is stepped over, less of what repeats; at
// most
//          kLevelsMax x kKeysMax x (128 + kRememberedBytesMax) bytes remembered.
// Errors:  walk() says null; validate the text to learn why.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/route/text_scan.hpp"
#include "matcher/event_fields.hpp"
#include "matcher/path_trie.hpp"

namespace millrace {

class Walker {
 public:
  Walker(const PathTrie& paths, EventFields& fields);

  // Walks the object that opens at `at`; the place behind its closing brace. REQUIRES: kJsonPaddingBytes readable bytes
  // behind `end`.
  const char* walk(const char* at, const char* end, NodeId root);

  // Only fields with a 1 are collected; `wanted` has one byte a field and outlives the walker. Called before the first
  // walk.
  void collect(const std::uint8_t* wanted) { wanted_ = wanted; }

  // Notes whether a walk comes by this node. Called before the first walk.
  void watch(NodeId node) { watched_ = node; }
  bool came_by() const { return came_by_; }

 private:
  static constexpr std::size_t kKeyBytesMax = 32;  // LIMIT: of a remembered key, its quotes and colon included
  static constexpr std::size_t kKeysMax = 64;    // LIMIT: keys remembered of a level; CloudTrail records have up to 30
  static constexpr std::size_t kLevelsMax = 64;  // LIMIT: levels remembered
  static constexpr std::size_t kRememberedBytesMax = 2048;  // LIMIT: of a remembered container
  static constexpr std::int32_t kTrustMax = 16, kTrustLost = -512;

  // A container as it last stood behind its key, with the byte behind it, and the leaves it had; their places count
  // from its first byte.
  struct Remembered {
    struct Place {
      FieldId field;
      LeafKind kind;
      std::uint32_t begin, bytes;
    };
    std::uint32_t bytes = 0;         // 0: nothing is remembered
    std::int32_t trust = kTrustMax;  // in its repeating; below 0 it is left alone for so many times
    std::array<char, kRememberedBytesMax + 32> text;
    std::vector<Place> leaves;
  };
  struct Key {
    std::array<char, kKeyBytesMax> text{};
    std::uint32_t significant = ~0u;  // bit i: byte i of the text must be equal
    std::uint32_t bytes = 0;
    NodeId child = kNone;
    FieldId field = kNone;       // of the child, if it is wanted
    std::array<Key*, 2> next{};  // keys that came behind this one, the last one first
    std::unique_ptr<Remembered> container;
  };
  // Key 0 is nobody's text: it stands before the first key, and for "not known".
  struct Level {
    std::array<Key, kKeysMax> keys;
    std::array<std::uint8_t, 2 * kKeysMax> slots{};  // key by hash, open addressing
    std::uint8_t count = 1;
    Level() {
      for (Key& key : keys) key.next = {keys.data(), keys.data()};
    }
  };

  const char* object(const char* at, NodeId node);
  const char* array(const char* at, NodeId node);
  const char* value(const char* at, NodeId node);
  const char* string(const char* at, FieldId field);
  const char* token(const char* at, FieldId field);
  const char* container(const char* at, Key& key);
  const char* step_over(const char* at) const;
  const char* behind_space(const char* at) const;
  FieldId wanted_field(NodeId node) const;

  Level& level_of(NodeId node);
  const char* unexpected_key(const char* at, NodeId node, Level& level, Key*& key, NodeId& child);
  Key* remembered_key(Level& level, std::string_view quoted, NodeId node);
  static bool stands_at(const Key& key, const char* at);
  bool repeats(const Remembered& last, const char* at) const;
  void remember(Remembered& last, const char* at, const char* behind, LeafId first_leaf) const;

  const PathTrie& paths_;
  EventFields& fields_;
  const char* end_ = nullptr;
  std::size_t depth_ = 0;
  const std::uint8_t* wanted_ = nullptr;  // all fields, if null
  NodeId watched_ = kNone;
  bool came_by_ = false;
  std::vector<std::uint8_t> level_ids_;  // by node; 0 is not known yet
  std::vector<std::unique_ptr<Level>> levels_;
};

// The grammar of a JSON number.
bool is_json_number(std::string_view text);

}  // namespace millrace

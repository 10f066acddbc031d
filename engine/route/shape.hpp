// What records of one structure have in common: which marks lead to leaves of which fields.
//
// Records of one log look alike. The first time a structure is seen it is read: its grammar is checked to the end, and
// the keys of the levels that rules look at are looked up. After that, a record with the same marks, and the same
// keys at the same places where a key leads on to something wanted, has its leaves at the same places: it is recognised
// by comparing, without a branch a member.
//
//     marks   {":",":{":"},":["]}         keys   2: "eventName" ...        steps   string of field 3 at 6, ...
//
// Threads: one thread an object. Cost: reading takes about 2 ns a mark and 10 a key that rules look at; recognising,
//          below 0.1 ns a mark and 1 a key. A shape takes 4 bytes a key, 8 a leaf and one a mark; ShapeTable keeps at
//          most kShapesMax of up to kShapeMarksMax marks.
// Errors:  read() says false if the text is no JSON object by its marks, or too deep.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/route/structure.hpp"
#include "matcher/event_fields.hpp"
#include "matcher/path_trie.hpp"

namespace millrace {

// LIMIT: of a shape that is kept; a CloudTrail record has 140 marks.
constexpr std::size_t kShapeMarksMax = 2048;
// LIMIT: shapes kept by a walker; a bucket of logs has hundreds.
constexpr std::size_t kShapesMax = 2048;
// LIMIT: keys that shapes are compared by, and the bytes of one, its quotes included. Shapes with others are not kept.
constexpr std::size_t kShapeKeysMax = 4096, kShapeKeyBytesMax = 32;

constexpr std::size_t kMembersMax = 16;

struct Shape {
  enum class Kind : std::uint8_t { string, scalar, open_array, close_array, open_element, close_element };
  struct Step {
    Kind kind;
    std::uint32_t mark;
    FieldId field;
  };
  struct Key {
    std::uint32_t mark, key;  // of the shape, of the table's keys
  };
  struct Other {
    std::uint32_t mark;
    NodeId node;
  };

  std::span<const char> marks;    // and 32 bytes that can be read behind them
  std::span<const Key> keys;      // that lead on to what is wanted, or look like it
  std::span<const Other> others;  // keys that do not, on levels where some do
  std::span<const Leaf> leaves;   // of the steps, chained, without their texts, if all steps are strings; else empty
  std::span<const Step> steps;
  bool has_watched = false;                          // the watched node was there
  std::array<std::uint32_t, kMembersMax> members{};  // the mark of the first value of each, 0 if there is none
};

// What a reader is asked to note.
struct ShapeWants {
  const PathTrie& paths;
  std::vector<std::uint8_t> fields;     // by field: its leaves are wanted
  std::vector<std::uint8_t> member_of;  // by node: number of the member + 1, 0 if it is none
  NodeId watched = kNone;
};

class ShapeTable {
 public:
  explicit ShapeTable(ShapeWants wants);

  // The shape of this text, kept or read now; null if it is no JSON object. Valid until the next call.
  const Shape* find(const Structure& text, NodeId root);

 private:
  static constexpr std::size_t kWays = 4, kSets = kShapesMax / kWays, kSeen = 1024;

  // A shape and all that it refers to in one piece of memory. PERF: it is one way to the second-level cache.
  struct FreeShape {
    void operator()(const Shape* shape) const { ::operator delete (const_cast<Shape*>(shape), std::align_val_t{64}); }
  };
  using KeptShape = std::unique_ptr<const Shape, FreeShape>;
  // Shapes that share a hash's low bits.
  struct alignas(64) Set {
    std::array<std::uint64_t, kWays> hashes{};
    std::array<KeptShape, kWays> shapes;
  };
  struct alignas(64) KeyText {
    std::array<char, kShapeKeyBytesMax> text{};
    std::uint32_t significant = 0;  // bit i: byte i must be equal
  };
  // The first bytes that a key must have to lead on from a node, quote included, by hash; most others have others.
  struct KeyHeads {
    std::array<std::uint64_t, 4> bits{};
    std::uint64_t mask = 0;  // of the bytes that count: up to 8, and no more than the shortest such key fills
    void add(std::string_view segment);
    bool has(const char* quote) const {
      const std::uint64_t place = place_of(quote);
      return (bits[place / 64] >> place % 64 & 1) != 0;
    }
    std::uint64_t place_of(const char* quote) const {
      std::uint64_t head;
      std::memcpy(&head, quote, sizeof(head));
      return (head & mask) * 0x9e3779b97f4a7c15u >> 56;
    }
  };
  // Shapes that were read once, by hash of marks and keys; the oldest of a few that share its low bits goes.
  struct Seen {
    std::array<std::uint32_t, 4> hashes{};
    std::uint32_t next = 0;
  };

  bool fits(const Shape& shape, const Structure& text) const;
  static bool any_escaped(const Shape& shape, const Structure& text);
  std::uint32_t key_of(std::string_view quoted);
  bool read(const Structure& text, NodeId root);
  void keep(const Structure& text, std::uint64_t hash);
  KeptShape copy_of(const Shape& shape, std::span<const Leaf> leaves) const;
  void chain_leaves();
  bool was_seen(std::uint64_t hash);

  bool object(const Structure& text, std::size_t& i, NodeId node, bool in_array);
  bool array(const Structure& text, std::size_t& i, NodeId node);
  bool value(const Structure& text, std::size_t& i, NodeId node, bool in_array);
  bool key(const Structure& text, std::size_t i, NodeId node, NodeId& child);

  ShapeWants wants_;
  std::uint64_t secret_;
  std::vector<Set> sets_;
  std::uint32_t kept_ = 0;  // whose low bits choose the shape of a set that is replaced
  std::vector<Seen> seen_;
  std::vector<KeyText> keys_;
  std::vector<std::uint16_t> key_slots_;  // key + 1 by hash, open addressing
  std::vector<KeyHeads> heads_;           // by node
  std::size_t depth_ = 0;
  std::uint64_t keys_hash_ = 0;
  // What is being read, and what it refers to.
  Shape reading_;
  bool keepable_ = true;
  std::vector<Shape::Key> keys_read_;
  std::vector<Shape::Other> others_read_;
  std::vector<Shape::Step> steps_read_;
  std::vector<Leaf> leaves_read_;
  std::string unescaped_;
};

}  // namespace millrace

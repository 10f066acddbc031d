// What texts of one shape have in common: where the leaves of which fields are.
//
// Records of one log look alike. The first time a shape is seen it is read: its grammar is checked to the end, and
// the keys of the levels that rules look at are looked up. After that, a text with the same gaps between its strings,
// whatever scalars they hold, and the same keys where a key leads on to something wanted, has its leaves at the same
// places: it is recognised by comparing, without a branch a member.
//
//     text  {"eventName":"Get","x":{"n":12}}
//     gaps  {  :  ,  :{  :scalar}}     keys  0 "eventName"     steps  string 1
//
// Invariant: I1 a text that fits a shape is JSON but for what its strings hold: its gaps were compared to the last
//               byte, or are scalars.
//
// Threads: one thread an object. Cost: reading takes about 3 ns a token and 10 a key that rules look at; recognising,
//          about 45 ns a CloudTrail record. A shape takes 2 bytes a string, 8 or 24 a key, 24 a leaf and 24 to 88 a gap
//          of more than one byte; ShapeTable keeps at most kShapesMax of up to kShapeStringsMax strings.
// Errors:  read() says false if the text is no JSON object by its gaps, or too deep.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/route/string_index.hpp"
#include "engine/route/text_scan.hpp"
#include "matcher/event_fields.hpp"
#include "matcher/key_hash.hpp"
#include "matcher/path_trie.hpp"

namespace millrace {

// LIMIT: of a shape that is kept, its strings and its gaps with more than one byte; a CloudTrail record has 60 and 12.
constexpr std::size_t kShapeStringsMax = 1024, kShapeGapsMax = 128;
// LIMIT: shapes kept by a walker; a bucket of logs has hundreds.
constexpr std::size_t kShapesMax = 2048;
// LIMIT: keys that shapes are compared by. Shapes with others are not kept.
constexpr std::size_t kShapeKeysMax = 4096;

constexpr std::size_t kMembersMax = 16;

// A piece of text that is compared at once.
struct ShortText {
  static constexpr std::size_t kBytesMax = 32;
  std::array<char, kBytesMax> text{};
  std::uint32_t significant = 0;  // bit i: byte i must be equal
  std::uint32_t bytes = 0;

  ShortText() = default;
  explicit ShortText(std::string_view from)
      : significant(static_cast<std::uint32_t>((std::uint64_t{1} << from.size()) - 1)),
        bytes(static_cast<std::uint32_t>(from.size())) {
    std::copy(from.begin(), from.end(), text.begin());
  }
  // 0 if it stands there. REQUIRES: 32 readable bytes.
  std::uint32_t difference(const char* at) const { return ~Bytes32(at).equal(Bytes32(text.data())) & significant; }
};

struct Shape {
  enum class Kind : std::uint8_t { none, string, scalar, open_array, close_array, open_element, close_element };
  // A string of the text, or one of the scalars that are wanted of it, by order.
  struct Value {
    Kind kind = Kind::none;
    std::uint32_t index = 0;
  };
  struct Step {
    Value value;
    FieldId field;
  };
  struct ChainedString {
    std::uint32_t string;
    FieldId field;
    LeafId next;  // of the same field
  };
  struct Key {
    std::uint32_t string, key;  // of the text, of the table's keys
  };
  struct Other {
    std::uint32_t string;
    NodeId node;
    std::uint64_t head, mask;  // its first bytes, and which of them count
  };
  // A gap of fixed text: of up to six bytes, quotes included; or of any other that a head does not tell all of.
  struct QuotedGap {
    std::uint32_t behind;  // the string before it
    std::uint64_t text, mask;
  };
  struct FixedGap {
    std::uint32_t gap;
    ShortText text;
  };
  // A gap with one scalar.
  struct ScalarGap {
    std::uint32_t gap;
    bool wanted;
    ShortText before, behind;
  };

  std::span<const char> heads;  // as StringIndex has them
  std::span<const QuotedGap> quoted_gaps;
  std::span<const FixedGap> fixed_gaps;
  std::span<const ScalarGap> scalar_gaps;
  std::span<const Key> keys;               // that lead on to what is wanted, or look like it
  std::span<const Other> others;           // keys that do not, on levels where some do
  std::span<const ChainedString> chained;  // the steps, if all of them are strings; else empty
  std::span<const Step> steps;
  bool has_watched = false;                  // the watched node was there
  std::array<Value, kMembersMax> members{};  // the first value of each
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
  const Shape* find(const StringIndex& text, NodeId root);

  // A scalar that is wanted of the text that was found last.
  std::string_view scalar(std::uint32_t index) const { return scalars_[index]; }

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
  struct alignas(64) KeyText : ShortText {
    using ShortText::ShortText;
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
    std::uint64_t place_of(const char* quote) const { return (load_word(quote) & mask) * 0x9e3779b97f4a7c15u >> 56; }
  };
  // Shapes that were read once, by hash of marks and keys; the oldest of a few that share its low bits goes.
  struct Seen {
    std::array<std::uint32_t, 4> hashes{};
    std::uint32_t next = 0;
  };

  bool fits(const Shape& shape, const StringIndex& text);
  bool scalars_fit(std::span<const Shape::ScalarGap> gaps, const StringIndex& text);
  bool others_lead_on(std::span<const Shape::Other> others, const StringIndex& text) const;
  static bool any_escaped(const Shape& shape, const StringIndex& text);
  std::uint32_t key_of(std::string_view quoted);
  bool read(const StringIndex& text, NodeId root);
  void keep(const StringIndex& text, std::uint64_t hash);
  KeptShape copy_of(const Shape& shape) const;
  void chain_strings();
  bool was_seen(std::uint64_t hash);

  // Reading goes from token to token: brackets, colons, commas, strings and scalars.
  char next();
  void take() { ++at_; }
  std::uint32_t take_string();
  bool take_scalar(bool wanted);
  void enter_gap(std::size_t gap);
  void note_gap();

  bool object(NodeId node, bool in_array);
  bool array(NodeId node);
  bool value(NodeId node, bool in_array);
  bool key(NodeId node, NodeId& child);

  ShapeWants wants_;
  std::uint64_t secret_;
  std::vector<Set> sets_;
  std::uint32_t kept_ = 0;  // whose low bits choose the shape of a set that is replaced
  std::vector<Seen> seen_;
  std::vector<KeyText> keys_;
  std::vector<std::uint16_t> key_slots_;  // key + 1 by hash, open addressing
  std::vector<KeyHeads> heads_;           // by node
  std::vector<std::string_view> scalars_;
  // What is being read, and how far.
  const StringIndex* text_ = nullptr;
  std::size_t gap_ = 0, depth_ = 0;
  const char *at_ = nullptr, *gap_end_ = nullptr;
  std::size_t gap_scalars_ = 0;  // of the gap, so far
  std::string_view gap_scalar_;  // the last of them
  bool gap_scalar_wanted_ = false;
  std::uint64_t keys_hash_ = 0;
  Shape reading_;
  bool keepable_ = true;
  bool any_unwrapped_ = false;  // some steps are of no kind
  std::vector<Shape::QuotedGap> quoted_gaps_read_;
  std::vector<Shape::FixedGap> fixed_gaps_read_;
  std::vector<Shape::ScalarGap> scalar_gaps_read_;
  std::vector<Shape::Key> keys_read_;
  std::vector<Shape::Other> others_read_;
  std::vector<Shape::Step> steps_read_;
  std::vector<Shape::ChainedString> chained_read_;
  std::string unescaped_;
};

}  // namespace millrace

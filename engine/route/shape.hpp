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
// shape_reader reads a text and its shape; shape_table keeps shapes and recognises what has them.
//
// Threads: plain data. Cost: a shape takes 2 bytes a string, 8 or 24 a key, 24 a leaf and 24 to 88 a gap of more than
// one byte.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/route/text_scan.hpp"
#include "matcher/event_fields.hpp"
#include "matcher/path_trie.hpp"

namespace millrace {

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
  // A string of the text, or one of the scalars that are wanted of it, by order. Of an array that is opened, `index` is
  // the depth of its path.
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

}  // namespace millrace

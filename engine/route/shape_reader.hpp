// Reads a text from token to token, checks its grammar to the end, and notes its shape.
//
// Threads: one thread an object. Cost: about 3 ns a token and 10 a key that rules look at. Errors: read() says false if
// the text is no JSON object by its gaps, or deeper than kJsonDepthMax.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/route/shape.hpp"
#include "engine/route/shape_keys.hpp"
#include "engine/route/string_index.hpp"
#include "matcher/path_trie.hpp"

namespace millrace {

// LIMIT: of a shape that is kept, its strings and its gaps with more than one byte; a CloudTrail record has 60 and 12.
constexpr std::size_t kShapeStringsMax = 1024, kShapeGapsMax = 128;

// What a reader is asked to note.
struct ShapeWants {
  const PathTrie& paths;
  std::vector<std::uint8_t> fields;     // by field: its leaves are wanted
  std::vector<std::uint8_t> member_of;  // by node: number of the member + 1, 0 if it is none
  NodeId watched = kNone;
};

class ShapeReader {
 public:
  // Writes the scalars that are wanted of a text to `scalars`. `keys` outlives the object.
  ShapeReader(ShapeWants wants, ShapeKeys& keys, std::vector<std::string_view>& scalars);

  bool read(const StringIndex& text, NodeId root);

  // Of the text read last, until the next.
  const Shape& shape() const { return shape_; }
  bool is_keepable() const { return keepable_; }
  std::uint64_t keys_hash() const { return keys_hash_; }    // of the keys that it is compared by
  std::span<const Shape::ChainedString> chained_strings();  // the steps, if all of them are strings; else empty

 private:
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
  ShapeKeys& keys_;
  std::vector<std::string_view>& scalars_;
  std::uint64_t secret_;
  const StringIndex* text_ = nullptr;
  std::size_t gap_ = 0, depth_ = 0;
  const char *at_ = nullptr, *gap_end_ = nullptr;
  std::size_t gap_scalars_ = 0;  // of the gap, so far
  std::string_view gap_scalar_;  // the last of them
  bool gap_scalar_wanted_ = false;
  std::uint64_t keys_hash_ = 0;
  Shape shape_;
  bool keepable_ = true;
  bool any_unwrapped_ = false;  // some steps are of no kind
  std::vector<Shape::QuotedGap> quoted_gaps_;
  std::vector<Shape::FixedGap> fixed_gaps_;
  std::vector<Shape::ScalarGap> scalar_gaps_;
  std::vector<Shape::Key> shape_keys_;
  std::vector<Shape::Other> others_;
  std::vector<Shape::Step> steps_;
  std::vector<Shape::ChainedString> chained_;
  std::string unescaped_;
};

}  // namespace millrace

// Walks one JSON object along the paths that rules use and collects their leaves.
//
// What it checks: the brackets, colons, commas and quotes of the whole text, the escapes of the strings that it
// collects or looks up, and the grammar of the numbers and literals that it collects. What it does not: the rest of the
// text's strings and scalars, and UTF-8; is_valid_json() does.
//
// Members of the object can be asked for without being leaves of a field: members() of the constructor.
//
// Threads: one thread an object. Cost: what a shape costs (shape.hpp), and about 3 ns a leaf.
// Errors:  walk() says false if the text is not JSON, or deeper than kJsonDepthMax; JsonValidator says why.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "engine/route/shape.hpp"
#include "engine/route/structure.hpp"
#include "matcher/event_fields.hpp"
#include "matcher/path_trie.hpp"

namespace millrace {

class Walker {
 public:
  // Collects the leaves of fields with a 1 in `wanted`, which has one byte a field. `members`: nodes that member() is
  // asked for, at most kMembersMax; `watched`: has_watched() tells whether the object has anything there.
  Walker(const PathTrie& paths, EventFields& fields, std::vector<std::uint8_t> wanted,
         std::span<const NodeId> members = {}, NodeId watched = kNone);

  // Walks an object whose members are children of `root`. `text` is asked again for members.
  bool walk(const Structure& text, NodeId root);

  // Of the last walk, until the next: the text of the first string or scalar there; empty if there is none.
  std::string_view member(std::size_t i);
  bool has_member(std::size_t i) const { return shape_->members[i] != 0; }
  bool has_watched() const { return shape_->has_watched; }

 private:
  bool add_string(std::string_view content, FieldId field);
  bool add_scalar(std::string_view text, FieldId field);
  void take_bracket(Shape::Kind kind);

  EventFields& fields_;
  ShapeTable shapes_;
  const Shape* shape_ = nullptr;
  const Structure* text_ = nullptr;
  std::vector<ArrayId> arrays_;  // the open ones
  std::array<std::string, kMembersMax> unescaped_;
};

// Is the text of a walked object valid to its last byte?
bool is_valid_json(const Structure& text);

// The grammar of a JSON number.
bool is_json_number(std::string_view text);

}  // namespace millrace

// Walks one JSON object along the paths that rules use and collects their leaves.
//
// What it checks: all of the text but what its strings hold, and the escapes of those that it collects or looks up.
// What it does not: the other strings, and UTF-8; is_valid_json() does.
//
// Elements are told apart where an array has leaves in several of them, or beside one.
//
// Members of the object can be asked for without being leaves of a field: members() of the constructor.
//
// Threads: one thread an object. Cost: what a shape costs (shape_table.hpp), and about 3 ns a leaf.
// Errors:  walk() says false if the text is not JSON, or deeper than kJsonDepthMax; JsonValidator says why.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "engine/route/shape.hpp"
#include "engine/route/shape_table.hpp"
#include "engine/route/string_index.hpp"
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
  bool walk(const StringIndex& text, NodeId root);

  // Of the last walk, until the next: the text of the first string or scalar there; empty if there is none.
  std::string_view member(std::size_t i) {
    const Shape::Value value = shape_->members[i];
    if (value.kind != Shape::Kind::string) return value.kind == Shape::Kind::none ? "" : shapes_.scalar(value.index);
    const std::string_view content = text_->string(value.index);
    return text_->has_backslash() ? unescaped_member(i, content) : content;
  }
  bool has_member(std::size_t i) const { return shape_->members[i].kind != Shape::Kind::none; }
  bool has_watched() const { return shape_->has_watched; }

 private:
  std::string_view unescaped_member(std::size_t i, std::string_view content);
  bool add_string(std::string_view content, FieldId field);
  void add_scalar(std::string_view text, FieldId field);
  void take_bracket(Shape::Value bracket);

  EventFields& fields_;
  ShapeTable shapes_;
  const Shape* shape_ = nullptr;
  const StringIndex* text_ = nullptr;
  std::vector<ArrayId> arrays_;  // the open ones
  std::array<std::string, kMembersMax> unescaped_;
};

// Is the text of a walked object valid to its last byte?
bool is_valid_json(const StringIndex& text);

}  // namespace millrace

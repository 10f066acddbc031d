#include "engine/route/walk.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "engine/route/text_scan.hpp"
#include "matcher/json_escape.hpp"

namespace millrace {
namespace {

bool has_backslash(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); i += 32) {
    const std::uint32_t hits = Bytes32(text.data() + i).equal('\\');
    if (hits != 0) return i + static_cast<std::size_t>(std::countr_zero(hits)) < text.size();
  }
  return false;
}

// PERF: without an end at the first one, this takes 32 bytes a step.
bool has_control(std::string_view text) {
  unsigned char lowest = 0x20;
  for (const char c : text) lowest = std::min(lowest, static_cast<unsigned char>(c));
  return lowest < 0x20;
}

ShapeWants wants_of(const PathTrie& paths, std::vector<std::uint8_t> wanted, std::span<const NodeId> members,
                    NodeId watched) {
  ShapeWants out{paths, std::move(wanted), std::vector<std::uint8_t>(paths.node_count()), watched};
  for (std::size_t i = 0; i < members.size(); ++i) out.member_of[members[i]] = static_cast<std::uint8_t>(i + 1);
  return out;
}

}  // namespace

bool is_valid_json(const StringIndex& text) {
  if (!simdjson::validate_utf8(text.text().data(), text.text().size())) return false;
  if (!text.has_backslash() && !has_control(text.text())) return true;
  std::string unescaped;
  for (std::size_t i = 0; i < text.count(); ++i) {
    unescaped.clear();
    if (has_control(text.string(i)) || !unescape_json(text.string(i), unescaped)) return false;
  }
  return true;
}

Walker::Walker(const PathTrie& paths, EventFields& fields, std::vector<std::uint8_t> wanted,
               std::span<const NodeId> members, NodeId watched)
    : fields_(fields), shapes_(wants_of(paths, std::move(wanted), members, watched)) {}

bool Walker::walk(const StringIndex& text, NodeId root) {
  text_ = &text;
  arrays_.clear();
  shape_ = shapes_.find(text, root);
  if (shape_ == nullptr) return false;
  if (!shape_->chained.empty() && !text.has_backslash()) {
    fields_.set_strings(shape_->chained.size(), [&](std::size_t i) {
      const Shape::ChainedString& chained = shape_->chained[i];
      return EventFields::ChainedString{text.string(chained.string), chained.field, chained.next};
    });
    return true;
  }
  for (const Shape::Step& step : shape_->steps) {
    if (step.value.kind == Shape::Kind::string) {
      if (!add_string(text.string(step.value.index), step.field)) return false;
    } else if (step.value.kind == Shape::Kind::scalar) {
      add_scalar(shapes_.scalar(step.value.index), step.field);
    } else {
      take_bracket(step.value);
    }
  }
  return true;
}

void Walker::take_bracket(Shape::Value bracket) {
  switch (bracket.kind) {
    case Shape::Kind::open_array:
      return arrays_.push_back(fields_.open_array(bracket.index));
    case Shape::Kind::close_array:
      fields_.close_array(arrays_.back());
      return arrays_.pop_back();
    case Shape::Kind::open_element:
      return fields_.open_element(arrays_.back());
    default:
      return fields_.close_element(arrays_.back());
  }
}

inline bool Walker::add_string(std::string_view content, FieldId field) {
  if (text_->has_backslash() && has_backslash(content)) return fields_.add_escaped(field, content);
  fields_.add(field, LeafKind::string, content);
  return true;
}

void Walker::add_scalar(std::string_view text, FieldId field) {
  const bool literal = text[0] >= 'a';
  fields_.add(field, literal ? LeafKind::literal : LeafKind::number, text);
}

std::string_view Walker::unescaped_member(std::size_t i, std::string_view content) {
  unescaped_[i].clear();
  return has_backslash(content) && unescape_json(content, unescaped_[i]) ? unescaped_[i] : content;
}

}  // namespace millrace

#include "engine/route/walk.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "engine/route/text_scan.hpp"
#include "matcher/json_cursor.hpp"

namespace millrace {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_literal(std::string_view text) { return text == "true" || text == "false" || text == "null"; }

bool has_backslash(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); i += 32) {
    const std::uint32_t hits = Bytes32(text.data() + i).equal('\\');
    if (hits != 0) return i + static_cast<std::size_t>(std::countr_zero(hits)) < text.size();
  }
  return false;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

ShapeWants wants_of(const PathTrie& paths, std::vector<std::uint8_t> wanted, std::span<const NodeId> members,
                    NodeId watched) {
  ShapeWants out{paths, std::move(wanted), std::vector<std::uint8_t>(paths.node_count()), watched};
  for (std::size_t i = 0; i < members.size(); ++i) out.member_of[members[i]] = static_cast<std::uint8_t>(i + 1);
  return out;
}

}  // namespace

bool is_json_number(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t from = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - from;
  };
  if (text.starts_with('-')) ++i;
  const bool leading_zero = i < text.size() && text[i] == '0';
  const std::size_t whole = digits();
  if (whole == 0 || (leading_zero && whole > 1)) return false;
  if (i < text.size() && text[i] == '.' && (++i, digits() == 0)) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

bool is_valid_json(const Structure& text) {
  if (!simdjson::validate_utf8(text.text().data(), text.text().size())) return false;
  const auto each = [&](char mark, auto&& is_valid) {
    for (std::size_t i = 0; i < text.count(); i += 32) {
      std::uint32_t hits = Bytes32(text.marks() + i).equal(mark);
      if (text.count() - i < 32) hits &= (1u << (text.count() - i)) - 1;
      for (; hits != 0; hits &= hits - 1) {
        if (!is_valid(i + static_cast<std::size_t>(std::countr_zero(hits)))) return false;
      }
    }
    return true;
  };
  const auto scalar_is_valid = [&](std::size_t i) {
    const std::string_view scalar = text.scalar(i);
    return is_literal(scalar) || is_json_number(scalar);
  };
  std::string unescaped;
  const auto string_is_valid = [&](std::size_t i) {
    const std::string_view content = text.string(i);
    unescaped.clear();
    return !has_control(content) && unescape_json(content, unescaped);
  };
  return each(kScalarMark, scalar_is_valid) &&
         ((!text.has_backslash() && !text.has_control()) || each('"', string_is_valid));
}

Walker::Walker(const PathTrie& paths, EventFields& fields, std::vector<std::uint8_t> wanted,
               std::span<const NodeId> members, NodeId watched)
    : fields_(fields), shapes_(wants_of(paths, std::move(wanted), members, watched)) {}

bool Walker::walk(const Structure& text, NodeId root) {
  text_ = &text;
  arrays_.clear();
  shape_ = shapes_.find(text, root);
  if (shape_ == nullptr) return false;
  if (!shape_->leaves.empty() && !text.has_backslash()) {
    const std::span<Leaf> leaves = fields_.add_all(shape_->leaves);
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const std::string_view content = text.string(shape_->steps[i].mark);
      leaves[i].data = content.data();
      leaves[i].bytes = static_cast<std::uint32_t>(content.size());
    }
    return true;
  }
  for (const Shape::Step& step : shape_->steps) {
    if (step.kind == Shape::Kind::string) {
      if (!add_string(text.string(step.mark), step.field)) return false;
    } else if (step.kind == Shape::Kind::scalar) {
      if (!add_scalar(text.scalar(step.mark), step.field)) return false;
    } else {
      take_bracket(step.kind);
    }
  }
  return true;
}

void Walker::take_bracket(Shape::Kind kind) {
  switch (kind) {
    case Shape::Kind::open_array:
      return arrays_.push_back(fields_.open_array());
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

bool Walker::add_scalar(std::string_view text, FieldId field) {
  const bool literal = is_literal(text);
  if (!literal && !is_json_number(text)) return false;
  fields_.add(field, literal ? LeafKind::literal : LeafKind::number, text);
  return true;
}

std::string_view Walker::member(std::size_t i) {
  const std::uint32_t mark = shape_->members[i];
  if (mark == 0) return {};
  if (text_->mark(mark) != '"') return text_->scalar(mark);
  const std::string_view content = text_->string(mark);
  if (!text_->has_backslash() || !has_backslash(content)) return content;
  unescaped_[i].clear();
  return unescape_json(content, unescaped_[i]) ? unescaped_[i] : content;
}

}  // namespace millrace

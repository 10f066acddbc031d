#include "engine/route/walk.hpp"

#include <array>
#include <string>

#include "matcher/json_cursor.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace millrace {
namespace {

constexpr std::array<std::int8_t, 256> kDepthChange = [] {
  std::array<std::int8_t, 256> out{};
  out['{'] = out['['] = 1;
  out['}'] = out[']'] = -1;
  return out;
}();

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Does the key hold a dot or a backslash? REQUIRES: 16 readable bytes behind any key byte.
bool is_unusual(const char* key, std::size_t bytes) {
#ifdef __SSE2__
  const __m128i dot = _mm_set1_epi8('.'), slash = _mm_set1_epi8('\\');
  for (;; key += 16, bytes -= 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key));
    const auto hits = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(block, dot), _mm_cmpeq_epi8(block, slash))));
    if (bytes <= 16) return (hits & ((1u << bytes) - 1)) != 0;
    if (hits != 0) return true;
  }
#else
  return std::string_view(key, bytes).find_first_of(".\\") != std::string_view::npos;
#endif
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

bool Walker::walk(const char* data, const std::uint32_t*& index, std::uint32_t end, NodeId root) {
  data_ = data;
  i_ = index;
  end_ = end;
  depth_ = 0;
  malformed_ = came_by_ = false;
  const bool ok = *i_ < end_ && at(*i_++) == '{' && object(root);
  index = i_;
  return ok;
}

// i_ stands behind the opening brace.
bool Walker::object(NodeId node) {
  if (++depth_ > kJsonDepthMax) return false;
  if (at(*i_) == '}' && *i_ < end_) {
    ++i_;
    --depth_;
    return true;
  }
  for (;;) {
    if (!member(node) || *i_ >= end_) return false;
    const char next = at(*i_++);
    if (next == '}') {
      --depth_;
      return true;
    }
    if (next != ',') return false;
  }
}

bool Walker::member(NodeId node) {
  const std::uint32_t key = i_[0];
  if (key >= end_ || at(key) != '"') return false;
  const std::uint32_t colon = i_[1];
  if (colon >= end_ || at(colon) != ':') return false;
  std::uint32_t quote = colon - 1;
  while (is_space(at(quote))) --quote;
  if (at(quote) != '"' || quote <= key) return false;
  i_ += 2;
  const NodeId next = child(node, key + 1, quote - key - 1);
  if (malformed_) return false;
  return next == kNone ? skip() : value(next);
}

NodeId Walker::child(NodeId node, std::uint32_t begin, std::size_t bytes) {
  const char* key = data_ + begin;
  return is_unusual(key, bytes) ? unusual_child(node, {key, bytes}) : paths_.child(node, key, bytes);
}

NodeId Walker::unusual_child(NodeId node, std::string_view key) {
  std::string text;
  if (!unescape_json(key, text)) {
    malformed_ = true;
    return kNone;
  }
  return paths_.descend(node, text);
}

bool Walker::value(NodeId node) {
  if (*i_ >= end_) return false;
  came_by_ |= node == watched_;
  const char first = at(*i_);
  if (first == '{') {
    if (!paths_.has_children(node)) return skip();
    ++i_;
    return object(node);
  }
  if (first == '[') {
    if (!paths_.has_children(node) && paths_.field(node) == kNone) return skip();
    ++i_;
    return array(node);
  }
  return scalar(paths_.field(node));
}

// i_ stands behind the opening bracket.
bool Walker::array(NodeId node) {
  if (++depth_ > kJsonDepthMax) return false;
  if (*i_ < end_ && at(*i_) == ']') {
    ++i_;
    --depth_;
    return true;
  }
  ArrayId id = kNone;
  for (;;) {
    if (*i_ >= end_) return false;
    const char first = at(*i_);
    if (first == '{' || first == '[') {
      if (id == kNone) id = fields_.open_array();
      fields_.open_element(id);
      if (!value(node)) return false;
      fields_.close_element(id);
    } else if (!scalar(paths_.field(node))) {
      return false;
    }
    if (*i_ >= end_) return false;
    const char next = at(*i_++);
    if (next == ']') break;
    if (next != ',') return false;
  }
  if (id != kNone) fields_.close_array(id);
  --depth_;
  return true;
}

// A scalar is one entry of the index; its text ends before the next entry, less white space.
bool Walker::scalar(FieldId field) {
  const std::uint32_t begin = *i_++;
  if (begin >= end_ || at(begin) == ',' || at(begin) == ':' || at(begin) == '}' || at(begin) == ']') return false;
  if (field == kNone) return true;
  return at(begin) == '"' ? string(field, begin) : token(field, begin);
}

bool Walker::string(FieldId field, std::uint32_t begin) {
  std::uint32_t quote = *i_ - 1;
  while (is_space(at(quote))) --quote;
  if (quote <= begin || at(quote) != '"') return false;
  return fields_.add_string(field, {data_ + begin + 1, quote - begin - 1});
}

bool Walker::token(FieldId field, std::uint32_t begin) {
  std::uint32_t last = *i_ - 1;
  while (is_space(at(last))) --last;
  const std::string_view text(data_ + begin, last - begin + 1);
  const bool literal = text == "true" || text == "false" || text == "null";
  if (!literal && !is_json_number(text)) return false;
  fields_.add(field, literal ? LeafKind::literal : LeafKind::number, text);
  return true;
}

bool Walker::skip() {
  if (*i_ >= end_) return false;
  int depth = kDepthChange[static_cast<unsigned char>(at(*i_++))];
  if (depth < 0) return false;
  while (depth > 0) {
    const std::uint32_t offset = *i_;
    if (offset >= end_) return false;
    ++i_;
    depth += kDepthChange[static_cast<unsigned char>(at(offset))];
  }
  return true;
}

}  // namespace millrace

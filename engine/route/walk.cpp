#include "engine/route/walk.hpp"

#include <array>
#include <cstring>
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

// Of a level, that come with every third or fourth record anyway, such as errorCode.
constexpr std::size_t kSurprisesMax = 8;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Does the key hold a dot or a backslash? REQUIRES: 16 readable bytes behind any key byte.
bool is_unusual(const char* key, std::size_t bytes) {
#ifdef __SSE2__
  const __m128i dot = _mm_set1_epi8('.'), slash = _mm_set1_epi8('\\');
  for (;; key += 16, bytes -= 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key));
    const auto hits = static_cast<unsigned>(
        _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(block, dot), _mm_cmpeq_epi8(block, slash))));
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

Walker::Walker(const PathTrie& paths, EventFields& fields)
    : paths_(paths), fields_(fields), sequence_ids_(paths.node_count()) {
  sequences_.push_back(std::make_unique<Sequence>());
  sequences_[0]->learning = false;
}

bool Walker::walk(const char* data, const std::uint32_t*& index, std::uint32_t end, NodeId root) {
  data_ = data;
  end_ = end;
  depth_ = 0;
  came_by_ = false;
  if (*index >= end || data[*index] != '{') return false;
  const Cursor behind = object(index + 1, root);
  if (behind != nullptr) index = behind;
  return behind != nullptr;
}

// A scalar is one step; what has brackets is gone through up to its end.
inline Walker::Cursor Walker::step_over(Cursor i) const {
  return *i < end_ && kDepthChange[static_cast<unsigned char>(data_[*i])] == 0 ? i + 1 : skip(i);
}

// `i` stands behind the opening brace.
// PERF: members that lead nowhere are stepped over here, without a call.
Walker::Cursor Walker::object(Cursor i, NodeId node) {
  const char* const data = data_;
  const std::uint32_t end = end_;
  if (++depth_ > kJsonDepthMax) return nullptr;
  if (data[*i] == '}' && *i < end) {
    --depth_;
    return i + 1;
  }
  Sequence& sequence = sequence_of(node);
  const Expected* expected = sequence.keys.data();
  std::size_t surprises = 0;
  for (;;) {
    const std::uint32_t key = i[0], colon = i[1];
    if (colon >= end || data[key] != '"' || data[colon] != ':') return nullptr;
    const char* const text = data + key + 1;
    NodeId next = kNone;
    if (equals(expected[0], text, colon - key - 2)) {
      next = expected[0].child;
      ++expected;
    } else if (equals(expected[1], text, colon - key - 2)) {
      next = expected[1].child;
      expected += 2;
    } else {
      std::uint32_t quote = colon - 1;
      while (is_space(data[quote])) --quote;
      if (data[quote] != '"' || quote <= key) return nullptr;
      if (!look_up(node, text, quote - key - 1, next)) return nullptr;
      if (sequence.learning) {
        learn(sequence, text, quote - key - 1, next);
        expected = sequence.keys.data() + sequence.count;
      }
      ++surprises;
    }
    i += 2;
    i = next == kNone ? step_over(i) : value(i, next);
    if (i == nullptr || *i >= end) return nullptr;
    const char behind = data[*i++];
    if (behind == '}') {
      --depth_;
      if (sequence.learning) {
        sequence.learning = false;
      } else if (surprises > kSurprisesMax) {
        note_surprise(sequence);
      }
      return i;
    }
    if (behind != ',') return nullptr;
  }
}

// The order is learned anew, from the next object on this level, ever less often where it does not hold.
void Walker::note_surprise(Sequence& sequence) {
  if (++sequence.surprises < sequence.patience || &sequence == sequences_[0].get()) return;
  sequence = {.keys = {}, .count = 0, .surprises = 0, .patience = 2 * sequence.patience, .learning = true};
}

Walker::Sequence& Walker::sequence_of(NodeId node) {
  std::uint8_t& id = sequence_ids_[node];
  if (id == 0 && sequences_.size() < kSequencesMax) {
    id = static_cast<std::uint8_t>(sequences_.size());
    sequences_.push_back(std::make_unique<Sequence>());
  }
  return *sequences_[id];
}

bool Walker::equals(const Expected& expected, const char* key, std::size_t bytes) {
  std::uint64_t words[2];
  std::memcpy(words, key, sizeof(words));
  return ((words[0] ^ expected.first) & expected.first_mask) == 0 &&
         ((words[1] ^ expected.second) & expected.second_mask) == 0 && expected.bytes == bytes && key[bytes] == '"';
}

void Walker::learn(Sequence& sequence, const char* key, std::size_t bytes, NodeId child) {
  if (bytes > 16 || sequence.count == kExpectedMax) return;
  const auto mask = [](std::size_t covered) {
    return covered >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * covered)) - 1;
  };
  std::uint64_t words[2];
  std::memcpy(words, key, sizeof(words));
  sequence.keys[sequence.count++] = {
      words[0], words[1], mask(bytes), mask(bytes > 8 ? bytes - 8 : 0), static_cast<std::uint32_t>(bytes), child};
}

// Says false if the key is no JSON string.
bool Walker::look_up(NodeId node, const char* key, std::size_t bytes, NodeId& child) {
  if (!is_unusual(key, bytes)) {
    child = paths_.child(node, key, bytes);
    return true;
  }
  std::string text;
  if (!unescape_json({key, bytes}, text)) return false;
  child = paths_.descend(node, text);
  return true;
}

Walker::Cursor Walker::value(Cursor i, NodeId node) {
  if (*i >= end_) return nullptr;
  came_by_ |= node == watched_;
  const char first = data_[*i];
  if (first == '{') return paths_.has_children(node) ? object(i + 1, node) : skip(i);
  if (first == '[') return paths_.has_children(node) || paths_.field(node) != kNone ? array(i + 1, node) : skip(i);
  return scalar(i, paths_.field(node));
}

// `i` stands behind the opening bracket.
Walker::Cursor Walker::array(Cursor i, NodeId node) {
  if (++depth_ > kJsonDepthMax) return nullptr;
  if (*i < end_ && data_[*i] == ']') {
    --depth_;
    return i + 1;
  }
  ArrayId id = kNone;
  for (;;) {
    if (*i >= end_) return nullptr;
    const char first = data_[*i];
    if (first == '{' || first == '[') {
      if (id == kNone) id = fields_.open_array();
      fields_.open_element(id);
      i = value(i, node);
      fields_.close_element(id);
    } else {
      i = scalar(i, paths_.field(node));
    }
    if (i == nullptr || *i >= end_) return nullptr;
    const char behind = data_[*i++];
    if (behind == ']') break;
    if (behind != ',') return nullptr;
  }
  if (id != kNone) fields_.close_array(id);
  --depth_;
  return i;
}

// A scalar is one entry of the index; its text ends before the next entry, less white space.
Walker::Cursor Walker::scalar(Cursor i, FieldId field) {
  const std::uint32_t begin = *i++;
  const char first = data_[begin];
  if (first == ',' || first == ':' || first == '}' || first == ']') return nullptr;
  if (field == kNone || (wanted_ != nullptr && wanted_[field] == 0)) return i;
  std::uint32_t last = *i - 1;
  while (is_space(data_[last])) --last;
  const bool ok = first == '"' ? string(field, begin, last) : token(field, {data_ + begin, last - begin + 1});
  return ok ? i : nullptr;
}

bool Walker::string(FieldId field, std::uint32_t begin, std::uint32_t last) {
  return last > begin && data_[last] == '"' && fields_.add_string(field, {data_ + begin + 1, last - begin - 1});
}

bool Walker::token(FieldId field, std::string_view text) {
  const bool literal = text == "true" || text == "false" || text == "null";
  if (!literal && !is_json_number(text)) return false;
  fields_.add(field, literal ? LeafKind::literal : LeafKind::number, text);
  return true;
}

Walker::Cursor Walker::skip(Cursor i) const {
  const char* const data = data_;
  const std::uint32_t end = end_;
  if (*i >= end) return nullptr;
  int depth = kDepthChange[static_cast<unsigned char>(data[*i++])];
  if (depth < 0) return nullptr;
  while (depth > 0) {
    const std::uint32_t offset = *i;
    if (offset >= end) return nullptr;
    ++i;
    depth += kDepthChange[static_cast<unsigned char>(data[offset])];
  }
  return i;
}

}  // namespace millrace

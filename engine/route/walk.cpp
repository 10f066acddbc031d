#include "engine/route/walk.hpp"

#include <cstring>
#include <string>
#include <utility>

#include "matcher/json_cursor.hpp"
#include "matcher/key_hash.hpp"

namespace millrace {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool ends_token(char c) { return c == ',' || c == '}' || c == ']' || is_space(c); }

// Null if there is no token.
const char* behind_token(const char* at, const char* end) {
  if (std::memcmp(at, "true", 4) == 0 || std::memcmp(at, "null", 4) == 0) return at + 4 <= end ? at + 4 : nullptr;
  const char* const begin = at;
  while (at < end && !ends_token(*at)) ++at;
  return at > begin ? at : nullptr;
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
    : paths_(paths), fields_(fields), level_ids_(paths.node_count()) {
  levels_.push_back(std::make_unique<Level>());  // of the nodes beyond the limit; it learns nothing
}

const char* Walker::walk(const char* at, const char* end, NodeId root) {
  end_ = end;
  depth_ = 0;
  came_by_ = false;
  return at < end && *at == '{' ? object(at + 1, root) : nullptr;
}

inline bool Walker::stands_at(const Key& key, const char* at) {
  const std::uint32_t equal = Bytes32(at).equal(Bytes32(key.text.data()));
  return (~equal & key.significant) == 0;
}

inline const char* Walker::behind_space(const char* at) const {
  while (at < end_ && is_space(*at)) ++at;
  return at;
}

// `at` stands behind the opening brace.
// PERF: a member of a known key with a plain string, which most are, takes no call and no branch that depends on
// lengths.
const char* Walker::object(const char* at, NodeId node) {
  if (++depth_ > kJsonDepthMax) return nullptr;
  const char* const end = end_;
  Level& level = level_of(node);
  Key* key = level.keys.data();
  if (*at != '"') at = behind_space(at);
  if (at < end && *at == '}') {
    --depth_;
    return at + 1;
  }
  for (;;) {
    Key* const before = key;
    NodeId child = kNone;
    key = before->next[0];
    if (!stands_at(*key, at)) {
      key = before->next[1];
      if (stands_at(*key, at)) {
        before->next = {key, before->next[0]};
      } else {
        key = before;
        at = unexpected_key(at, node, level, key, child);
        if (at == nullptr) return nullptr;
      }
    }
    at += key->bytes;
    if (is_space(*at)) at = behind_space(at);
    if (at >= end) return nullptr;
    if (key->bytes == 0) {
      at = child == kNone ? step_over(at) : value(at, child);
    } else if (*at == '"') {
      at = string(at, key->field);
    } else if (*at == '{' || *at == '[') {
      at = container(at, *key);
    } else {
      at = token(at, key->field);
    }
    if (at == nullptr) return nullptr;
    if (*at != ',') {
      at = behind_space(at);
      if (at >= end || (*at != ',' && *at != '}')) return nullptr;
      if (*at == '}') {
        --depth_;
        return at + 1;
      }
    }
    if (*++at != '"') at = behind_space(at);
    if (at >= end) return nullptr;
  }
}

// The value of a known key that has brackets.
const char* Walker::container(const char* at, Key& key) {
  if (key.container == nullptr) key.container = std::make_unique<Remembered>();
  Remembered& last = *key.container;
  if (repeats(last, at)) {
    for (const auto& leaf : last.leaves) fields_.add(leaf.field, leaf.kind, {at + leaf.begin, leaf.bytes});
    last.trust += last.trust < kTrustMax;
    return at + last.bytes - 1;
  }
  const auto first_leaf = static_cast<LeafId>(fields_.leaf_count());
  const bool plain_before = fields_.is_plain();
  const char* const behind = key.child == kNone ? skip_container(at, end_) : value(at, key.child);
  last.bytes = 0;
  if (last.trust < 0) {
    if (++last.trust == 0) last.trust = kTrustMax / 2;
  } else if ((last.trust -= 2) < 0) {
    last.trust = kTrustLost;
  } else if (behind != nullptr && key.child != watched_ && plain_before && fields_.is_plain()) {
    remember(last, at, behind, first_leaf);
  }
  return behind;
}

inline bool Walker::repeats(const Remembered& last, const char* at) const {
  if (last.bytes == 0 || static_cast<std::size_t>(end_ - at) < last.bytes) return false;
  std::size_t i = 0;
  for (; i + 32 <= last.bytes; i += 32) {
    if (Bytes32(at + i).equal(Bytes32(last.text.data() + i)) != ~0u) return false;
  }
  const std::uint32_t rest = (1u << (last.bytes - i)) - 1;
  return (Bytes32(at + i).equal(Bytes32(last.text.data() + i)) & rest) == rest;
}

// REQUIRES: none of its leaves was unescaped, none lies in an array's element.
void Walker::remember(Remembered& last, const char* at, const char* behind, LeafId first_leaf) const {
  const auto bytes = static_cast<std::size_t>(behind - at) + 1;
  if (bytes > kRememberedBytesMax) return;
  std::memcpy(last.text.data(), at, bytes);
  last.bytes = static_cast<std::uint32_t>(bytes);
  last.leaves.clear();
  for (LeafId id = first_leaf; id < fields_.leaf_count(); ++id) {
    const Leaf& leaf = fields_.leaf(id);
    last.leaves.push_back({leaf.field, leaf.kind, static_cast<std::uint32_t>(leaf.data - at), leaf.bytes});
  }
}

Walker::Level& Walker::level_of(NodeId node) {
  std::uint8_t& id = level_ids_[node];
  if (id == 0 && levels_.size() < kLevelsMax) {
    id = static_cast<std::uint8_t>(levels_.size());
    levels_.push_back(std::make_unique<Level>());
  }
  return *levels_[id];
}

FieldId Walker::wanted_field(NodeId node) const {
  const FieldId field = node == kNone ? kNone : paths_.field(node);
  return field == kNone || wanted_ == nullptr || wanted_[field] != 0 ? field : kNone;
}

// Reads a key and its colon. If it can be remembered, it becomes `key` and the place before it is returned; otherwise
// `key` is key 0, and its node is `child`.
const char* Walker::unexpected_key(const char* at, NodeId node, Level& level, Key*& key, NodeId& child) {
  Key* const before = std::exchange(key, level.keys.data());
  bool escaped = false;
  if (*at != '"') return nullptr;
  const char* const quote = find_quote(at + 1, end_, escaped);
  if (quote == nullptr) return nullptr;
  const char* const colon = behind_space(quote + 1);
  if (colon >= end_ || *colon != ':') return nullptr;
  const std::string_view text(at + 1, static_cast<std::size_t>(quote - at - 1));
  Key* const known = colon == quote + 1 && !escaped ? remembered_key(level, {at, text.size() + 3}, node) : nullptr;
  if (known == nullptr) {
    std::string unescaped;
    if (escaped && !unescape_json(text, unescaped)) return nullptr;
    child = paths_.descend(node, escaped ? std::string_view(unescaped) : text);
    return colon + 1;
  }
  before->next = {known, before->next[0]};
  key = known;
  return at;
}

// Null if the key is too long, has a dot, or the level is full.
Walker::Key* Walker::remembered_key(Level& level, std::string_view quoted, NodeId node) {
  if (quoted.size() > kKeyBytesMax || &level == levels_[0].get()) return nullptr;
  std::size_t slot = text_hash(0, quoted) % level.slots.size();
  for (; level.slots[slot] != 0; slot = (slot + 1) % level.slots.size()) {
    Key& key = level.keys[level.slots[slot]];
    if (key.bytes == quoted.size() && std::memcmp(key.text.data(), quoted.data(), quoted.size()) == 0) return &key;
  }
  if (level.count == kKeysMax || quoted.find('.') != std::string_view::npos) return nullptr;
  Key& key = level.keys[level.count];
  std::memcpy(key.text.data(), quoted.data(), quoted.size());
  key.significant = static_cast<std::uint32_t>((std::uint64_t{1} << quoted.size()) - 1);
  key.bytes = static_cast<std::uint32_t>(quoted.size());
  key.child = paths_.child(node, quoted.data() + 1, quoted.size() - 3);
  key.field = wanted_field(key.child);
  level.slots[slot] = level.count++;
  return &key;
}

const char* Walker::value(const char* at, NodeId node) {
  came_by_ |= node == watched_;
  if (*at == '"') return string(at, wanted_field(node));
  if (*at == '{') return paths_.has_children(node) ? object(at + 1, node) : skip_container(at, end_);
  if (*at != '[') return token(at, wanted_field(node));
  return paths_.has_children(node) || paths_.field(node) != kNone ? array(at + 1, node) : skip_container(at, end_);
}

const char* Walker::step_over(const char* at) const {
  if (*at == '{' || *at == '[') return skip_container(at, end_);
  if (*at != '"') return behind_token(at, end_);
  bool escaped = false;
  const char* const quote = find_quote(at + 1, end_, escaped);
  return quote == nullptr ? nullptr : quote + 1;
}

// `at` stands behind the opening bracket.
const char* Walker::array(const char* at, NodeId node) {
  if (++depth_ > kJsonDepthMax) return nullptr;
  ArrayId id = kNone;
  at = behind_space(at);
  if (at < end_ && *at == ']') {
    --depth_;
    return at + 1;
  }
  for (;;) {
    at = behind_space(at);
    if (at >= end_) return nullptr;
    if (*at == '{' || *at == '[') {
      if (id == kNone) id = fields_.open_array();
      fields_.open_element(id);
      at = value(at, node);
      fields_.close_element(id);
    } else {
      at = value(at, node);
    }
    if (at == nullptr) return nullptr;
    at = behind_space(at);
    if (at >= end_) return nullptr;
    const char behind = *at++;
    if (behind == ']') break;
    if (behind != ',') return nullptr;
  }
  if (id != kNone) fields_.close_array(id);
  --depth_;
  return at;
}

inline const char* Walker::string(const char* at, FieldId field) {
  bool escaped = false;
  const char* const quote = find_quote(at + 1, end_, escaped);
  if (quote == nullptr) return nullptr;
  if (field == kNone) return quote + 1;
  const std::string_view content(at + 1, static_cast<std::size_t>(quote - at - 1));
  if (!escaped) {
    fields_.add(field, LeafKind::string, content);
  } else if (!fields_.add_escaped(field, content)) {
    return nullptr;
  }
  return quote + 1;
}

const char* Walker::token(const char* at, FieldId field) {
  const char* const behind = behind_token(at, end_);
  if (field == kNone || behind == nullptr) return behind;
  const std::string_view text(at, static_cast<std::size_t>(behind - at));
  const bool literal = text == "true" || text == "false" || text == "null";
  if (!literal && !is_json_number(text)) return nullptr;
  fields_.add(field, literal ? LeafKind::literal : LeafKind::number, text);
  return behind;
}

}  // namespace millrace

#include "engine/route/shape.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/route/text_scan.hpp"
#include "matcher/json_cursor.hpp"
#include "matcher/key_hash.hpp"
#include "matcher/secret.hpp"

namespace millrace {

ShapeTable::ShapeTable(ShapeWants wants)
    : wants_(std::move(wants)),
      secret_(fresh_secret()),
      sets_(kSets),
      seen_(kSeen),
      key_slots_(2 * kShapeKeysMax),
      heads_(wants_.paths.node_count()) {
  for (NodeId node = 0; node < heads_.size(); ++node)
    wants_.paths.for_each_child(node, [&](std::string_view segment) { heads_[node].add(segment); });
}

// A key is the segment, or begins with it and a dot. Shorter ones do not fill a head.
void ShapeTable::KeyHeads::add(std::string_view segment) {
  if (segment.size() < 2) return bits.fill(~std::uint64_t{0});
  for (const char behind : {'"', '.'}) {
    std::string head = '"' + std::string(segment.substr(0, 3)) + behind;
    const std::uint32_t place = place_of(head.data());
    bits[place / 64] |= std::uint64_t{1} << place % 64;
  }
}

const Shape* ShapeTable::find(const Structure& text, NodeId root) {
  const std::uint64_t hash = XXH3_64bits_withSeed(text.marks(), text.count(), secret_ + root);
  const Set& set = sets_[hash % kSets];
  for (std::size_t way = 0; way < kWays; ++way) {
    if (set.hashes[way] == hash && set.shapes[way] != nullptr && fits(*set.shapes[way], text))
      return set.shapes[way].get();
  }
  if (!read(text, root)) return nullptr;
  keep(text, hash);
  return &reading_;
}

// PERF: most shapes that are compared fit, so nothing stops at the first difference.
bool ShapeTable::fits(const Shape& shape, const Structure& text) const {
  if (shape.count != text.count() || text.ends_in_string()) return false;
  std::uint32_t different = 0;
  const char *const marks = text.marks(), *const expected = shape.marks.data();
  std::size_t i = 0;
  for (; i + 32 <= shape.count; i += 32) different |= ~Bytes32(marks + i).equal(Bytes32(expected + i));
  different |= ~Bytes32(marks + i).equal(Bytes32(expected + i)) & ((1u << (shape.count - i)) - 1);
  if (different != 0) return false;
  for (const Shape::Key& key : shape.keys) {
    const KeyText& known = keys_[key.key];
    different |= ~Bytes32(text.at(key.mark)).equal(Bytes32(known.text.data())) & known.significant;
  }
  for (const Shape::Other& other : shape.others) different |= heads_[other.node].has(text.at(other.mark));
  return different == 0 && (!text.has_backslash() || !any_escaped(shape, text));
}

bool ShapeTable::any_escaped(const Shape& shape, const Structure& text) {
  return std::any_of(shape.others.begin(), shape.others.end(), [&](const Shape::Other& other) {
    return text.string(other.mark).find('\\') != std::string_view::npos;
  });
}

bool ShapeTable::was_seen(std::uint64_t hash) {
  Seen& seen = seen_[hash % kSeen];
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  if (std::find(seen.hashes.begin(), seen.hashes.end(), tag) != seen.hashes.end()) return true;
  seen.hashes[seen.next++ % seen.hashes.size()] = tag;
  return false;
}

// A structure that is read for the second time is kept: most that come once never come again.
void ShapeTable::keep(const Structure& text, std::uint64_t hash) {
  if (!reading_.keepable || text.count() > kShapeMarksMax || !was_seen(mix(hash, keys_hash_))) return;
  reading_.marks.assign(text.marks(), text.marks() + text.count());
  reading_.marks.resize(text.count() + 32);  // so that they can be compared 32 at a time
  Set& set = sets_[hash % kSets];
  set.hashes[set.next] = hash;
  set.shapes[set.next] = std::make_unique<Shape>(reading_);
  set.next = (set.next + 1) % kWays;
}

bool ShapeTable::read(const Structure& text, NodeId root) {
  if (text.ends_in_string() || text.count() == 0 || text.mark(0) != '{') return false;
  reading_.count = static_cast<std::uint32_t>(text.count());
  reading_.members.fill(0);
  reading_.has_container = false;
  reading_.keepable = true;
  reading_.keys.clear();
  reading_.others.clear();
  reading_.steps.clear();
  keys_hash_ = secret_;
  depth_ = 0;
  std::size_t i = 1;
  return object(text, i, root, false) && i == text.count();
}

// `i` stands behind the brace; moved behind the one that closes it. Of nodes that nobody looks at, only the grammar is
// read. There is always a mark at text.count() - 1, and none behind it is a string or a brace.
bool ShapeTable::object(const Structure& text, std::size_t& i, NodeId node, bool in_array) {
  if (++depth_ > kJsonDepthMax) return false;
  const std::size_t count = text.count();
  if (i < count && text.mark(i) == '}') {
    --depth_;
    ++i;
    return true;
  }
  for (;;) {
    if (i + 3 >= count || text.mark(i) != '"' || text.mark(i + 1) != ':') return false;
    NodeId child = kNone;
    if (node != kNone && !key(text, i, node, child)) return false;
    i += 2;
    if (!value(text, i, child, in_array) || i >= count) return false;
    const char behind = text.mark(i++);
    if (behind == '}') break;
    if (behind != ',') return false;
  }
  --depth_;
  return true;
}

bool ShapeTable::key(const Structure& text, std::size_t i, NodeId node, NodeId& child) {
  const std::string_view name = text.string(i);
  const bool escaped = text.has_backslash() && name.find('\\') != std::string_view::npos;
  unescaped_.clear();
  if (escaped && !unescape_json(name, unescaped_)) return false;
  const bool may_lead_on = escaped || heads_[node].has(name.data() - 1);
  if (may_lead_on) child = wants_.paths.descend(node, escaped ? std::string_view(unescaped_) : name);
  const auto mark = static_cast<std::uint16_t>(i);
  if (!may_lead_on) {
    reading_.others.push_back({mark, node});
    return true;
  }
  keys_hash_ = text_hash(keys_hash_, name);
  const std::uint32_t known = key_of({name.data() - 1, name.size() + 2});
  reading_.keepable &= known != kNone;
  reading_.keys.push_back({mark, static_cast<std::uint16_t>(known)});
  return true;
}

std::uint32_t ShapeTable::key_of(std::string_view quoted) {
  if (quoted.size() > kShapeKeyBytesMax) return kNone;
  std::size_t slot = text_hash(secret_, quoted) % key_slots_.size();
  const auto significant = static_cast<std::uint32_t>((std::uint64_t{1} << quoted.size()) - 1);
  for (; key_slots_[slot] != 0; slot = (slot + 1) % key_slots_.size()) {
    const KeyText& key = keys_[key_slots_[slot] - 1];
    if (key.significant == significant && std::memcmp(key.text.data(), quoted.data(), quoted.size()) == 0)
      return key_slots_[slot] - 1u;
  }
  if (keys_.size() == kShapeKeysMax) return kNone;
  KeyText& key = keys_.emplace_back();
  std::memcpy(key.text.data(), quoted.data(), quoted.size());
  key.significant = significant;
  key_slots_[slot] = static_cast<std::uint16_t>(keys_.size());
  return static_cast<std::uint32_t>(keys_.size() - 1);
}

bool ShapeTable::value(const Structure& text, std::size_t& i, NodeId node, bool in_array) {
  const auto mark = static_cast<std::uint32_t>(i);
  const char kind = text.mark(i++);
  if (node == wants_.watched && node != kNone) reading_.has_container = true;
  const bool looks_inside = node != kNone && wants_.paths.has_children(node);
  if (kind == '{') return object(text, i, looks_inside ? node : kNone, in_array);
  const FieldId field = node == kNone ? kNone : wants_.paths.field(node);
  const bool wanted = field != kNone && wants_.fields[field] != 0;
  if (kind == '[') return array(text, i, looks_inside || wanted ? node : kNone);
  if (kind != '"' && kind != kScalarMark) return false;
  if (wanted) reading_.steps.push_back({kind == '"' ? Shape::Kind::string : Shape::Kind::scalar, mark, field});
  const std::uint8_t member = node == kNone || in_array ? 0 : wants_.member_of[node];
  if (member != 0 && reading_.members[member - 1u] == 0) reading_.members[member - 1u] = mark;
  return true;
}

// `i` stands behind the bracket. Elements are noted where leaves come of them.
bool ShapeTable::array(const Structure& text, std::size_t& i, NodeId node) {
  if (++depth_ > kJsonDepthMax) return false;
  const std::size_t count = text.count(), steps_before = reading_.steps.size();
  bool opened = false, any_leaf = false;
  if (i < count && text.mark(i) == ']') {
    --depth_;
    ++i;
    return true;
  }
  for (;;) {
    if (i >= count) return false;
    const bool is_element = node != kNone && (text.mark(i) == '{' || text.mark(i) == '[');
    if (is_element && !std::exchange(opened, true)) reading_.steps.push_back({Shape::Kind::open_array, 0, kNone});
    if (is_element) reading_.steps.push_back({Shape::Kind::open_element, 0, kNone});
    const std::size_t steps = reading_.steps.size();
    if (!value(text, i, node, true) || i >= count) return false;
    any_leaf |= reading_.steps.size() > steps;
    if (is_element) reading_.steps.push_back({Shape::Kind::close_element, 0, kNone});
    const char behind = text.mark(i++);
    if (behind == ']') break;
    if (behind != ',') return false;
  }
  if (!any_leaf) reading_.steps.resize(steps_before);
  if (any_leaf && opened) reading_.steps.push_back({Shape::Kind::close_array, 0, kNone});
  --depth_;
  return true;
}

}  // namespace millrace

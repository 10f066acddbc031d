#include "engine/route/shape.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <memory>
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
  for (NodeId node = 0; node < heads_.size(); ++node) {
    KeyHeads& heads = heads_[node];
    std::size_t bytes = sizeof(heads.mask);
    wants_.paths.for_each_child(node, [&](std::string_view segment) { bytes = std::min(bytes, segment.size() + 2); });
    std::memset(&heads.mask, 0xff, bytes);
    wants_.paths.for_each_child(node, [&](std::string_view segment) { heads.add(segment); });
  }
}

// A key is the segment, or begins with it and a dot.
void ShapeTable::KeyHeads::add(std::string_view segment) {
  for (const char behind : {'"', '.'}) {
    std::string key = '"' + std::string(segment) + behind;
    key.resize(std::max(key.size(), sizeof(mask)));
    const std::uint64_t place = place_of(key.data());
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
  const std::size_t count = shape.marks.size();
  if (count != text.count() || text.ends_in_string()) return false;
  std::uint32_t different = 0;
  const char *const marks = text.marks(), *const expected = shape.marks.data();
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) different |= ~Bytes32(marks + i).equal(Bytes32(expected + i));
  different |= ~Bytes32(marks + i).equal(Bytes32(expected + i)) & ((1u << (count - i)) - 1);
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
  if (!keepable_ || text.count() > kShapeMarksMax || !was_seen(mix(hash, keys_hash_))) return;
  chain_leaves();
  Set& set = sets_[hash % kSets];
  const std::size_t way = kept_++ % kWays;
  set.hashes[way] = hash;
  set.shapes[way] = copy_of(reading_, leaves_read_);
}

ShapeTable::KeptShape ShapeTable::copy_of(const Shape& shape, std::span<const Leaf> leaves) const {
  constexpr std::size_t kMarksRoom = 32;  // so that they can be compared 32 at a time
  const auto rounded = [](std::size_t bytes) { return (bytes + 7) / 8 * 8; };
  const std::size_t bytes = rounded(sizeof(Shape)) + rounded(shape.marks.size() + kMarksRoom) +
                            rounded(shape.keys.size_bytes()) + rounded(shape.others.size_bytes()) +
                            rounded(leaves.size_bytes()) + rounded(shape.steps.size_bytes());
  char* const memory = static_cast<char*>(::operator new (bytes, std::align_val_t{64}));
  std::memset(memory, 0, bytes);
  char* at = memory + rounded(sizeof(Shape));
  const auto put = [&]<typename T>(std::span<const T> items, std::size_t room) {
    T* const begin = reinterpret_cast<T*>(at);
    std::uninitialized_copy(items.begin(), items.end(), begin);
    at += rounded(items.size_bytes() + room);
    return std::span<const T>(begin, items.size());
  };
  Shape copy = shape;
  copy.marks = put(shape.marks, kMarksRoom);
  copy.keys = put(shape.keys, 0);
  copy.others = put(shape.others, 0);
  copy.leaves = put(leaves, 0);
  copy.steps = put(shape.steps, 0);
  return KeptShape(new (memory) Shape(copy));
}

void ShapeTable::chain_leaves() {
  leaves_read_.clear();
  const std::span<const Shape::Step> steps = reading_.steps;
  const auto is_string = [](const Shape::Step& step) { return step.kind == Shape::Kind::string; };
  if (!std::all_of(steps.begin(), steps.end(), is_string)) return;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    std::size_t next = i + 1;
    while (next < steps.size() && steps[next].field != steps[i].field) ++next;
    const LeafId link = next < steps.size() ? static_cast<LeafId>(next) : kNone;
    leaves_read_.push_back({nullptr, 0, steps[i].field, link, kNone, kNone, LeafKind::string, 0});
  }
}

bool ShapeTable::read(const Structure& text, NodeId root) {
  if (text.ends_in_string() || text.count() == 0 || text.mark(0) != '{') return false;
  reading_.members.fill(0);
  reading_.has_watched = false;
  keepable_ = true;
  keys_read_.clear();
  others_read_.clear();
  steps_read_.clear();
  keys_hash_ = secret_;
  depth_ = 0;
  std::size_t i = 1;
  if (!object(text, i, root, false) || i != text.count()) return false;
  reading_.marks = {text.marks(), text.count()};
  reading_.keys = keys_read_;
  reading_.others = others_read_;
  reading_.steps = steps_read_;
  return true;
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
  const auto mark = static_cast<std::uint32_t>(i);
  if (!may_lead_on) {
    others_read_.push_back({mark, node});
    return true;
  }
  keys_hash_ = text_hash(keys_hash_, name);
  const std::uint32_t known = key_of({name.data() - 1, name.size() + 2});
  keepable_ &= known != kNone;
  keys_read_.push_back({mark, known});
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
  if (node == wants_.watched && node != kNone) reading_.has_watched = true;
  const bool looks_inside = node != kNone && wants_.paths.has_children(node);
  if (kind == '{') return object(text, i, looks_inside ? node : kNone, in_array);
  const FieldId field = node == kNone ? kNone : wants_.paths.field(node);
  const bool wanted = field != kNone && wants_.fields[field] != 0;
  if (kind == '[') return array(text, i, looks_inside || wanted ? node : kNone);
  if (kind != '"' && kind != kScalarMark) return false;
  if (wanted) steps_read_.push_back({kind == '"' ? Shape::Kind::string : Shape::Kind::scalar, mark, field});
  const std::uint8_t member = node == kNone || in_array ? 0 : wants_.member_of[node];
  if (member != 0 && reading_.members[member - 1u] == 0) reading_.members[member - 1u] = mark;
  return true;
}

// `i` stands behind the bracket. Elements are noted where leaves come of them.
bool ShapeTable::array(const Structure& text, std::size_t& i, NodeId node) {
  if (++depth_ > kJsonDepthMax) return false;
  const std::size_t count = text.count(), steps_before = steps_read_.size();
  bool opened = false, any_leaf = false;
  if (i < count && text.mark(i) == ']') {
    --depth_;
    ++i;
    return true;
  }
  for (;;) {
    if (i >= count) return false;
    const bool is_element = node != kNone && (text.mark(i) == '{' || text.mark(i) == '[');
    if (is_element && !std::exchange(opened, true)) steps_read_.push_back({Shape::Kind::open_array, 0, kNone});
    if (is_element) steps_read_.push_back({Shape::Kind::open_element, 0, kNone});
    const std::size_t steps = steps_read_.size();
    if (!value(text, i, node, true) || i >= count) return false;
    any_leaf |= steps_read_.size() > steps;
    if (is_element) steps_read_.push_back({Shape::Kind::close_element, 0, kNone});
    const char behind = text.mark(i++);
    if (behind == ']') break;
    if (behind != ',') return false;
  }
  if (!any_leaf) steps_read_.resize(steps_before);
  if (any_leaf && opened) steps_read_.push_back({Shape::Kind::close_array, 0, kNone});
  --depth_;
  return true;
}

}  // namespace millrace

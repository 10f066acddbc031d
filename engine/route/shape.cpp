#include "engine/route/shape.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "engine/route/json_scalar.hpp"
#include "engine/route/text_scan.hpp"
#include "matcher/json_cursor.hpp"
#include "matcher/key_hash.hpp"
#include "matcher/secret.hpp"

namespace millrace {
namespace {

constexpr char kEnd = '\0';  // where a token's first byte is asked for

// Of gaps, sixteen a step. PERF: every second byte is that of an opening quote; two words without these make one.
std::uint64_t hash_of_heads(const StringIndex& text, std::uint64_t seed) {
  constexpr std::uint64_t kGaps = 0x00ff00ff00ff00ff;
  const auto gaps = [](const char* at) { return (load_word(at) & kGaps) | (load_word(at + 8) & kGaps) << 8; };
  std::uint64_t hash = mix(seed, text.count());
  for (std::size_t i = 0; i < 2 * text.count(); i += 32)
    hash = mix_pair(hash, gaps(text.heads() + i), gaps(text.heads() + i + 16));
  return hash;
}

}  // namespace

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

inline bool ShapeTable::scalars_fit(std::span<const Shape::ScalarGap> gaps, const StringIndex& text) {
  scalars_.clear();
  for (const Shape::ScalarGap& gap : gaps) {
    const char* const begin = text.gap(gap.gap) + gap.before.bytes;
    const char* const end = text.gap_end(gap.gap) - gap.behind.bytes;
    if (gap.before.difference(text.gap(gap.gap)) != 0 || end <= begin || gap.behind.difference(end) != 0) return false;
    if (json_scalar_end(begin, end) != end) return false;
    if (gap.wanted) scalars_.emplace_back(begin, end - begin);
  }
  return true;
}

// PERF: most shapes that are compared fit, so little stops at the first difference.
inline bool ShapeTable::fits(const Shape& shape, const StringIndex& text) {
  constexpr std::uint32_t kGaps = 0x55555555;
  if (shape.heads.size() != 2 * text.count()) return false;
  std::uint32_t different = 0;
  for (std::size_t i = 0; i < shape.heads.size(); i += 32)
    different |= ~Bytes32(text.heads() + i).equal(Bytes32(shape.heads.data() + i)) & kGaps;
  if (different != 0) return false;
  for (const Shape::Key& key : shape.keys) different |= keys_[key.key].difference(text.quote(key.string));
  std::uint64_t other = 0, gap_differs = 0;
  for (const Shape::Other& key : shape.others) other |= (load_word(text.quote(key.string)) ^ key.head) & key.mask;
  for (const Shape::QuotedGap& gap : shape.quoted_gaps)
    gap_differs |= (load_word(text.end_quote(gap.behind)) ^ gap.text) & gap.mask;
  for (const Shape::FixedGap& gap : shape.fixed_gaps)
    different |= gap.text.difference(text.gap(gap.gap)) | (text.gap_bytes(gap.gap) ^ gap.text.bytes);
  return (different | gap_differs) == 0 && (other == 0 || !others_lead_on(shape.others, text)) &&
         scalars_fit(shape.scalar_gaps, text) && (!text.has_backslash() || !any_escaped(shape, text));
}

const Shape* ShapeTable::find(const StringIndex& text, NodeId root) {
  if (text.ends_in_string()) return nullptr;
  const std::uint64_t hash = hash_of_heads(text, secret_ + root);
  const Set& set = sets_[hash % kSets];
  for (std::size_t way = 0; way < kWays; ++way) {
    if (set.hashes[way] == hash && set.shapes[way] != nullptr && fits(*set.shapes[way], text))
      return set.shapes[way].get();
  }
  if (!read(text, root)) return nullptr;
  keep(text, hash);
  return &reading_;
}

bool ShapeTable::others_lead_on(std::span<const Shape::Other> others, const StringIndex& text) const {
  bool any = false;
  for (const Shape::Other& other : others) any |= heads_[other.node].has(text.quote(other.string));
  return any;
}

bool ShapeTable::any_escaped(const Shape& shape, const StringIndex& text) {
  return std::any_of(shape.others.begin(), shape.others.end(), [&](const Shape::Other& other) {
    return text.string(other.string).find('\\') != std::string_view::npos;
  });
}

bool ShapeTable::was_seen(std::uint64_t hash) {
  Seen& seen = seen_[hash % kSeen];
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  if (std::find(seen.hashes.begin(), seen.hashes.end(), tag) != seen.hashes.end()) return true;
  seen.hashes[seen.next++ % seen.hashes.size()] = tag;
  return false;
}

// A shape that is read for the second time is kept: most that come once never come again.
void ShapeTable::keep(const StringIndex& text, std::uint64_t hash) {
  if (!keepable_ || !was_seen(mix(hash, keys_hash_))) return;
  chain_strings();
  Shape shape = reading_;
  shape.heads = {text.heads(), 2 * text.count()};
  shape.quoted_gaps = quoted_gaps_read_;
  shape.fixed_gaps = fixed_gaps_read_;
  shape.scalar_gaps = scalar_gaps_read_;
  shape.chained = chained_read_;
  Set& set = sets_[hash % kSets];
  const std::size_t way = kept_++ % kWays;
  set.hashes[way] = hash;
  set.shapes[way] = copy_of(shape);
}

ShapeTable::KeptShape ShapeTable::copy_of(const Shape& shape) const {
  const auto rounded = [](std::size_t bytes) { return (bytes + 7) / 8 * 8; };
  const std::size_t bytes = rounded(sizeof(Shape)) + rounded(shape.heads.size() + StringIndex::kHeadsSlack) +
                            rounded(shape.quoted_gaps.size_bytes()) + rounded(shape.fixed_gaps.size_bytes()) +
                            rounded(shape.scalar_gaps.size_bytes()) + rounded(shape.keys.size_bytes()) +
                            rounded(shape.others.size_bytes()) + rounded(shape.chained.size_bytes()) +
                            rounded(shape.steps.size_bytes());
  char* const memory = static_cast<char*>(::operator new (bytes, std::align_val_t{64}));
  std::memset(memory, 0, bytes);
  char* at = memory + rounded(sizeof(Shape));
  const auto put = [&]<typename T>(std::span<const T> items, std::size_t room = 0) {
    T* const begin = reinterpret_cast<T*>(at);
    std::uninitialized_copy(items.begin(), items.end(), begin);
    at += rounded(items.size_bytes() + room);
    return std::span<const T>(begin, items.size());
  };
  Shape copy = shape;
  copy.heads = put(shape.heads, StringIndex::kHeadsSlack);
  copy.keys = put(shape.keys);
  copy.others = put(shape.others);
  copy.quoted_gaps = put(shape.quoted_gaps);
  copy.fixed_gaps = put(shape.fixed_gaps);
  copy.scalar_gaps = put(shape.scalar_gaps);
  copy.chained = put(shape.chained);
  copy.steps = put(shape.steps);
  return KeptShape(new (memory) Shape(copy));
}

void ShapeTable::chain_strings() {
  chained_read_.clear();
  const std::span<const Shape::Step> steps = reading_.steps;
  const auto is_string = [](const Shape::Step& step) { return step.value.kind == Shape::Kind::string; };
  if (!std::all_of(steps.begin(), steps.end(), is_string)) return;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    std::size_t next = i + 1;
    while (next < steps.size() && steps[next].field != steps[i].field) ++next;
    const LeafId link = next < steps.size() ? static_cast<LeafId>(next) : kNone;
    chained_read_.push_back({steps[i].value.index, steps[i].field, link});
  }
}

bool ShapeTable::read(const StringIndex& text, NodeId root) {
  text_ = &text;
  reading_.members.fill({});
  reading_.has_watched = false;
  keepable_ = text.count() <= kShapeStringsMax;
  any_unwrapped_ = false;
  scalars_.clear();
  quoted_gaps_read_.clear();
  fixed_gaps_read_.clear();
  scalar_gaps_read_.clear();
  keys_read_.clear();
  others_read_.clear();
  steps_read_.clear();
  keys_hash_ = secret_;
  depth_ = 0;
  enter_gap(0);
  if (next() != '{') return false;
  take();
  if (!object(root, false) || next() != kEnd || at_ != gap_end_) return false;
  if (keepable_) note_gap();
  if (any_unwrapped_)
    std::erase_if(steps_read_, [](const Shape::Step& step) { return step.value.kind == Shape::Kind::none; });
  reading_.keys = keys_read_;
  reading_.others = others_read_;
  reading_.steps = steps_read_;
  return true;
}

void ShapeTable::enter_gap(std::size_t gap) {
  gap_ = gap;
  gap_scalars_ = 0;
  at_ = text_->gap(gap);
  gap_end_ = text_->gap_end(gap);
}

// The first byte of the next token, which is not taken yet; kEnd behind the last one.
char ShapeTable::next() {
  while (at_ < gap_end_ && is_json_space(*at_)) ++at_;
  if (at_ < gap_end_) return *at_;
  return gap_ < text_->count() ? '"' : kEnd;
}

// REQUIRES: next() is a quote.
std::uint32_t ShapeTable::take_string() {
  if (keepable_) note_gap();
  const auto string = static_cast<std::uint32_t>(gap_);
  enter_gap(gap_ + 1);
  return string;
}

bool ShapeTable::take_scalar(bool wanted) {
  const char* const end = json_scalar_end(at_, gap_end_);
  if (end == nullptr) return false;
  const auto bytes = static_cast<std::size_t>(end - at_);
  if (wanted) scalars_.emplace_back(at_, bytes);
  gap_scalar_ = {at_, bytes};
  gap_scalar_wanted_ = wanted;
  ++gap_scalars_;
  at_ = end;
  return true;
}

// The gap was read to its end. Of one byte and a quote, the head tells all.
void ShapeTable::note_gap() {
  const char *const begin = text_->gap(gap_), *const end = gap_end_;
  const bool is_last = gap_ == text_->count();
  if (end - begin == 1 && gap_ != 0 && !is_last) return;
  const bool has_scalar = gap_scalars_ != 0;
  const std::string_view before(begin, has_scalar ? gap_scalar_.data() : end);
  const std::string_view behind(has_scalar ? gap_scalar_.end() : end, end);
  keepable_ = gap_scalars_ <= 1 && before.size() <= ShortText::kBytesMax && behind.size() <= ShortText::kBytesMax &&
              quoted_gaps_read_.size() + fixed_gaps_read_.size() + scalar_gaps_read_.size() < kShapeGapsMax;
  if (!keepable_) return;
  const auto gap = static_cast<std::uint32_t>(gap_);
  if (has_scalar) {
    scalar_gaps_read_.push_back({gap, gap_scalar_wanted_, ShortText(before), ShortText(behind)});
  } else if (gap_ != 0 && !is_last && before.size() + 2 <= sizeof(std::uint64_t)) {
    const std::uint64_t mask = ~std::uint64_t{0} >> (48 - 8 * before.size());
    quoted_gaps_read_.push_back({gap - 1, load_word(begin - 1) & mask, mask});
  } else {
    fixed_gaps_read_.push_back({gap, ShortText(before)});
  }
}

// Behind the brace; takes the one that closes it. Of nodes that nobody looks at, only the grammar is read.
bool ShapeTable::object(NodeId node, bool in_array) {
  if (++depth_ > kJsonDepthMax) return false;
  if (next() == '}') {
    --depth_;
    take();
    return true;
  }
  for (;;) {
    NodeId child = kNone;
    if (next() != '"' || !key(node, child)) return false;
    if (next() != ':') return false;
    take();
    if (!value(child, in_array)) return false;
    const char behind = next();
    take();
    if (behind == '}') break;
    if (behind != ',') return false;
  }
  --depth_;
  return true;
}

bool ShapeTable::key(NodeId node, NodeId& child) {
  const std::uint32_t string = take_string();
  if (node == kNone) return true;
  const std::string_view name = text_->string(string);
  const bool escaped = text_->has_backslash() && name.find('\\') != std::string_view::npos;
  unescaped_.clear();
  if (escaped && !unescape_json(name, unescaped_)) return false;
  const bool may_lead_on = escaped || heads_[node].has(name.data() - 1);
  if (may_lead_on) child = wants_.paths.descend(node, escaped ? std::string_view(unescaped_) : name);
  if (!keepable_) return true;
  if (!may_lead_on) {
    const std::uint64_t mask = heads_[node].mask;
    others_read_.push_back({string, node, load_word(name.data() - 1) & mask, mask});
    return true;
  }
  keys_hash_ = text_hash(keys_hash_, name);
  const std::uint32_t known = key_of({name.data() - 1, name.size() + 2});
  keepable_ &= known != kNone;
  keys_read_.push_back({string, known});
  return true;
}

std::uint32_t ShapeTable::key_of(std::string_view quoted) {
  if (quoted.size() > ShortText::kBytesMax) return kNone;
  const KeyText wanted(quoted);
  std::size_t slot = text_hash(secret_, quoted) % key_slots_.size();
  for (; key_slots_[slot] != 0; slot = (slot + 1) % key_slots_.size()) {
    const KeyText& key = keys_[key_slots_[slot] - 1];
    if (key.bytes == wanted.bytes && key.text == wanted.text) return key_slots_[slot] - 1u;
  }
  if (keys_.size() == kShapeKeysMax) return kNone;
  keys_.push_back(wanted);
  key_slots_[slot] = static_cast<std::uint16_t>(keys_.size());
  return static_cast<std::uint32_t>(keys_.size() - 1);
}

bool ShapeTable::value(NodeId node, bool in_array) {
  const char kind = next();
  if (node == wants_.watched && node != kNone) reading_.has_watched = true;
  const bool looks_inside = node != kNone && wants_.paths.has_children(node);
  const FieldId field = node == kNone ? kNone : wants_.paths.field(node);
  const bool wanted = field != kNone && wants_.fields[field] != 0;
  if (kind == '{') {
    take();
    return object(looks_inside ? node : kNone, in_array);
  }
  if (kind == '[') {
    take();
    return array(looks_inside || wanted ? node : kNone);
  }
  const std::uint8_t number = node == kNone || in_array ? 0 : wants_.member_of[node];
  Shape::Value* const member =
      number != 0 && reading_.members[number - 1u].kind == Shape::Kind::none ? &reading_.members[number - 1u] : nullptr;
  Shape::Value value;
  if (kind == '"') {
    value = {Shape::Kind::string, take_string()};
  } else {
    value = {Shape::Kind::scalar, static_cast<std::uint32_t>(scalars_.size())};
    if (!take_scalar(wanted || member != nullptr)) return false;
  }
  if (wanted) steps_read_.push_back({value, field});
  if (member != nullptr) *member = value;
  return true;
}

// Behind the bracket. Elements are noted where leaves come of them, but not one that has all leaves of its array.
bool ShapeTable::array(NodeId node) {
  if (++depth_ > kJsonDepthMax) return false;
  const auto add_bracket = [&](Shape::Kind kind) { steps_read_.push_back({{kind, 0}, kNone}); };
  std::size_t elements = 0, opened_at = 0;
  bool ends_in_element = false;
  if (next() == ']') {
    --depth_;
    take();
    return true;
  }
  for (;;) {
    const char kind = next();
    const bool is_element = node != kNone && (kind == '{' || kind == '[');
    const std::size_t before = steps_read_.size();
    if (is_element && elements == 0) add_bracket(Shape::Kind::open_array);
    if (is_element) add_bracket(Shape::Kind::open_element);
    const std::size_t inside = steps_read_.size();
    if (!value(node, true)) return false;
    if (steps_read_.size() == inside) {
      steps_read_.resize(before);
    } else if ((ends_in_element = is_element)) {
      if (elements++ == 0) opened_at = before;
      add_bracket(Shape::Kind::close_element);
    }
    const char behind = next();
    take();
    if (behind == ']') break;
    if (behind != ',') return false;
  }
  if (elements == 1 && ends_in_element) {
    steps_read_.pop_back();
    steps_read_[opened_at].value.kind = steps_read_[opened_at + 1].value.kind = Shape::Kind::none;
    any_unwrapped_ = true;
  } else if (elements > 0) {
    add_bracket(Shape::Kind::close_array);
  }
  --depth_;
  return true;
}

}  // namespace millrace

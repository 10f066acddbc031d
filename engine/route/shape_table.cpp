#include "engine/route/shape_table.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/route/json_scalar.hpp"
#include "engine/route/text_scan.hpp"
#include "matcher/key_hash.hpp"
#include "matcher/secret.hpp"

namespace millrace {
namespace {

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
    : secret_(fresh_secret()),
      sets_(kSets),
      seen_(kSeen),
      keys_(wants.paths),
      reader_(std::move(wants), keys_, scalars_) {}

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
  for (const Shape::Key& key : shape.keys) different |= keys_.difference(key.key, text.quote(key.string));
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
  if (!reader_.read(text, root)) return nullptr;
  keep(text, hash);
  return &reader_.shape();
}

bool ShapeTable::others_lead_on(std::span<const Shape::Other> others, const StringIndex& text) const {
  bool any = false;
  for (const Shape::Other& other : others) any |= keys_.may_lead_on(other.node, text.quote(other.string));
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
  if (!reader_.is_keepable() || !was_seen(mix(hash, reader_.keys_hash()))) return;
  Shape shape = reader_.shape();
  shape.heads = {text.heads(), 2 * text.count()};
  shape.chained = reader_.chained_strings();
  Set& set = sets_[hash % kSets];
  const std::size_t way = kept_++ % kWays;
  set.hashes[way] = hash;
  set.shapes[way] = copy_of(shape);
}

ShapeTable::KeptShape ShapeTable::copy_of(const Shape& shape) {
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

}  // namespace millrace

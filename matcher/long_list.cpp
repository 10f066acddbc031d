#include "matcher/long_list.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "matcher/affix_order.hpp"
#include "matcher/case_fold.hpp"
#include "matcher/evaluate.hpp"
#include "matcher/hash_slots.hpp"

namespace millrace {
namespace {

enum Section : std::size_t { prefixes, suffixes, lower_prefixes, lower_suffixes, ranges, blocks, others, kSections };

// Which kinds of alternatives there are, by bit.
enum Kind : std::uint32_t { strings = 1, tokens = 2, numbers = 4, lower_strings = 8, absence = 16 };

constexpr std::size_t kHeadWords = 2 + kSections;

Entry entry_at(const std::uint32_t* alternatives, std::uint32_t place) {
  const std::uint32_t head = alternatives[place];
  return {op_of(head), count_of(head), alternatives + place + 1};
}

std::uint64_t hash_of(Op op, std::string_view text) { return text_hash(static_cast<std::uint64_t>(op), text); }
std::uint64_t hash_of(NumberKey number) { return mix(static_cast<std::uint64_t>(Op::exact_number), number); }

// A block's first address against an address: IPv4 comes first.
int compare(const Entry& block, const IpAddress& address) {
  const std::uint32_t *const is_v6 = block.operands + 1, *const bytes = block.operands + 2;
  if ((*is_v6 != 0) != address.is_v6) return address.is_v6 ? -1 : 1;
  return std::memcmp(bytes, address.bytes.data(), address.bytes.size());
}

class DirectoryWriter {
 public:
  explicit DirectoryWriter(Words alternatives) : first_(alternatives.data()) {
    for (Words words = alternatives; !words.empty();) {
      const auto place = static_cast<std::uint32_t>(words.data() - first_);
      take(read_entry(words), place);
    }
    for (const Section section : {prefixes, suffixes, lower_prefixes, lower_suffixes})
      keep_least_affixes(sections_[section], section == suffixes || section == lower_suffixes,
                         [&](std::uint32_t place) { return entry_at(first_, place).text(); });
    keep_widest_ranges();
    keep_widest_blocks();
  }

  std::vector<std::uint32_t> words() const {
    const std::size_t slots = hashed_.empty() ? 0 : hash_slots_for(hashed_.size());
    std::vector<std::uint32_t> out{0, static_cast<std::uint32_t>(slots), kinds_};
    for (const auto& places : sections_) out.push_back(static_cast<std::uint32_t>(places.size()));
    const std::size_t table = out.size();
    out.resize(table + slots, 0);
    for (const Hashed& item : hashed_) add_to_slots({out.data() + table, slots}, item.hash, item.place + 1);
    for (const auto& places : sections_) out.insert(out.end(), places.begin(), places.end());
    out[0] = head_of(Op::directory, out.size() - 1);
    return out;
  }

 private:
  struct Hashed {
    std::uint64_t hash;
    std::uint32_t place;
  };

  void take(const Entry& entry, std::uint32_t place) {
    switch (entry.op) {
      case Op::exact_string:
        return add_hashed(strings, hash_of(entry.op, entry.text()), place);
      case Op::exact_token:
        return add_hashed(tokens, hash_of(entry.op, entry.text()), place);
      case Op::exact_number:
        return add_hashed(numbers, hash_of(entry.number(0)), place);
      case Op::ignore_case:
        return add_hashed(lower_strings, hash_of(entry.op, entry.text()), place);
      case Op::prefix:
        return sections_[prefixes].push_back(place);
      case Op::suffix:
        return sections_[suffixes].push_back(place);
      case Op::prefix_ignore_case:
        return sections_[lower_prefixes].push_back(place);
      case Op::suffix_ignore_case:
        return sections_[lower_suffixes].push_back(place);
      case Op::range:
        return sections_[ranges].push_back(place);
      case Op::cidr:
        return sections_[blocks].push_back(place);
      case Op::not_exists:
        kinds_ |= absence;
        return;
      default:
        return sections_[others].push_back(place);
    }
  }

  void add_hashed(Kind kind, std::uint64_t hash, std::uint32_t place) {
    kinds_ |= kind;
    hashed_.push_back({hash, place});
  }

  // In the order of their lower bounds, which is that of their upper bounds then.
  void keep_widest_ranges() {
    const auto bounds = [&](std::uint32_t place) {
      const Entry entry = entry_at(first_, place);
      return std::pair(entry.number(0), entry.number(1));
    };
    auto& places = sections_[ranges];
    std::sort(places.begin(), places.end(), [&](std::uint32_t a, std::uint32_t b) {
      return std::pair(bounds(a).first, ~bounds(a).second) < std::pair(bounds(b).first, ~bounds(b).second);
    });
    drop_covered(places,
                 [&](std::uint32_t kept, std::uint32_t place) { return bounds(place).second <= bounds(kept).second; });
  }

  // Of two blocks, one is within the other or they have nothing in common.
  void keep_widest_blocks() {
    const auto block = [&](std::uint32_t place) { return entry_at(first_, place).block(); };
    auto& places = sections_[blocks];
    std::sort(places.begin(), places.end(), [&](std::uint32_t a, std::uint32_t b) {
      const int order = compare(entry_at(first_, a), block(b).base);
      return order != 0 ? order < 0 : block(a).bits < block(b).bits;
    });
    drop_covered(places, [&](std::uint32_t kept, std::uint32_t place) {
      return block_contains(block(kept), block(place).base);
    });
  }

  const std::uint32_t* first_;
  std::uint32_t kinds_ = 0;
  std::vector<Hashed> hashed_;
  std::array<std::vector<std::uint32_t>, kSections> sections_;
};

class Directory {
 public:
  explicit Directory(Words values)
      : words_(values.data() + 1),
        alternatives_(alternatives_of(values).data()),
        table_(words_ + kHeadWords, words_[0]) {
    const std::uint32_t* at = table_.data() + table_.size();
    for (std::size_t i = 0; i < kSections; ++i) {
      sections_[i] = {at, words_[2 + i]};
      at += words_[2 + i];
    }
  }

  bool has(Kind kind) const { return (words_[1] & kind) != 0; }

  bool holds(Leaf& leaf, EventFields& fields) const {
    const bool by_kind = leaf.kind == LeafKind::string ? string_holds(leaf, fields) : token_holds(leaf, fields);
    return by_kind || std::any_of(sections_[others].begin(), sections_[others].end(), [&](std::uint32_t place) {
             return entry_holds(entry_at(alternatives_, place), leaf, fields);
           });
  }

 private:
  bool string_holds(Leaf& leaf, EventFields& fields) const {
    const std::string_view text = leaf.text();
    if (has(strings) && is_in_table(hash_of(Op::exact_string, text), leaf, fields)) return true;
    if (has_affix_of(prefixes, text) || has_affix_of(suffixes, text)) return true;
    if (has(lower_strings) || !sections_[lower_prefixes].empty() || !sections_[lower_suffixes].empty()) {
      const std::string_view lower = fields.lower(text);
      if (has(lower_strings) && is_in_table(hash_of(Op::ignore_case, lower), leaf, fields)) return true;
      if (has_affix_of(lower_prefixes, lower) || has_affix_of(lower_suffixes, lower)) return true;
    }
    return !sections_[blocks].empty() && fields.address(leaf) && is_in_block(*fields.address(leaf));
  }

  bool token_holds(Leaf& leaf, EventFields& fields) const {
    if (has(tokens) && is_in_table(hash_of(Op::exact_token, leaf.text()), leaf, fields)) return true;
    if (leaf.kind != LeafKind::number || (!has(numbers) && sections_[ranges].empty())) return false;
    const NumberKey number = fields.number(leaf);
    if (number == kNotComparable) return false;
    return (has(numbers) && is_in_table(hash_of(number), leaf, fields)) || is_in_range(number);
  }

  bool is_in_table(std::uint64_t hash, Leaf& leaf, EventFields& fields) const {
    return any_in_slots(table_, hash, [&](std::uint32_t place) {
      return entry_holds(entry_at(alternatives_, place - 1), leaf, fields);
    });
  }

  bool has_affix_of(Section section, std::string_view text) const {
    const auto text_at = [&](std::uint32_t i) { return entry_at(alternatives_, sections_[section][i]).text(); };
    return has_any_affix(text, static_cast<std::uint32_t>(sections_[section].size()),
                         section == suffixes || section == lower_suffixes, text_at);
  }

  // The last one of the section that does not begin behind the value.
  template <typename BeginsBehind>
  const std::uint32_t* candidate(Section section, BeginsBehind&& begins_behind) const {
    const auto behind = std::partition_point(sections_[section].begin(), sections_[section].end(),
                                             [&](std::uint32_t place) { return !begins_behind(place); });
    return behind == sections_[section].begin() ? nullptr : &*(behind - 1);
  }

  bool is_in_range(NumberKey number) const {
    const std::uint32_t* const place =
        candidate(ranges, [&](std::uint32_t i) { return entry_at(alternatives_, i).number(0) > number; });
    return place != nullptr && number <= entry_at(alternatives_, *place).number(1);
  }

  bool is_in_block(const IpAddress& address) const {
    const std::uint32_t* const place =
        candidate(blocks, [&](std::uint32_t i) { return compare(entry_at(alternatives_, i), address) > 0; });
    return place != nullptr && block_contains(entry_at(alternatives_, *place).block(), address);
  }

  const std::uint32_t *words_, *alternatives_;
  Words table_;
  std::array<Words, kSections> sections_;
};

}  // namespace

void put_directory(std::vector<std::uint32_t>& values, std::size_t begin) {
  const auto first = values.begin() + static_cast<std::ptrdiff_t>(begin);
  const std::vector<std::uint32_t> directory = DirectoryWriter({first, values.end()}).words();
  values.insert(first, directory.begin(), directory.end());
}

bool any_listed_holds(Words values, Leaf& leaf, EventFields& fields) { return Directory(values).holds(leaf, fields); }

bool accepts_absence(Words values) {
  if (has_directory(values)) return Directory(values).has(absence);
  while (!values.empty()) {
    if (read_entry(values).op == Op::not_exists) return true;
  }
  return false;
}

}  // namespace millrace

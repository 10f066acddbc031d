// Matches one event: looks its leaves up, verifies each group so found on the leaf, and goes through the conjunctions
// that wait there.
#include <algorithm>
#include <bit>

#include "matcher/automaton.hpp"
#include "matcher/case_fold.hpp"
#include "matcher/evaluate.hpp"
#include "matcher/key_hash.hpp"
#include "matcher/long_list.hpp"

namespace millrace {
namespace {

constexpr std::size_t kGroupHeadWords = 4;
constexpr std::size_t kFoundFew = 4;     // groups that may be gone through twice more cheaply than sorted
constexpr std::size_t kFoundMin = 1024;  // groups kept, with repetitions, before these are taken out

Words values_of(const std::vector<std::uint32_t>& groups, GroupId group) {
  return {groups.data() + group + kGroupHeadWords, groups[group + 1]};
}

auto lists_of(const std::vector<std::uint32_t>& groups) {
  return [&](GroupId group) { return ConsistencyField{groups[group], values_of(groups, group)}; };
}

}  // namespace

Matcher::Matcher(std::shared_ptr<const Automaton> automaton)
    : automaton_(std::move(automaton)), consistency_(automaton_->path_names_) {
  for (const auto& field : automaton_->fields_) {
    const bool remembers = field.costly && remembered_.size() < kRememberingFieldsMax;
    remembered_of_field_.push_back(remembers ? static_cast<std::uint32_t>(remembered_.size()) : kNone);
    if (remembers) remembered_.emplace_back();
  }
}

inline std::uint64_t Matcher::hash_of(Leaf& leaf) const {
  if (leaf.hash == 0) leaf.hash = text_hash(automaton_->secret_, leaf.text());
  return leaf.hash;
}

// PERF: most of what is looked up is not there, as a filter says.
inline void Matcher::offer(std::uint64_t hash, Leaf& first, Leaf& second, EventFields& fields) {
  const std::uint32_t value = automaton_->index_.find(hash);
  if (value != HashIndex::kAbsent) offer_value(value, first, second, fields);
}

bool Matcher::match(EventFields& fields, std::vector<RuleId>& rules) {
  found_.clear();
  compact_at_ = kFoundMin;
  if (++event_ == 0) {  // the numbers begin anew
    sightings_.fill({});
    known_.fill({});
  }
  if (fields.has_arrays()) consistency_.clear();
  find_groups(fields);
  if (found_.size() > kFoundFew) sorter_.sort_unique(found_);
  const std::size_t rules_before = rules.size();
  undecided_.clear();
  // Twins are found behind the groups that lead to them.
  const std::size_t found = found_.size();
  compact_at_ = ~std::size_t{0};
  for (std::size_t i = 0; i < found; ++i) {
    run_cluster(found_[i], fields, rules);
    if (automaton_->groups_[found_[i] + 3] != kNone) offer_twins(found_[i], fields);
  }
  sorter_.sort_unique(found_, found);
  for (std::size_t i = found; i < found_.size(); ++i) run_cluster(found_[i], fields, rules);
  sorter_.sort_unique(rules, rules_before);
  return undecided_.empty() || std::all_of(undecided_.begin(), undecided_.end(), [&](RuleId rule) {
           return std::binary_search(rules.begin() + static_cast<std::ptrdiff_t>(rules_before), rules.end(), rule);
         });
}

// PERF: users, roles and addresses come again and again; one comparison then stands for a dozen look-ups.
inline void Matcher::find_costly(const Automaton::Field& field, Leaf& leaf, EventFields& fields) {
  const std::string_view text = leaf.text();
  const std::uint32_t remembered = remembered_of_field_[leaf.field];
  if (remembered == kNone || text.size() > kRememberedBytesMax) return find_by_text(field, leaf, fields);
  const std::uint64_t tail = text.size() < sizeof(tail) ? 0 : load_word(text.data() + text.size() - sizeof(tail));
  Remembered& last = remembered_[remembered][mix(text.size(), tail) % kRememberedMax];
  if (!last.used || !equal_texts(last.text, text)) return find_and_remember(field, leaf, last, fields);
  for (const GroupId group : last.groups) add_found(group);
}

inline void Matcher::find_by_leaf(const Automaton::Field& field, Leaf& leaf, EventFields& fields) {
  if (leaf.kind == LeafKind::string) {
    if ((field.string_lengths >> leaf.bytes % 64 & 1) != 0) offer(string_hash(hash_of(leaf), leaf.field), leaf, fields);
    if (field.costly) find_costly(field, leaf, fields);
    return;
  }
  if (field.tokens) offer(text_hash(key_seed(field.seed, KeyKind::token), leaf.text()), leaf, fields);
  if (leaf.kind != LeafKind::number || !(field.numbers || field.ranges != kNone)) return;
  const NumberKey number = fields.number(leaf);
  if (number == kNotComparable) return;
  if (field.numbers) offer(number_hash(key_seed(field.seed, KeyKind::number), number), leaf, fields);
  if (field.ranges != kNone) automaton_->ranges_[field.ranges].query(number, [&](GroupId group) { add_found(group); });
}

inline void Matcher::find_by_field(FieldId id, EventFields& fields) {
  const Automaton& a = *automaton_;
  const auto& field = a.fields_[id];
  const LeafId first = fields.first(id);
  if (first == kNone) return;
  for (LeafId leaf = first; leaf != kNone; leaf = fields.leaf(leaf).next)
    find_by_leaf(field, fields.leaf(leaf), fields);
  for (std::uint32_t i = field.list_begin; i < field.list_end; ++i) {
    if (group_holds(a.lists_[i], fields)) add_found(a.lists_[i]);
  }
}

// The values of two fields together.
inline void Matcher::find_by_pair(std::uint32_t pair, EventFields& fields) {
  const Automaton::FieldPair& of = automaton_->pairs_[pair];
  const LeafId first = fields.first(of.first), second = fields.first(of.second);
  if (first == kNone || second == kNone) return;
  Leaf &a = fields.leaf(first), &b = fields.leaf(second);
  if (a.next != kNone || b.next != kNone) return find_by_pairs(pair, fields);
  if (of.may_be(a, b)) offer(pair_hash(hash_of(a), hash_of(b), pair), a, b, fields);
}

// Goes by fields or by leaves, whichever are fewer.
void Matcher::find_groups(EventFields& fields) {
  const Automaton& a = *automaton_;
  if (a.indexed_.size() <= fields.leaf_count()) {
    for (const FieldId id : a.indexed_) find_by_field(id, fields);
  } else {
    for (LeafId id = 0; id < fields.leaf_count(); ++id) {
      const FieldId field = fields.leaf(id).field;
      if (a.fields_[field].indexed && fields.first(field) == id) find_by_field(field, fields);
    }
  }
  for (std::uint32_t pair = 0; pair < a.pairs_.size(); ++pair) find_by_pair(pair, fields);
  for (const GroupId group : a.always_) {
    if (group_holds(group, fields)) add_found(group);
  }
}

// Of a field with several values; where there are many, each by itself.
void Matcher::find_by_pairs(std::uint32_t pair, EventFields& fields) {
  const FieldId first_field = automaton_->pairs_[pair].first, second_field = automaton_->pairs_[pair].second;
  const LeafId first = fields.first(first_field), second = fields.first(second_field);
  const auto for_each_string = [&](LeafId begin, auto&& visit) {
    for (LeafId id = begin; id != kNone; id = fields.leaf(id).next) {
      if (fields.leaf(id).kind == LeafKind::string) visit(fields.leaf(id));
    }
  };
  const auto is_few = [&](LeafId id) {
    std::size_t count = 0;
    for (; id != kNone && count <= kPairedLeavesMax; id = fields.leaf(id).next) ++count;
    return count <= kPairedLeavesMax;
  };
  if (is_few(first) && is_few(second)) {
    for_each_string(first, [&](Leaf& a) {
      for_each_string(second, [&](Leaf& b) { offer(pair_hash(hash_of(a), hash_of(b), pair), a, b, fields); });
    });
  } else {
    for_each_string(first, [&](Leaf& a) { offer(string_hash(hash_of(a), first_field), a, fields); });
    for_each_string(second, [&](Leaf& b) { offer(string_hash(hash_of(b), second_field), b, fields); });
  }
}

void Matcher::find_and_remember(const Automaton::Field& field, Leaf& leaf, Remembered& last, EventFields& fields) {
  const std::size_t found_before = found_.size(), compact_before = compact_at_;
  last.used = false;
  if (found_before > kRememberedGroupsMax) return find_by_text(field, leaf, fields);
  find_all_ = true;
  find_by_text(field, leaf, fields);
  find_all_ = false;
  last.used = compact_at_ == compact_before && found_.size() - found_before <= kRememberedGroupsMax;
  if (!last.used) return;
  last.text = leaf.text();
  last.groups.assign(found_.begin() + static_cast<std::ptrdiff_t>(found_before), found_.end());
}

void Matcher::find_by_text(const Automaton::Field& field, Leaf& leaf, EventFields& fields) {
  const auto seed = [&](KeyKind kind) { return key_seed(field.seed, kind); };
  const auto& stems = field.stems;
  if (stems[0] != 0) find_by_stems(seed(KeyKind::prefix), stems[0], leaf.text(), false, leaf, fields);
  if (stems[1] != 0) find_by_stems(seed(KeyKind::suffix), stems[1], leaf.text(), true, leaf, fields);
  if (field.ignore_case || stems[2] != 0 || stems[3] != 0) {
    lower_.clear();
    append_ascii_lower(leaf.text(), lower_);
    if (field.ignore_case) offer(text_hash(seed(KeyKind::ignore_case), lower_), leaf, fields);
    if (stems[2] != 0) find_by_stems(seed(KeyKind::prefix_ignore_case), stems[2], lower_, false, leaf, fields);
    if (stems[3] != 0) find_by_stems(seed(KeyKind::suffix_ignore_case), stems[3], lower_, true, leaf, fields);
  }
  if (field.v4_blocks != kNone || field.v6_blocks != kNone) find_by_address(field, leaf, fields);
}

void Matcher::find_by_stems(std::uint64_t hash, std::uint32_t mask, std::string_view value, bool from_tail, Leaf& leaf,
                            EventFields& fields) {
  for (std::size_t i = 0;; ++i) {
    const std::size_t rest = value.size() - i * kStemBytes;
    for (std::uint32_t tails = mask & 0xff; tails != 0; tails &= tails - 1) {
      const auto bytes = static_cast<std::size_t>(std::countr_zero(tails));
      if (bytes > rest) break;
      offer(tail_hash(hash, bytes == 0 ? 0 : word_at(value, i, bytes, from_tail), bytes), leaf, fields);
    }
    if ((mask & kStemGoesOn) == 0 || rest < kStemBytes) return;
    hash = stem_hash(hash, word_at(value, i, kStemBytes, from_tail));
    mask = automaton_->index_.find(hash);
    if (mask == HashIndex::kAbsent || (mask & Automaton::kStem) == 0) return;
  }
}

void Matcher::find_by_address(const Automaton::Field& field, Leaf& leaf, EventFields& fields) {
  const auto& address = fields.address(leaf);
  if (!address) return;
  const auto add = [&](GroupId group) { add_found(group); };
  if (!address->is_v6 && field.v4_blocks != kNone)
    automaton_->v4_blocks_[field.v4_blocks].query(key_of<V4Key>(*address), add);
  if (address->is_v6 && field.v6_blocks != kNone)
    automaton_->v6_blocks_[field.v6_blocks].query(key_of<V6Key>(*address), add);
}

void Matcher::offer_value(std::uint32_t value, Leaf& first, Leaf& second, EventFields& fields) {
  const auto offer_at = [&](GroupId group, std::uint32_t entry) {
    return offer_entry(group, entry, automaton_->groups_[group] == first.field ? first : second, fields);
  };
  if ((value & Automaton::kPosting) == 0) {
    if ((value & Automaton::kStem) == 0) offer_at(value, 0);  // else a chance hit
    return;
  }
  // PERF: many leaves may have a value that many lists have.
  const std::uint32_t* at = automaton_->lists_.data() + (value & ~Automaton::kPosting);
  const bool is_long = at[0] >= kSightingsFrom;
  if (is_long && was_sighted(value)) return;
  bool all_found = true;
  for (const std::uint32_t* const end = at + 1 + 2 * at[0]; ++at != end; ++at) all_found &= offer_at(at[0], at[1]);
  if (is_long && all_found) sightings_[sighting_of(value)] = {value, event_};
}

// Is it found, now or before?
bool Matcher::offer_entry(GroupId group, std::uint32_t entry, Leaf& leaf, EventFields& fields) {
  if (is_found(group)) return true;
  const std::vector<std::uint32_t>& groups = automaton_->groups_;
  Words words = values_of(groups, group).subspan(entry);
  const bool holds = groups[group] == leaf.field && entry_holds(read_entry(words), leaf, fields);
  if (holds) add_found(group);
  return holds;
}

// Says so of most groups that were found in this event already, never of another. Of few groups, sorting them once
// takes repetitions out more cheaply.
bool Matcher::is_found(GroupId group) const { return found_.size() >= kSightingsFrom && was_sighted(group); }

// A group may be found by many leaves; what is kept stays within twice what is found.
void Matcher::add_found(GroupId group) {
  if (is_found(group)) return;
  if (found_.size() >= kSightingsFrom) sightings_[sighting_of(group)] = {group, event_};
  found_.push_back(group);
  if (found_.size() < compact_at_) return;
  sorter_.sort_unique(found_);
  compact_at_ = std::max(kFoundMin, 2 * found_.size());
}

void Matcher::offer_twins(GroupId group, EventFields& fields) {
  const std::uint32_t* split = automaton_->lists_.data() + automaton_->groups_[group + 3];
  for (const FieldId field : std::span(split + 1, split[0])) {
    for (LeafId id = fields.first(field); id != kNone; id = fields.leaf(id).next) {
      Leaf& leaf = fields.leaf(id);
      if (leaf.kind == LeafKind::string) offer(twin_hash(hash_of(leaf), group, field), leaf, fields);
    }
  }
}

bool Matcher::group_holds(GroupId group, EventFields& fields) {
  if (fields.has_arrays()) return consistency_.holds(group, lists_of(automaton_->groups_), fields);
  const Words values = values_of(automaton_->groups_, group);
  LeafId id = fields.first(automaton_->groups_[group]);
  if (id == kNone) return accepts_absence(values);
  for (; id != kNone; id = fields.leaf(id).next) {
    if (any_entry_holds(values, fields.leaf(id), fields)) return true;
  }
  return false;
}

// PERF: an `$or` product asks the same few lists in many conjunctions.
bool Matcher::holds_in_large_cluster(GroupId group, EventFields& fields) {
  Known& known = known_[group * 0x9e3779b1u >> (32 - kKnownBits)];
  if (known.group != group || known.event != event_) known = {group, event_, group_holds(group, fields)};
  return known.holds;
}

Consistency Matcher::conjunction_holds(GroupId access, std::span<const GroupId> groups, bool large,
                                       EventFields& fields) {
  if (!fields.has_arrays()) {
    const auto holds = [&](GroupId group) {
      return group == access || (large ? holds_in_large_cluster(group, fields) : group_holds(group, fields));
    };
    return std::all_of(groups.begin(), groups.end(), holds) ? Consistency::consistent : Consistency::inconsistent;
  }
  return consistency_.check(groups, lists_of(automaton_->groups_), fields);
}

void Matcher::run_cluster(GroupId access, EventFields& fields, std::vector<RuleId>& rules) {
  const std::uint32_t* at = automaton_->clusters_.data() + automaton_->groups_[access + 2];
  const std::uint32_t* const end = at + at[0];
  const bool large = at[0] > kLargeClusterWords;
  RuleId matched = kNone;
  std::span<const GroupId> last;
  Consistency verdict = Consistency::inconsistent;
  for (++at; at != end; at += 2 + at[1]) {
    if (at[0] == matched) continue;  // by another of its conjunctions
    const std::span<const GroupId> groups(at + 2, at[1]);
    // PERF: rules of one pattern stand side by side. None is empty.
    if (!std::equal(groups.begin(), groups.end(), last.begin(), last.end()))
      verdict = conjunction_holds(access, last = groups, large, fields);
    if (verdict == Consistency::consistent) rules.push_back(matched = at[0]);
    if (verdict == Consistency::undecided) undecided_.push_back(at[0]);
  }
}

}  // namespace millrace

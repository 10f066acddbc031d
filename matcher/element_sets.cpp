#include "matcher/element_sets.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <iterator>
#include <string_view>

#include "matcher/evaluate.hpp"
#include "matcher/key_hash.hpp"

namespace millrace {
namespace {

// Telling a field's values apart pays from so many lists on.
constexpr std::uint32_t kByValueListsMin = 8;

std::uint32_t segments_in_common(std::string_view a, std::string_view b) {
  for (std::uint32_t count = 0;; ++count) {
    const auto a_dot = std::min(a.find('.'), a.size()), b_dot = std::min(b.find('.'), b.size());
    if (a.substr(0, a_dot) != b.substr(0, b_dot)) return count;
    if (a_dot == a.size() || b_dot == b.size()) return count + 1;
    a.remove_prefix(a_dot + 1);
    b.remove_prefix(b_dot + 1);
  }
}

template <typename Visit>
void for_each_element(std::size_t begin, std::span<const std::uint64_t> words, Visit&& visit) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    for (std::uint64_t rest = words[i]; rest != 0; rest &= rest - 1)
      visit(static_cast<ElementId>(64 * (begin + i) + static_cast<std::size_t>(std::countr_zero(rest))));
  }
}

bool is_empty(std::span<const std::uint64_t> words) {
  return std::all_of(words.begin(), words.end(), [](std::uint64_t word) { return word == 0; });
}

}  // namespace

void ElementSets::clear() {
  words_.clear();
  set_at_.clear();
  extents_.clear();
  values_.clear();
  if (!junctions_.empty()) junctions_.clear();
}

std::optional<bool> ElementSets::agree(std::span<const std::uint32_t> conjunction, LeafLists& lists,
                                       EventFields& fields) {
  lists_ = &lists;
  fields_ = &fields;
  branches_.resize(1);
  branches_[0].field = kNone;
  for (const std::uint32_t place : conjunction) {
    if (!take_step(place)) return {};
    if (branches_.empty()) return false;
  }
  return true;
}

// False if the arrays do not lie as they must.
bool ElementSets::take_step(std::uint32_t place) {
  const LeafLists::List& list = lists_->list(place);
  const Extent extent = extent_of(list.leaves);
  Branch chosen{list.leaves, extent.begin, std::vector<Word>(extent.words)};
  bool any = false, regular = true;
  std::erase_if(branches_, [&](Branch& branch) {
    const Junction junction = junction_of(branch.field, list.leaves);
    regular &= junction.regular;
    if (!regular) return true;
    any |= choose(branch, junction, place, chosen);
    return !list.absence || !leave_out(branch, junction, list.leaves);
  });
  if (any) branches_.push_back(std::move(chosen));
  return regular;
}

// Adds the elements of the list's leaves that agree with the branch; is there any?
bool ElementSets::choose(const Branch& from, const Junction& junction, std::uint32_t place, Branch& to) {
  const std::uint32_t field = lists_->list(place).leaves;
  const Set set = set_of(place);
  if (!junction.shares) {
    std::transform(set.words.begin(), set.words.end(), to.words.begin(), to.words.begin(), std::bit_or<>());
    return lists_->list(place).first != kNone;
  }
  const Set anchors = anchors_of(from.set(), from.field, junction.depth);
  Word any = 0;
  if (extent_of(field).deepest <= junction.depth) {
    for (std::size_t i = 0; i < set.words.size(); ++i) {
      const Word agreeing = set.words[i] & anchors.word(set.begin + i);
      any |= agreeing;
      to.words[i] |= agreeing;
    }
  } else {
    for_each_element(set.begin, set.words, [&](ElementId element) {
      if (!anchors.has(anchor(element, junction.depth))) return;
      any = 1;
      to.words[element / 64 - to.begin] |= Word{1} << element % 64;
    });
  }
  return any != 0;
}

// Leaves those that no leaf of the field agrees with; is there any?
bool ElementSets::leave_out(Branch& from, const Junction& junction, std::uint32_t field) {
  if (!junction.shares) return false;
  const Set anchors = anchors_of(all_of(field), field, junction.depth);
  for_each_element(from.begin, from.words, [&](ElementId element) {
    if (anchors.has(anchor(element, junction.depth)))
      from.words[element / 64 - from.begin] &= ~(Word{1} << element % 64);
  });
  return !is_empty(from.words);
}

ElementSets::Junction ElementSets::junction_of(std::uint32_t first, std::uint32_t second) {
  if (first == kNone) return {};
  const auto [at, added] = junctions_.try_emplace(std::uint64_t{first} << 32 | second);
  if (added) examine(lists_->leaves(first), lists_->leaves(second), at->second);
  return at->second;
}

// In document order each anchor and the next one part in one array, so all do.
void ElementSets::examine(const LeafLists::Leaves& first, const LeafLists::Leaves& second, Junction& out) const {
  out.depth = segments_in_common(paths_[first.field], paths_[second.field]);
  std::vector<LeafId> runs;
  std::merge(first.runs.begin(), first.runs.end(), second.runs.begin(), second.runs.end(), std::back_inserter(runs));
  ElementId last = kNone;
  for (std::size_t i = 0; i < runs.size() && out.regular; ++i) {
    const ElementId now = anchor(fields_->leaf(runs[i]).element, out.depth);
    if (i > 0 && now != last) out.regular = part_in_one_array(last, runs[i - 1], now);
    last = now;
  }
  out.shares = last != kNone;
}

bool ElementSets::part_in_one_array(ElementId a, LeafId leaf_of_a, ElementId b) const {
  for (; b != kNone; b = fields_->parent(b)) {
    const auto& array = fields_->array(fields_->element(b).array);
    if (array.has(leaf_of_a)) return !fields_->element(b).has(leaf_of_a) && array.parent != a;
  }
  return false;
}

ElementId ElementSets::anchor(ElementId element, std::uint32_t depth) const {
  while (element != kNone && fields_->array(fields_->element(element).array).depth > depth)
    element = fields_->parent(element);
  return element;
}

// Valid until the next one.
ElementSets::Set ElementSets::anchors_of(Set set, std::uint32_t field, std::uint32_t depth) {
  if (extent_of(field).deepest <= depth) return set;
  anchors_.assign(set.begin + set.words.size(), 0);
  for_each_element(set.begin, set.words, [&](ElementId element) {
    const ElementId its = anchor(element, depth);
    anchors_[its / 64] |= Word{1} << its % 64;
  });
  return {0, anchors_};
}

ElementSets::Extent& ElementSets::extent_of(std::uint32_t field) {
  if (field >= extents_.size()) extents_.resize(lists_->leaves_count());
  Extent& out = extents_[field];
  if (out.words != 0) return out;
  std::size_t begin = kNowhere, end = 0;
  for (const LeafId run : lists_->leaves(field).runs) {
    const ElementId element = fields_->leaf(run).element;
    if (element == kNone) continue;
    begin = std::min<std::size_t>(begin, element / 64);
    end = std::max<std::size_t>(end, element / 64 + 1);
    out.deepest = std::max(out.deepest, fields_->array(fields_->element(element).array).depth);
  }
  out.begin = begin;
  out.words = end - begin;
  return out;
}

// Valid until another one is asked for, as is all_of().
ElementSets::Set ElementSets::set_of(std::uint32_t place) {
  const LeafLists::List& list = lists_->list(place);
  Extent& extent = extent_of(list.leaves);
  if (place >= set_at_.size()) set_at_.resize(lists_->list_count(), kNowhere);
  if (set_at_[place] == kNowhere) {
    set_at_[place] = new_set(extent.words);
    const bool by_value = ++extent.lists >= kByValueListsMin;
    by_value ? evaluate_values(list, extent, set_at_[place]) : evaluate_leaves(list, extent, set_at_[place]);
  }
  return {extent.begin, std::span(words_).subspan(set_at_[place], extent.words)};
}

void ElementSets::evaluate_leaves(const LeafLists::List& list, const Extent& extent, std::size_t set) {
  for (const LeafId leaf : list.satisfying) add_to(set, extent, fields_->leaf(leaf).element);
  for (LeafId id = list.next; id != kNone; id = fields_->leaf(id).next) {
    Leaf& leaf = fields_->leaf(id);
    if (leaf.element == kNone || Set{extent.begin, std::span(words_).subspan(set)}.has(leaf.element)) continue;
    if (any_entry_holds(list.values, leaf, *fields_)) add_to(set, extent, leaf.element);
  }
}

void ElementSets::evaluate_values(const LeafLists::List& list, const Extent& extent, std::size_t set) {
  const Values& values = values_of(list.leaves);
  for (const Values::Value& value : values.values) {
    if (!any_entry_holds(list.values, fields_->leaf(value.leaf), *fields_)) continue;
    for (std::uint32_t at = value.last; at != kNone; at = values.links[at].before)
      add_to(set, extent, values.links[at].element);
  }
}

const ElementSets::Values& ElementSets::values_of(std::uint32_t field) {
  if (field >= values_.size()) values_.resize(lists_->leaves_count());
  Values& out = values_[field];
  if (!out.values.empty()) return out;
  const auto hash = [&](std::string_view text) { return text_hash(secret_, text); };
  std::unordered_map<std::string_view, std::size_t, decltype(hash)> strings(0, hash), others(0, hash);
  for (LeafId id = fields_->first(lists_->leaves(field).field); id != kNone; id = fields_->leaf(id).next) {
    const Leaf& leaf = fields_->leaf(id);
    auto& known = leaf.kind == LeafKind::string ? strings : others;
    const auto [at, added] = known.try_emplace(leaf.text(), out.values.size());
    if (added) out.values.push_back({id, kNone});
    Values::Value& value = out.values[at->second];
    out.links.push_back({leaf.element, value.last});
    value.last = static_cast<std::uint32_t>(out.links.size() - 1);
  }
  return out;
}

ElementSets::Set ElementSets::all_of(std::uint32_t field) {
  Extent& extent = extent_of(field);
  if (extent.all == kNowhere) {
    extent.all = new_set(extent.words);
    for (const LeafId run : lists_->leaves(field).runs) add_to(extent.all, extent, fields_->leaf(run).element);
  }
  return {extent.begin, std::span(words_).subspan(extent.all, extent.words)};
}

std::size_t ElementSets::new_set(std::size_t words) {
  if (words_.size() + words > kSetWordsMax) {
    words_.clear();
    std::fill(set_at_.begin(), set_at_.end(), kNowhere);
    for (Extent& extent : extents_) extent.all = kNowhere;
  }
  words_.resize(words_.size() + words);
  return words_.size() - words;
}

}  // namespace millrace

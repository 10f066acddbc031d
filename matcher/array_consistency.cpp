#include "matcher/array_consistency.hpp"

#include <algorithm>

namespace millrace {
namespace {

constexpr std::size_t kFirstElementsMax = 16;  // LIMIT: of the lists' first leaves, before a search
constexpr std::size_t kFewTrials = 4;          // LIMIT: before sets are made

}  // namespace

Consistency ArrayConsistency::agreement(EventFields& fields) {
  if (excludable_.size() == 1)
    return lists_.list(excludable_[0]).first != kNone ? Consistency::consistent : Consistency::inconsistent;
  Consistency verdict = try_first_ones(fields);
  if (verdict == Consistency::undecided) verdict = search_.decide(excludable_, kFewTrials, lists_, fields);
  if (verdict != Consistency::undecided) return verdict;
  if (const auto agree = sets_.agree(excludable_, lists_, fields))
    return *agree ? Consistency::consistent : Consistency::inconsistent;
  return search_.decide(excludable_, kConsistencyTrialsMax, lists_, fields);
}

// PERF: what is usual, found without a search (worst_cases: sibling_arrays). Undecided if neither the first leaves of
// all lists agree nor two disagree that are the only ones of theirs.
Consistency ArrayConsistency::try_first_ones(const EventFields& fields) {
  firsts_.clear();
  bool agree = true;
  ElementId before = kNone;
  for (const std::uint32_t place : excludable_) {
    const LeafLists::List& list = lists_.list(place);
    if (list.first == kNone) return Consistency::undecided;
    for (const FirstElement& first : firsts_) {
      if (!first.excludes(list.first)) continue;
      if (list.only && first.only) return Consistency::inconsistent;
      agree = false;
    }
    if (list.element == before) continue;
    if (!add_first_ones(list.element, list.only, fields)) return Consistency::undecided;
    before = list.element;
  }
  return agree ? Consistency::consistent : Consistency::undecided;
}

// False if there are too many.
bool ArrayConsistency::add_first_ones(ElementId element, bool only, const EventFields& fields) {
  while (element != kNone) {
    const auto& inside = fields.element(element);
    const auto is_its = [&](const FirstElement& first) { return first.inside.array == inside.array; };
    if (std::any_of(firsts_.begin(), firsts_.end(), is_its)) return true;
    if (firsts_.size() == kFirstElementsMax) return false;
    const auto& outside = fields.array(inside.array);
    firsts_.push_back({inside, outside, only});
    element = outside.parent;
  }
  return true;
}

}  // namespace millrace

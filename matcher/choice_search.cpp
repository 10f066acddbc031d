#include "matcher/choice_search.hpp"

#include <algorithm>

namespace millrace {
namespace {

constexpr std::size_t kSlotsMin = 64;

bool has_leaf_in(const std::vector<LeafId>& leaves, LeafId begin, LeafId end) {
  if (begin >= end) return false;
  const auto at = std::lower_bound(leaves.begin(), leaves.end(), begin);
  return at != leaves.end() && *at < end;
}

}  // namespace

bool ChoiceSearch::States::is_at(std::uint32_t at, std::uint32_t step, std::span<const ElementId> state) const {
  return words_[at] == step && words_[at + 1] == state.size() &&
         std::equal(state.begin(), state.end(), words_.begin() + at + 2);
}

std::uint32_t ChoiceSearch::States::hash_of(std::uint32_t step, std::span<const ElementId> state) {
  std::uint32_t hash = slot_hash(step);
  for (const ElementId element : state) hash = slot_hash(hash + element);
  return hash;
}

bool ChoiceSearch::States::has(std::uint32_t step, std::span<const ElementId> state) const {
  if (count_ == 0) return false;
  const std::uint32_t hash = hash_of(step, state);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask; slots_[at].epoch == epoch_; at = (at + 1) & mask) {
    if (slots_[at].hash == hash && is_at(slots_[at].at, step, state)) return true;
  }
  return false;
}

void ChoiceSearch::States::add(std::uint32_t step, std::span<const ElementId> state) {
  if (2 * (count_ + 1) > slots_.size()) grow();
  const std::uint32_t hash = hash_of(step, state);
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  while (slots_[at].epoch == epoch_) at = (at + 1) & mask;
  slots_[at] = {epoch_, hash, static_cast<std::uint32_t>(words_.size())};
  words_.push_back(step);
  words_.push_back(static_cast<std::uint32_t>(state.size()));
  words_.insert(words_.end(), state.begin(), state.end());
  ++count_;
  several_ += state.size() > 1;
}

void ChoiceSearch::States::grow() {
  std::vector<Slot> old(std::max(kSlotsMin, 2 * slots_.size()));
  old.swap(slots_);
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.epoch != epoch_) continue;
    std::size_t at = slot.hash & mask;
    while (slots_[at].epoch == epoch_) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

Consistency ChoiceSearch::decide(std::span<const std::uint32_t> conjunction, std::size_t trials_max, LeafLists& lists,
                                 EventFields& fields) {
  lists_ = &lists;
  fields_ = &fields;
  trials_max_ = trials_max;
  steps_.clear();
  for (const std::uint32_t place : conjunction) {
    const std::uint32_t leaves = lists.list(place).leaves;
    steps_.push_back({place, leaves, lists.leaves(leaves).runs.front(), lists.leaves(leaves).runs.back()});
  }
  failed_.clear();
  chosen_.clear();
  ranges_.clear();
  ++epoch_;
  trials_ = 0;
  undecided_ = false;
  if (try_state(1, 0)) return Consistency::consistent;
  return undecided_ ? Consistency::undecided : Consistency::inconsistent;
}

// The state is what lies in chosen_ from `state` on; so it is with ranges.
bool ChoiceSearch::try_state(std::uint32_t step, std::size_t state) {
  if (step > steps_.size()) return true;
  if (has_failed(step, std::span(chosen_).subspan(state))) return false;
  const std::size_t ranges = push_ranges(step, state);
  const bool found = try_leaves(step, state, ranges) || try_absence(step, state, ranges);
  ranges_.resize(ranges);
  if (!found && !undecided_ && step > 1) note_failed(step, std::span(chosen_).subspan(state));
  return found;
}

// PERF: most states are of one element, which has a mark.
bool ChoiceSearch::has_failed(std::uint32_t step, std::span<const ElementId> state) const {
  if (state.size() != 1 || step >= kMarkedSteps) return failed_.has(step, state);
  return (marks_[state[0]].failed >> step & 1) != 0;
}

void ChoiceSearch::note_failed(std::uint32_t step, std::span<const ElementId> state) {
  if (state.size() == 1 && step < kMarkedSteps) {
    marks_[state[0]].failed |= std::uint64_t{1} << step;
    return;
  }
  failed_.add(step, state);
  undecided_ = failed_.several() > kConsistencyStatesMax;
}

bool ChoiceSearch::try_absence(std::uint32_t step, std::size_t state, std::size_t ranges) {
  return !undecided_ && lists_->list(steps_[step - 1].list).absence && !any_leaf_agrees(step, ranges) &&
         try_next(step, state, kNone);
}

bool ChoiceSearch::try_leaves(std::uint32_t step, std::size_t state, std::size_t ranges) {
  LeafLists::List& list = lists_->list(steps_[step - 1].list);
  const std::size_t ranges_end = ranges_.size();
  const Step& its = steps_[step - 1];
  for (std::size_t i = ranges; i < ranges_end; ++i) {
    const Range range = ranges_[i];
    if (range.end <= its.first || range.begin > lists_->leaves(its.leaves).last) continue;
    const auto next = [&](LeafId begin) { return LeafLists::first_satisfying(list, begin, range.end, *fields_); };
    for (LeafId id = next(range.begin); id != kNone; id = next(id + 1)) {
      if (++trials_ > trials_max_) undecided_ = true;
      if (undecided_) return false;
      if (try_next(step, state, fields_->leaf(id).element)) return true;
    }
  }
  return false;
}

bool ChoiceSearch::try_next(std::uint32_t step, std::size_t state, ElementId chosen) {
  if (step == steps_.size()) return true;
  const std::size_t next = push_state(step + 1, state, chosen);
  const bool found = try_state(step + 1, next);
  chosen_.resize(next);
  return found;
}

bool ChoiceSearch::any_leaf_agrees(std::uint32_t step, std::size_t ranges) const {
  const auto& runs = lists_->leaves(steps_[step - 1].leaves).runs;
  return std::any_of(ranges_.begin() + static_cast<std::ptrdiff_t>(ranges), ranges_.end(),
                     [&](const Range& range) { return has_leaf_in(runs, range.begin, range.end); });
}

// The ranges of leaves that agree with the state.
std::size_t ChoiceSearch::push_ranges(std::uint32_t step, std::size_t state) {
  const std::size_t begin = ranges_.size();
  if (state == chosen_.size()) {
    ranges_.push_back({0, kNone});
    return begin;
  }
  for (std::size_t i = state; i < chosen_.size(); ++i) {
    for (ElementId e = chosen_[i]; e != kNone; e = relevant(fields_->parent(e), step)) {
      const auto& element = fields_->element(e);
      const auto& array = fields_->array(element.array);
      ranges_.push_back({array.leaf_begin, element.leaf_begin});
      ranges_.push_back({element.leaf_end, array.leaf_end});
    }
  }
  const auto excluded = ranges_.begin() + static_cast<std::ptrdiff_t>(begin);
  if (ranges_.size() - begin > 2)
    std::sort(excluded, ranges_.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
  LeafId at = 0;
  std::size_t out = begin;
  for (std::size_t i = begin; i < ranges_.size(); ++i) {
    const Range range = ranges_[i];
    if (range.begin > at) ranges_[out++] = {at, range.begin};
    at = std::max(at, range.end);
  }
  ranges_.resize(out);
  ranges_.push_back({at, kNone});
  return begin;
}

// What the state and the element just chosen leave open from `step` on.
std::size_t ChoiceSearch::push_state(std::uint32_t step, std::size_t state, ElementId chosen) {
  const std::size_t begin = chosen_.size();
  for (std::size_t i = state; i <= begin; ++i) {
    const ElementId element = relevant(i == begin ? chosen : chosen_[i], step);
    if (element != kNone) chosen_.push_back(element);
  }
  if (chosen_.size() - begin < 2) return begin;
  std::sort(chosen_.begin() + static_cast<std::ptrdiff_t>(begin), chosen_.end());
  std::size_t out = begin;
  for (std::size_t i = begin; i < chosen_.size(); ++i) {
    // An element's own follow it by id, and lie in it.
    const bool innermost =
        i + 1 == chosen_.size() || fields_->element(chosen_[i + 1]).leaf_begin >= fields_->element(chosen_[i]).leaf_end;
    if (innermost) chosen_[out++] = chosen_[i];
  }
  chosen_.resize(out);
  return begin;
}

// The innermost element, from this one outwards, that fields from `step` on depend on, or one that stands for it.
ElementId ChoiceSearch::relevant(ElementId element, std::uint32_t step) {
  while (element != kNone) {
    const Mark& mark = mark_of(element);
    if (mark.until >= step) return mark.inside_until < step ? closed(element, step) : element;
    element = mark.above;
  }
  return kNone;
}

// Elements that hold no leaf of fields from `step` on differ in nothing to these: all leave out the same leaves.
ElementId ChoiceSearch::closed(ElementId element, std::uint32_t step) {
  const ArrayId array = fields_->element(element).array;
  if (array >= closed_.size()) closed_.resize(array + std::size_t{1});
  Closed& known = closed_[array];
  if (known.epoch != epoch_ || known.inside_until >= step) known = {epoch_, marks_[element].inside_until, element};
  return known.element;
}

// Those around the element come first.
const ChoiceSearch::Mark& ChoiceSearch::mark_of(ElementId element) {
  if (element >= marks_.size()) marks_.resize(element + std::size_t{1});
  const auto is_marked = [&](ElementId e) { return e == kNone || marks_[e].epoch == epoch_; };
  if (is_marked(element)) return marks_[element];
  open_.clear();
  for (ElementId e = fields_->parent(element); !is_marked(e); e = fields_->parent(e)) open_.push_back(e);
  for (; !open_.empty(); open_.pop_back()) make_mark(open_.back(), fields_->parent(open_.back()));
  return make_mark(element, fields_->parent(element));
}

const ChoiceSearch::Mark& ChoiceSearch::make_mark(ElementId element, ElementId parent) {
  Mark& mark = marks_[element];
  mark = {.epoch = epoch_, .above = parent};
  measure(element, mark);
  while (mark.above != kNone && marks_[mark.above].until <= mark.until) mark.above = marks_[mark.above].above;
  return mark;
}

// Nothing is chosen before step 1.
void ChoiceSearch::measure(ElementId id, Mark& mark) const {
  if (fields_->spans_array(id)) return;
  const auto& element = fields_->element(id);
  const auto& array = fields_->array(element.array);
  for (auto step = static_cast<std::uint32_t>(steps_.size()); step > 1; --step) {
    const Step& its = steps_[step - 1];
    if (its.last < array.leaf_begin || its.first >= array.leaf_end) continue;
    const auto& runs = lists_->leaves(its.leaves).runs;
    if (mark.inside_until == 0 && has_leaf_in(runs, element.leaf_begin, element.leaf_end)) mark.inside_until = step;
    if (mark.until == 0 && (has_leaf_in(runs, array.leaf_begin, element.leaf_begin) ||
                            has_leaf_in(runs, element.leaf_end, array.leaf_end)))
      mark.until = step;
    if (mark.until != 0 && mark.inside_until != 0) return;
  }
}

}  // namespace millrace

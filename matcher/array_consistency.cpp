#include "matcher/array_consistency.hpp"

#include <algorithm>
#include <functional>

#include "matcher/evaluate.hpp"
#include "matcher/long_list.hpp"

namespace millrace {
namespace {

// An index of a field's values pays from so many leaves and lists on.
constexpr std::uint32_t kIndexedLeavesMin = 16, kIndexedListsMin = 4;

// LIMIT: leaves that the index may offer a list; where more satisfy it, the first is soon found without.
constexpr std::size_t kOfferedMax = 64;

constexpr std::size_t kFirstElementsMax = 16;  // LIMIT: of the lists' first leaves, before a search

constexpr std::size_t kSlotsMin = 64;
constexpr std::size_t kKeptLeavesMax = 4096;  // LIMIT: a list keeps memory for no more from event to event

std::size_t hash_of(std::string_view text, bool is_string) { return std::hash<std::string_view>{}(text) + is_string; }

// A short number's bits are all high ones.
std::size_t hash_of(NumberKey number) {
  const std::size_t product = (number ^ number >> 32) * 0x9e3779b97f4a7c15u;
  return product ^ product >> 32;
}

bool has_leaf_in(const std::vector<LeafId>& leaves, LeafId begin, LeafId end) {
  if (begin >= end) return false;
  const auto at = std::lower_bound(leaves.begin(), leaves.end(), begin);
  return at != leaves.end() && *at < end;
}

bool spans_array(ElementId id, const EventFields& fields) {
  const auto& element = fields.element(id);
  const auto& array = fields.array(element.array);
  return element.leaf_begin == array.leaf_begin && element.leaf_end == array.leaf_end;
}

}  // namespace

void ArrayConsistency::Places::grow() {
  std::vector<Slot> old(std::max(kSlotsMin, 2 * slots_.size()));
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.epoch == epoch_) slot_of(slot.id) = slot;
  }
}

bool ArrayConsistency::States::is_at(std::uint32_t at, std::uint32_t step, std::span<const ElementId> state) const {
  return words_[at] == step && words_[at + 1] == state.size() &&
         std::equal(state.begin(), state.end(), words_.begin() + at + 2);
}

std::uint32_t ArrayConsistency::States::hash_of(std::uint32_t step, std::span<const ElementId> state) {
  std::uint32_t hash = slot_hash(step);
  for (const ElementId element : state) hash = slot_hash(hash + element);
  return hash;
}

bool ArrayConsistency::States::has(std::uint32_t step, std::span<const ElementId> state) const {
  if (count_ == 0) return false;
  const std::uint32_t hash = hash_of(step, state);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask; slots_[at].epoch == epoch_; at = (at + 1) & mask) {
    if (slots_[at].hash == hash && is_at(slots_[at].at, step, state)) return true;
  }
  return false;
}

void ArrayConsistency::States::add(std::uint32_t step, std::span<const ElementId> state) {
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

void ArrayConsistency::States::grow() {
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

void ArrayConsistency::clear() {
  for (std::uint32_t i = 0; i < list_places_.count(); ++i) {
    if (lists_[i].satisfying.capacity() > kKeptLeavesMax) lists_[i].satisfying = {};
  }
  list_places_.clear();
  leaves_places_.clear();
  ++event_;
}

// Choosing the element, or one around it, excludes other leaves.
bool ArrayConsistency::excludes(ElementId element, const EventFields& fields) {
  if (element == kNone) return false;
  if (element >= spanning_.size()) spanning_.resize(element + std::size_t{1});
  const auto parent = [&](ElementId e) { return fields.array(fields.element(e).array).parent; };
  for (ElementId e = element; e != kNone && spanning_[e] != event_; e = parent(e)) {
    if (!spans_array(e, fields)) return true;
  }
  for (ElementId e = element; e != kNone && spanning_[e] != event_; e = parent(e)) spanning_[e] = event_;
  return false;
}

std::uint32_t ArrayConsistency::leaves_of(FieldId field, const EventFields& fields) {
  const std::uint32_t before = leaves_places_.count(), place = leaves_places_.find_or_add(field);
  if (place < before) return place;
  if (place == leaves_.size()) leaves_.emplace_back();
  Leaves& out = leaves_[place];
  out.field = field;
  out.count = out.asked = 0;
  out.excludable = false;
  out.runs.clear();
  out.heads.clear();
  ElementId element = kNone;
  for (LeafId id = fields.first(field); id != kNone; id = fields.leaf(id).next, ++out.count) {
    out.last = id;
    if (out.count > 0 && fields.leaf(id).element == element) continue;
    element = fields.leaf(id).element;
    out.runs.push_back(id);
    out.excludable |= excludes(element, fields);
  }
  return place;
}

void ArrayConsistency::find_list(std::uint32_t place, const ConsistencyField& wanted, EventFields& fields) {
  if (place == lists_.size()) lists_.emplace_back();
  List& out = lists_[place];
  out.values = wanted.values;
  out.leaves = leaves_of(wanted.field, fields);
  out.absence = accepts_absence(wanted.values);
  out.next = fields.first(wanted.field);
  out.satisfying.clear();
  out.found = 0;
  Leaves& leaves = leaves_[out.leaves];
  if (!has_directory(wanted.values) && leaves.count >= kIndexedLeavesMin && ++leaves.asked >= kIndexedListsMin) {
    if (leaves.heads.empty()) index(leaves, fields);
    if (find_by_index(out, leaves, fields)) out.next = kNone;
  }
  out.first = first_satisfying(out, 0, kNone, fields);
  out.element = out.first == kNone ? kNone : fields.leaf(out.first).element;
  out.only = out.satisfying.size() == 1 && out.next == kNone && !out.absence;
  out.excludable = leaves.excludable;
  out.holds = out.first != kNone || (out.absence && (leaves.count == 0 || leaves.excludable));
}

void ArrayConsistency::index(Leaves& leaves, EventFields& fields) {
  std::size_t slots = kSlotsMin;
  while (slots < 2 * std::size_t{leaves.count}) slots *= 2;
  leaves.heads.assign(slots, kNone);
  leaves.hashed.clear();
  const auto add = [&](std::size_t hash, LeafId leaf) {
    std::uint32_t& head = leaves.heads[hash & (slots - 1)];
    leaves.hashed.push_back({hash, leaf, head});
    head = static_cast<std::uint32_t>(leaves.hashed.size() - 1);
  };
  for (LeafId id = fields.first(leaves.field); id != kNone; id = fields.leaf(id).next) {
    Leaf& leaf = fields.leaf(id);
    add(hash_of(leaf.text(), leaf.kind == LeafKind::string), id);
    if (leaf.kind != LeafKind::number) continue;
    if (const NumberKey number = fields.number(leaf); number != kNotComparable) add(hash_of(number), id);
  }
}

// False if the index cannot tell which leaves satisfy the list, or if it offers too many.
bool ArrayConsistency::find_by_index(List& list, const Leaves& leaves, EventFields& fields) {
  std::size_t offered = 0;
  for (Words words = list.values; !words.empty();) {
    const Entry entry = read_entry(words);
    if (entry.op == Op::not_exists) continue;
    const bool number = entry.op == Op::exact_number, string = entry.op == Op::exact_string;
    if (!number && !string && entry.op != Op::exact_token) return list.satisfying.clear(), false;
    const std::size_t hash = number ? hash_of(entry.number(0)) : hash_of(entry.text(), string);
    for (auto at = leaves.heads[hash & (leaves.heads.size() - 1)]; at != kNone; at = leaves.hashed[at].next) {
      if (++offered > kOfferedMax) return list.satisfying.clear(), false;
      const LeafId id = leaves.hashed[at].leaf;
      if (leaves.hashed[at].hash == hash && entry_holds(entry, fields.leaf(id), fields)) list.satisfying.push_back(id);
    }
  }
  std::sort(list.satisfying.begin(), list.satisfying.end());
  const auto in_run = [&](LeafId a, LeafId b) { return fields.leaf(a).element == fields.leaf(b).element; };
  list.satisfying.erase(std::unique(list.satisfying.begin(), list.satisfying.end(), in_run), list.satisfying.end());
  return true;
}

// The first within the range that satisfies the list, or stands for a run of those; kNone for none.
LeafId ArrayConsistency::first_satisfying(List& list, LeafId begin, LeafId end, EventFields& fields) {
  const auto& known = list.satisfying;
  const bool is_next = list.found < known.size() && known[list.found] < begin &&
                       (list.found + 1 == known.size() || known[list.found + 1] >= begin);
  list.found = is_next ? list.found + 1
                       : static_cast<std::size_t>(std::lower_bound(known.begin(), known.end(), begin) - known.begin());
  if (list.found < known.size()) return known[list.found] < end ? known[list.found] : kNone;
  while (list.next < end) {
    const LeafId id = list.next;
    Leaf& leaf = fields.leaf(id);
    list.next = leaf.next;
    const bool in_run = !list.satisfying.empty() && fields.leaf(list.satisfying.back()).element == leaf.element;
    if (in_run || !any_entry_holds(list.values, leaf, fields)) continue;
    list.satisfying.push_back(id);
    if (id >= begin) return id;
  }
  return kNone;
}

Consistency ArrayConsistency::agreement(EventFields& fields) {
  if (excludable_.size() == 1)
    return lists_[excludable_[0]].first != kNone ? Consistency::consistent : Consistency::inconsistent;
  const Consistency verdict = try_first_ones(fields);
  return verdict == Consistency::undecided ? search(fields) : verdict;
}

// PERF: what is usual, found without a search (worst_cases: sibling_arrays). Undecided if neither the first leaves of
// all lists agree nor two disagree that are the only ones of theirs.
Consistency ArrayConsistency::try_first_ones(const EventFields& fields) {
  firsts_.clear();
  bool agree = true;
  ElementId before = kNone;
  for (const std::uint32_t place : excludable_) {
    const List& list = lists_[place];
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
    const auto is_its = [&](const FirstElement& first) { return first.array == inside.array; };
    if (std::any_of(firsts_.begin(), firsts_.end(), is_its)) return true;
    if (firsts_.size() == kFirstElementsMax) return false;
    const auto& outside = fields.array(inside.array);
    firsts_.push_back(
        {inside.array, {inside.leaf_begin, inside.leaf_end}, {outside.leaf_begin, outside.leaf_end}, only});
    element = outside.parent;
  }
  return true;
}

Consistency ArrayConsistency::search(EventFields& fields) {
  steps_.clear();
  for (const std::uint32_t place : excludable_) {
    const std::uint32_t leaves = lists_[place].leaves;
    steps_.push_back({place, leaves, leaves_[leaves].runs.front(), leaves_[leaves].runs.back()});
  }
  failed_.clear();
  chosen_.clear();
  ranges_.clear();
  ++epoch_;
  trials_ = 0;
  undecided_ = false;
  if (try_state(1, 0, fields)) return Consistency::consistent;
  return undecided_ ? Consistency::undecided : Consistency::inconsistent;
}

// The state is what lies in chosen_ from `state` on; so it is with ranges.
bool ArrayConsistency::try_state(std::uint32_t step, std::size_t state, EventFields& fields) {
  if (step > steps_.size()) return true;
  if (has_failed(step, std::span(chosen_).subspan(state))) return false;
  const std::size_t ranges = push_ranges(step, state, fields);
  const bool found = try_leaves(step, state, ranges, fields) || try_absence(step, state, ranges, fields);
  ranges_.resize(ranges);
  if (!found && !undecided_ && step > 1) note_failed(step, std::span(chosen_).subspan(state));
  return found;
}

// PERF: most states are of one element, which has a mark.
bool ArrayConsistency::has_failed(std::uint32_t step, std::span<const ElementId> state) const {
  if (state.size() != 1 || step >= kMarkedSteps) return failed_.has(step, state);
  return (marks_[state[0]].failed >> step & 1) != 0;
}

void ArrayConsistency::note_failed(std::uint32_t step, std::span<const ElementId> state) {
  if (state.size() == 1 && step < kMarkedSteps) {
    marks_[state[0]].failed |= std::uint64_t{1} << step;
    return;
  }
  failed_.add(step, state);
  undecided_ = failed_.several() > kConsistencyStatesMax;
}

bool ArrayConsistency::try_absence(std::uint32_t step, std::size_t state, std::size_t ranges, EventFields& fields) {
  return !undecided_ && lists_[steps_[step - 1].list].absence && !any_leaf_agrees(step, ranges) &&
         try_next(step, state, kNone, fields);
}

bool ArrayConsistency::try_leaves(std::uint32_t step, std::size_t state, std::size_t ranges, EventFields& fields) {
  List& list = lists_[steps_[step - 1].list];
  const std::size_t ranges_end = ranges_.size();
  const Step& its = steps_[step - 1];
  for (std::size_t i = ranges; i < ranges_end; ++i) {
    const Range range = ranges_[i];
    if (range.end <= its.first || range.begin > leaves_[its.leaves].last) continue;
    for (LeafId id = first_satisfying(list, range.begin, range.end, fields); id != kNone;
         id = first_satisfying(list, id + 1, range.end, fields)) {
      if (++trials_ > kConsistencyTrialsMax) undecided_ = true;
      if (undecided_) return false;
      if (try_next(step, state, fields.leaf(id).element, fields)) return true;
    }
  }
  return false;
}

bool ArrayConsistency::try_next(std::uint32_t step, std::size_t state, ElementId chosen, EventFields& fields) {
  if (step == steps_.size()) return true;
  const std::size_t next = push_state(step + 1, state, chosen, fields);
  const bool found = try_state(step + 1, next, fields);
  chosen_.resize(next);
  return found;
}

bool ArrayConsistency::any_leaf_agrees(std::uint32_t step, std::size_t ranges) const {
  const auto& runs = leaves_[steps_[step - 1].leaves].runs;
  return std::any_of(ranges_.begin() + static_cast<std::ptrdiff_t>(ranges), ranges_.end(),
                     [&](const Range& range) { return has_leaf_in(runs, range.begin, range.end); });
}

// The ranges of leaves that agree with the state.
std::size_t ArrayConsistency::push_ranges(std::uint32_t step, std::size_t state, const EventFields& fields) {
  const std::size_t begin = ranges_.size();
  if (state == chosen_.size()) {
    ranges_.push_back({0, kNone});
    return begin;
  }
  for (std::size_t i = state; i < chosen_.size(); ++i) {
    for (ElementId e = chosen_[i]; e != kNone;
         e = relevant(fields.array(fields.element(e).array).parent, step, fields)) {
      const auto& element = fields.element(e);
      const auto& array = fields.array(element.array);
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
std::size_t ArrayConsistency::push_state(std::uint32_t step, std::size_t state, ElementId chosen,
                                         const EventFields& fields) {
  const std::size_t begin = chosen_.size();
  for (std::size_t i = state; i <= begin; ++i) {
    const ElementId element = relevant(i == begin ? chosen : chosen_[i], step, fields);
    if (element != kNone) chosen_.push_back(element);
  }
  if (chosen_.size() - begin < 2) return begin;
  std::sort(chosen_.begin() + static_cast<std::ptrdiff_t>(begin), chosen_.end());
  std::size_t out = begin;
  for (std::size_t i = begin; i < chosen_.size(); ++i) {
    // An element's own follow it by id, and lie in it.
    const bool innermost =
        i + 1 == chosen_.size() || fields.element(chosen_[i + 1]).leaf_begin >= fields.element(chosen_[i]).leaf_end;
    if (innermost) chosen_[out++] = chosen_[i];
  }
  chosen_.resize(out);
  return begin;
}

// The innermost element, from this one outwards, that fields from `step` on depend on, or one that stands for it.
ElementId ArrayConsistency::relevant(ElementId element, std::uint32_t step, const EventFields& fields) {
  while (element != kNone) {
    const Mark& mark = mark_of(element, fields);
    if (mark.until >= step) return mark.inside_until < step ? closed(element, step, fields) : element;
    element = mark.above;
  }
  return kNone;
}

// Elements that hold no leaf of fields from `step` on differ in nothing to these: all leave out the same leaves.
ElementId ArrayConsistency::closed(ElementId element, std::uint32_t step, const EventFields& fields) {
  const ArrayId array = fields.element(element).array;
  if (array >= closed_.size()) closed_.resize(array + std::size_t{1});
  Closed& known = closed_[array];
  if (known.epoch != epoch_ || known.inside_until >= step) known = {epoch_, marks_[element].inside_until, element};
  return known.element;
}

// Those around the element come first.
const ArrayConsistency::Mark& ArrayConsistency::mark_of(ElementId element, const EventFields& fields) {
  if (element >= marks_.size()) marks_.resize(element + std::size_t{1});
  const auto parent = [&](ElementId e) { return fields.array(fields.element(e).array).parent; };
  const auto is_marked = [&](ElementId e) { return e == kNone || marks_[e].epoch == epoch_; };
  if (is_marked(element)) return marks_[element];
  open_.clear();
  for (ElementId e = parent(element); !is_marked(e); e = parent(e)) open_.push_back(e);
  for (; !open_.empty(); open_.pop_back()) make_mark(open_.back(), parent(open_.back()), fields);
  return make_mark(element, parent(element), fields);
}

const ArrayConsistency::Mark& ArrayConsistency::make_mark(ElementId element, ElementId parent,
                                                          const EventFields& fields) {
  Mark& mark = marks_[element];
  mark = {.epoch = epoch_, .above = parent};
  measure(element, mark, fields);
  while (mark.above != kNone && marks_[mark.above].until <= mark.until) mark.above = marks_[mark.above].above;
  return mark;
}

// Nothing is chosen before step 1.
void ArrayConsistency::measure(ElementId id, Mark& mark, const EventFields& fields) const {
  if (spans_array(id, fields)) return;
  const auto& element = fields.element(id);
  const auto& array = fields.array(element.array);
  for (auto step = static_cast<std::uint32_t>(steps_.size()); step > 1; --step) {
    const Step& its = steps_[step - 1];
    if (its.last < array.leaf_begin || its.first >= array.leaf_end) continue;
    const auto& runs = leaves_[its.leaves].runs;
    if (mark.inside_until == 0 && has_leaf_in(runs, element.leaf_begin, element.leaf_end)) mark.inside_until = step;
    if (mark.until == 0 && (has_leaf_in(runs, array.leaf_begin, element.leaf_begin) ||
                            has_leaf_in(runs, element.leaf_end, array.leaf_end)))
      mark.until = step;
    if (mark.until != 0 && mark.inside_until != 0) return;
  }
}

}  // namespace millrace

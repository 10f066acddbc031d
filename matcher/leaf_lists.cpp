#include "matcher/leaf_lists.hpp"

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

constexpr std::size_t kSlotsMin = 64;
constexpr std::size_t kKeptLeavesMax = 4096;  // LIMIT: a list keeps memory for no more from event to event

std::size_t hash_of(std::string_view text, bool is_string) { return std::hash<std::string_view>{}(text) + is_string; }

// A short number's bits are all high ones.
std::size_t hash_of(NumberKey number) {
  const std::size_t product = (number ^ number >> 32) * 0x9e3779b97f4a7c15u;
  return product ^ product >> 32;
}

}  // namespace

void LeafLists::Places::grow() {
  std::vector<Slot> old(std::max(kSlotsMin, 2 * slots_.size()));
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.epoch == epoch_) slot_of(slot.id) = slot;
  }
}

void LeafLists::clear() {
  for (std::uint32_t i = 0; i < list_places_.count(); ++i) {
    if (lists_[i].satisfying.capacity() > kKeptLeavesMax) lists_[i].satisfying = {};
  }
  list_places_.clear();
  leaves_places_.clear();
  ++event_;
}

// Choosing the element, or one around it, excludes other leaves.
bool LeafLists::excludes(ElementId element, const EventFields& fields) {
  if (element == kNone) return false;
  if (element >= spanning_.size()) spanning_.resize(element + std::size_t{1});
  for (ElementId e = element; e != kNone && spanning_[e] != event_; e = fields.parent(e)) {
    if (!fields.spans_array(e)) return true;
  }
  for (ElementId e = element; e != kNone && spanning_[e] != event_; e = fields.parent(e)) spanning_[e] = event_;
  return false;
}

std::uint32_t LeafLists::leaves_of(FieldId field, const EventFields& fields) {
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

void LeafLists::find_list(std::uint32_t place, const ConsistencyField& wanted, EventFields& fields) {
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

void LeafLists::index(Leaves& leaves, EventFields& fields) {
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
bool LeafLists::find_by_index(List& list, const Leaves& leaves, EventFields& fields) {
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
LeafId LeafLists::first_satisfying(List& list, LeafId begin, LeafId end, EventFields& fields) {
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

}  // namespace millrace

// Can the leaves that satisfy a conjunction be chosen so that they agree on every array element they share?
//
// Asked in this order, until one knows: the first leaf of each list; a search of a few choices; sets of elements, which
// need arrays that lie as they do without duplicate keys; a search of many choices.
//
// Threads: one thread an object; it keeps its memory from event to event.
// Cost:    see leaf_lists, element_sets, choice_search. Arrays of one element, and conjunctions with less than two
// fields
//          in others, need none of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "matcher/choice_search.hpp"
#include "matcher/element_sets.hpp"
#include "matcher/event_fields.hpp"
#include "matcher/leaf_lists.hpp"

namespace millrace {

// LIMIT: leaves chosen for one conjunction and event.
constexpr std::size_t kConsistencyTrialsMax = 1 << 22;

class ArrayConsistency {
 public:
  explicit ArrayConsistency(std::span<const std::string> paths) : sets_(paths) {}  // by field; they must outlive it

  // Forgets the event; REQUIRED before the first call for another. O(lists asked for).
  void clear() {
    lists_.clear();
    sets_.clear();
  }

  // Some leaf satisfies the list, or its field may be absent and is, or may be for some choice of elements.
  // `list_of`: from a ListId to its ConsistencyField, asked once an event.
  template <typename ListOf>
  bool holds(ListId id, ListOf&& list_of, EventFields& fields) {
    return lists_.list(lists_.place_of(id, list_of, fields)).holds;
  }

  // Inconsistent also where a list does not hold. `conjunction`: in path order.
  template <typename ListOf>
  Consistency check(std::span<const ListId> conjunction, ListOf&& list_of, EventFields& fields) {
    excludable_.clear();
    for (const ListId id : conjunction) {
      const std::uint32_t place = lists_.place_of(id, list_of, fields);
      const LeafLists::List& list = lists_.list(place);
      if (!list.holds) return Consistency::inconsistent;
      if (list.excludable) excludable_.push_back(place);
    }
    if (excludable_.empty()) return Consistency::consistent;
    return agreement(fields);
  }

 private:
  // An element that the first leaf of some list chooses. `only`: the list has no other leaf.
  struct FirstElement {
    EventFields::Element inside;
    EventFields::Array outside;
    bool only;

    bool excludes(LeafId leaf) const { return outside.has(leaf) && !inside.has(leaf); }
  };

  Consistency agreement(EventFields& fields);
  Consistency try_first_ones(const EventFields& fields);
  bool add_first_ones(ElementId element, bool only, const EventFields& fields);

  LeafLists lists_;
  ElementSets sets_;
  ChoiceSearch search_;
  std::vector<std::uint32_t> excludable_;  // the places of the conjunction's lists whose fields are
  std::vector<FirstElement> firsts_;
};

}  // namespace millrace

// Which leaves of an event satisfy which leaf lists? Found out as far as it is asked, and kept until clear(), for all
// conjunctions of the event.
//
// Lists and fields are asked for by id and are told apart by *place* from then on.
//
// Threads: one thread an object; it keeps its memory from event to event.
// Cost:    a list looks at a leaf at most once an event. Lists of exact values find theirs by hash, if many ask for one
//          field.
#pragma once

#include <cstdint>
#include <vector>

#include "matcher/event_fields.hpp"
#include "matcher/values.hpp"

namespace millrace {

// A leaf list. Its id is the same for the same field and values, for as long as the object lives.
struct ConsistencyField {
  FieldId field;
  Words values;
};
using ListId = std::uint32_t;

inline std::uint32_t slot_hash(std::uint32_t word) {
  word *= 0x9e3779b1u;
  return word ^ word >> 15;
}

class LeafLists {
 public:
  // The leaves of a field; `runs`: the first of each run of leaves in one element.
  struct Leaves {
    FieldId field;
    std::uint32_t count, asked;
    LeafId last;
    bool excludable;  // some leaf lies in an element that does not span its array
    std::vector<LeafId> runs;
    std::vector<std::uint32_t> heads;  // by hash of an exact value, into `hashed`; empty until made
    struct Hashed {
      std::size_t hash;
      LeafId leaf;
      std::uint32_t next;
    };
    std::vector<Hashed> hashed;
  };

  struct List {
    LeafId first;       // that satisfies it, and its element
    ElementId element;  // innermost
    bool holds, excludable;
    bool only;             // no leaf of another element satisfies it
    bool absence;          // the field may be absent
    std::uint32_t leaves;  // the place of its field
    LeafId next;           // to look at next
    Words values;
    std::vector<LeafId> satisfying;  // of those before it, one of each run
    std::size_t found = 0;           // the place in it that was asked for last: often the next one is asked for next
  };

  // Forgets the event; REQUIRED before the first question about another. O(lists asked for).
  void clear();

  // `list_of`: from a ListId to its ConsistencyField, asked once an event.
  template <typename ListOf>
  std::uint32_t place_of(ListId id, ListOf&& list_of, EventFields& fields) {
    const std::uint32_t before = list_places_.count(), place = list_places_.find_or_add(id);
    if (place == before) find_list(place, list_of(id), fields);
    return place;
  }
  std::uint32_t list_count() const { return list_places_.count(); }
  std::uint32_t leaves_count() const { return leaves_places_.count(); }
  List& list(std::uint32_t place) { return lists_[place]; }
  const List& list(std::uint32_t place) const { return lists_[place]; }
  const Leaves& leaves(std::uint32_t place) const { return leaves_[place]; }

  // The first within the range that satisfies the list, or stands for a run of those; kNone for none.
  static LeafId first_satisfying(List& list, LeafId begin, LeafId end, EventFields& fields);

 private:
  // From an id to a place in a table; clearing it costs nothing.
  class Places {
   public:
    void clear() { ++epoch_, count_ = 0; }
    std::uint32_t count() const { return count_; }
    // A new id's place is the count before it.
    std::uint32_t find_or_add(std::uint32_t id) {
      if (2 * (count_ + std::size_t{1}) > slots_.size()) grow();
      Slot& slot = slot_of(id);
      if (slot.epoch != epoch_) slot = {epoch_, id, count_++};
      return slot.place;
    }

   private:
    struct Slot {
      std::uint64_t epoch;
      std::uint32_t id, place;
    };
    Slot& slot_of(std::uint32_t id) {
      const std::size_t mask = slots_.size() - 1;
      std::size_t at = slot_hash(id) & mask;
      while (slots_[at].epoch == epoch_ && slots_[at].id != id) at = (at + 1) & mask;
      return slots_[at];
    }
    void grow();

    std::vector<Slot> slots_;
    std::uint64_t epoch_ = 1;
    std::uint32_t count_ = 0;
  };

  std::uint32_t leaves_of(FieldId field, const EventFields& fields);
  void find_list(std::uint32_t place, const ConsistencyField& wanted, EventFields& fields);
  bool excludes(ElementId element, const EventFields& fields);
  static void index(Leaves& leaves, EventFields& fields);
  static bool find_by_index(List& list, const Leaves& leaves, EventFields& fields);

  Places list_places_, leaves_places_;
  std::vector<List> lists_;
  std::vector<Leaves> leaves_;
  std::vector<std::uint64_t> spanning_;  // by element: the event in which it and all around it span their arrays
  std::uint64_t event_ = 1;
};

}  // namespace millrace

// Can the leaves that satisfy a conjunction be chosen so that they agree on every array element they share?
//
// Fields are taken in path order. A *state* is what the choices so far leave open to later fields: of the chosen
// elements those whose array has leaves of a later field outside of them. It is kept as the innermost of these, sorted,
// since an element stands for those around it, and an element without leaves of later fields for all such of its array,
// since they leave out the same leaves. A state that has failed once is not tried again. Since leaves come in document
// order, the leaves that agree with a state are a few ranges: all, less what lies in a chosen array outside of the
// chosen element. `exists: false` passes at its turn if no leaf of its field agrees with the state, whatever later
// fields choose.
//
// What is found out about a list or a field is kept until clear(), for all conjunctions of the event.
//
// Threads: one thread an object; it keeps its memory from event to event.
// Cost:    a list looks at a leaf at most once an event, and at none behind the first choice that goes well. Lists of
//          exact values find theirs by hash, if many ask for one field. A conjunction: linear in the leaves of its
//          fields for events whose paths lead into one array each; bounded by kConsistencyStatesMax and
//          kConsistencyTrialsMax otherwise (duplicate or dotted keys can put several arrays on one path, and choosing
//          among those is a set cover). Arrays of one element, and conjunctions with less than two fields in others,
//          need no search.
// Source:  event-ruler 2.0.1, ACFinder and ArrayMembership.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "matcher/event_fields.hpp"
#include "matcher/values.hpp"

namespace millrace {

// LIMIT: failed states of several elements, and leaves chosen, for one conjunction and event.
constexpr std::size_t kConsistencyStatesMax = 1 << 10;
constexpr std::size_t kConsistencyTrialsMax = 1 << 22;

// A leaf list. Its id is the same for the same field and values, for as long as the object lives.
struct ConsistencyField {
  FieldId field;
  Words values;
};
using ListId = std::uint32_t;

enum class Consistency : std::uint8_t { consistent, inconsistent, undecided };

class ArrayConsistency {
 public:
  // Forgets the event; REQUIRED before the first call for another. O(lists asked for).
  void clear();

  // Some leaf satisfies the list, or its field may be absent and is, or may be for some choice of elements.
  // `list_of`: from a ListId to its ConsistencyField, asked once an event.
  template <typename ListOf>
  bool holds(ListId id, ListOf&& list_of, EventFields& fields) {
    return lists_[place_of(id, list_of, fields)].holds;
  }

  // Inconsistent also where a list does not hold. `conjunction`: in path order.
  template <typename ListOf>
  Consistency check(std::span<const ListId> conjunction, ListOf&& list_of, EventFields& fields) {
    excludable_.clear();
    for (const ListId id : conjunction) {
      const std::uint32_t place = place_of(id, list_of, fields);
      if (!lists_[place].holds) return Consistency::inconsistent;
      if (lists_[place].excludable) excludable_.push_back(place);
    }
    if (excludable_.empty()) return Consistency::consistent;
    return agreement(fields);
  }

 private:
  static std::uint32_t slot_hash(std::uint32_t word) {
    word *= 0x9e3779b1u;
    return word ^ word >> 15;
  }

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

  // A list's leaves, found out as far as they were needed.
  struct List {
    LeafId first;       // that satisfies it, and its element
    ElementId element;  // innermost
    bool holds, excludable;
    bool only;             // no leaf of another element satisfies it
    bool absence;          // the field may be absent
    std::uint32_t leaves;  // in leaves_
    LeafId next;           // to look at next
    Words values;
    std::vector<LeafId> satisfying;
    std::size_t found = 0;  // the place in it that was asked for last: often the next one is asked for next
  };

  struct Range {
    LeafId begin, end;
  };

  // `until`: the last step whose field has leaves in the element's array, but not in the element; `inside_until`: in
  // the element; 0 for none. `above`: the next element around it with a later `until`. `failed`: bit i: the element
  // alone failed at step i.
  struct Mark {
    std::uint64_t epoch = 0;
    std::uint32_t until = 0, inside_until = 0;
    ElementId above = kNone;
    std::uint64_t failed = 0;
  };
  // An element of an array that no step behind `inside_until` has leaves in: it stands for all such.
  struct Closed {
    std::uint64_t epoch = 0;
    std::uint32_t inside_until = 0;
    ElementId element = kNone;
  };
  static constexpr std::uint32_t kMarkedSteps = 64;

  // An element that the first leaf of some list chooses. `only`: the list has no other leaf.
  struct FirstElement {
    ArrayId array;
    Range inside, outside;
    bool only;

    bool excludes(LeafId leaf) const {
      return leaf >= outside.begin && leaf < outside.end && (leaf < inside.begin || leaf >= inside.end);
    }
  };

  // A list whose leaves may be excluded, with the first and the last of its field.
  struct Step {
    std::uint32_t list, leaves;
    LeafId first, last;
  };

  // The states that failed at some step, as `step, size, elements`.
  class States {
   public:
    void clear() { ++epoch_, count_ = several_ = 0, words_.clear(); }
    std::size_t several() const { return several_; }  // those of more than one element
    bool has(std::uint32_t step, std::span<const ElementId> state) const;
    void add(std::uint32_t step, std::span<const ElementId> state);  // REQUIRES: it is not there

   private:
    struct Slot {
      std::uint64_t epoch;
      std::uint32_t hash, at;
    };
    static std::uint32_t hash_of(std::uint32_t step, std::span<const ElementId> state);
    bool is_at(std::uint32_t at, std::uint32_t step, std::span<const ElementId> state) const;
    void grow();

    std::vector<Slot> slots_;
    std::vector<std::uint32_t> words_;
    std::uint64_t epoch_ = 1;
    std::size_t count_ = 0, several_ = 0;
  };

  std::uint32_t leaves_of(FieldId field, const EventFields& fields);
  template <typename ListOf>
  std::uint32_t place_of(ListId id, ListOf&& list_of, EventFields& fields) {
    const std::uint32_t before = list_places_.count(), place = list_places_.find_or_add(id);
    if (place == before) find_list(place, list_of(id), fields);
    return place;
  }
  void find_list(std::uint32_t place, const ConsistencyField& wanted, EventFields& fields);
  bool excludes(ElementId element, const EventFields& fields);
  static void index(Leaves& leaves, EventFields& fields);
  static bool find_by_index(List& list, const Leaves& leaves, EventFields& fields);
  static LeafId first_satisfying(List& list, LeafId begin, LeafId end, EventFields& fields);

  Consistency agreement(EventFields& fields);
  Consistency try_first_ones(const EventFields& fields);
  bool add_first_ones(ElementId element, bool only, const EventFields& fields);
  Consistency search(EventFields& fields);
  bool try_state(std::uint32_t step, std::size_t state, EventFields& fields);
  bool has_failed(std::uint32_t step, std::span<const ElementId> state) const;
  void note_failed(std::uint32_t step, std::span<const ElementId> state);
  bool try_leaves(std::uint32_t step, std::size_t state, std::size_t ranges, EventFields& fields);
  bool try_absence(std::uint32_t step, std::size_t state, std::size_t ranges, EventFields& fields);
  bool try_next(std::uint32_t step, std::size_t state, ElementId chosen, EventFields& fields);
  bool any_leaf_agrees(std::uint32_t step, std::size_t ranges) const;
  std::size_t push_ranges(std::uint32_t step, std::size_t state, const EventFields& fields);
  std::size_t push_state(std::uint32_t step, std::size_t state, ElementId chosen, const EventFields& fields);
  ElementId relevant(ElementId element, std::uint32_t step, const EventFields& fields);
  const Mark& mark_of(ElementId element, const EventFields& fields);
  const Mark& make_mark(ElementId element, ElementId parent, const EventFields& fields);
  ElementId closed(ElementId element, std::uint32_t step, const EventFields& fields);
  void measure(ElementId element, Mark& mark, const EventFields& fields) const;

  Places list_places_, leaves_places_;
  std::vector<List> lists_;
  std::vector<Leaves> leaves_;
  std::vector<std::uint64_t> spanning_;  // by element: the event in which it and all around it span their arrays
  std::uint64_t event_ = 1;

  // Of one conjunction. States and ranges of all steps of a search lie in one stack each.
  std::vector<std::uint32_t> excludable_;  // its lists whose fields are
  std::vector<Step> steps_;                // these; step i is steps_[i - 1]
  std::vector<FirstElement> firsts_;
  States failed_;
  std::vector<ElementId> chosen_, open_;
  std::vector<Range> ranges_;
  std::vector<Mark> marks_;
  std::vector<Closed> closed_;  // by array
  std::uint64_t epoch_ = 0;
  std::size_t trials_ = 0;
  bool undecided_ = false;
};

}  // namespace millrace

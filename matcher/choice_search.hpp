// Can the leaves that satisfy a conjunction be chosen so that they agree? A search from choice to choice, for events of
// any form.
//
// Fields are taken in path order. A *state* is what the choices so far leave open to later fields: of the chosen
// elements those whose array has leaves of a later field outside of them. It is kept as the innermost of these, sorted,
// since an element stands for those around it, and an element without leaves of later fields for all such of its array,
// since they leave out the same leaves. A state that has failed once is not tried again. Since leaves come in document
// order, the leaves that agree with a state are a few ranges: all, less what lies in a chosen array outside of the
// chosen element. `exists: false` passes at its turn if no leaf of its field agrees with the state, whatever later
// fields choose.
//
// Threads: one thread an object; it keeps its memory from event to event.
// Cost:    linear in the leaves of the conjunction's fields, looking at none behind the first choice that goes well,
// for
//          events whose paths lead into one array each; bounded by kConsistencyStatesMax and the trials otherwise
//          (duplicate or dotted keys can put several arrays on one path, and choosing among those is a set cover).
// Source:  event-ruler 2.0.1, ACFinder and ArrayMembership.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "matcher/event_fields.hpp"
#include "matcher/leaf_lists.hpp"

namespace millrace {

// LIMIT: failed states of several elements, for one conjunction and event.
constexpr std::size_t kConsistencyStatesMax = 1 << 10;

enum class Consistency : std::uint8_t { consistent, inconsistent, undecided };

class ChoiceSearch {
 public:
  // `conjunction`: the places of its lists that exclude leaves, in path order. `trials_max`: leaves chosen.
  Consistency decide(std::span<const std::uint32_t> conjunction, std::size_t trials_max, LeafLists& lists,
                     EventFields& fields);

 private:
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

  // A list, with the first and the last leaf of its field.
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

  bool try_state(std::uint32_t step, std::size_t state);
  bool has_failed(std::uint32_t step, std::span<const ElementId> state) const;
  void note_failed(std::uint32_t step, std::span<const ElementId> state);
  bool try_leaves(std::uint32_t step, std::size_t state, std::size_t ranges);
  bool try_absence(std::uint32_t step, std::size_t state, std::size_t ranges);
  bool try_next(std::uint32_t step, std::size_t state, ElementId chosen);
  bool any_leaf_agrees(std::uint32_t step, std::size_t ranges) const;
  std::size_t push_ranges(std::uint32_t step, std::size_t state);
  std::size_t push_state(std::uint32_t step, std::size_t state, ElementId chosen);
  ElementId relevant(ElementId element, std::uint32_t step);
  const Mark& mark_of(ElementId element);
  const Mark& make_mark(ElementId element, ElementId parent);
  ElementId closed(ElementId element, std::uint32_t step);
  void measure(ElementId element, Mark& mark) const;

  // Of one conjunction. States and ranges of all steps lie in one stack each.
  LeafLists* lists_ = nullptr;
  EventFields* fields_ = nullptr;
  std::vector<Step> steps_;  // step i is steps_[i - 1]
  States failed_;
  std::vector<ElementId> chosen_, open_;
  std::vector<Range> ranges_;
  std::vector<Mark> marks_;
  std::vector<Closed> closed_;  // by array
  std::uint64_t epoch_ = 0;
  std::size_t trials_ = 0, trials_max_ = 0;
  bool undecided_ = false;
};

}  // namespace millrace

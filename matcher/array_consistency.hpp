// Can the leaves that satisfy a conjunction be chosen so that they agree on every array element they share?
//
// Fields are taken in path order. A *state* is the set of elements chosen so far, of those arrays only that a later
// field has leaves in; equal states are one. Since leaves come in document order, the leaves that agree with a state
// are a few ranges of the field's leaves: all, less what lies in a chosen array outside of the chosen element. `exists:
// false` passes at its turn if no leaf of its field agrees with the state, whatever later fields choose.
//
// Threads: pure. Cost: linear in the leaves of the fields, times the nesting of arrays, for events whose paths lead
// into one array each; bounded by kConsistencyStatesMax otherwise (duplicate or dotted keys can put several arrays on
// one path, and choosing among those is a set cover). Source:  event-ruler 2.0.1, ACFinder and ArrayMembership.
#pragma once

#include <cstdint>
#include <span>

#include "matcher/event_fields.hpp"
#include "matcher/values.hpp"

namespace millrace {

constexpr std::size_t kConsistencyStatesMax = 1 << 16;  // LIMIT: states alive at once, for one conjunction and event

struct ConsistencyField {
  FieldId field;
  Words values;
};

enum class Consistency : std::uint8_t { consistent, inconsistent, undecided };

Consistency check_consistency(std::span<const ConsistencyField> conjunction, EventFields& fields);

}  // namespace millrace

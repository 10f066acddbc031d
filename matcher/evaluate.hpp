// Does one value satisfy one alternative of a leaf list? The meaning of every operator, in one place.
//
// Threads: pure but for what `fields`, which holds the leaf, remembers of it. Cost: linear in the value; wildcards and
// folds as said there, each of a list by itself; of many other operands and alternatives a few are asked. Source:
// event-ruler 2.0.1 and AWS's recorded cases, operator by operator.
#pragma once

#include "matcher/event_fields.hpp"
#include "matcher/values.hpp"

namespace millrace {

// `not_exists` is never true of a leaf.
bool entry_holds(const Entry& entry, Leaf& leaf, EventFields& fields);

bool any_entry_holds(Words values, Leaf& leaf, EventFields& fields);

}  // namespace millrace

// How likely is a leaf list to hold for an event? Good enough to choose the list that a conjunction waits under.
//
// Where rules name many values of one field, each of them is rare, but what many rules name is not; for the fields that
// every CloudTrail event has, the chances are those counted in 2,900 real records. A wrong guess costs time, never a
// verdict.
//
// Threads: pure. Cost: a pass over the list.
#pragma once

#include <string_view>

#include "matcher/values.hpp"

namespace millrace {

// That an exact value which some rule names on this path is the event's.
double prior_of(std::string_view path);

// `lists_on_field`: distinct leaf lists that the rule set has on the path; `used`: the share of this one's uses.
double chance_of(double prior, Words values, std::size_t lists_on_field, double used);

}  // namespace millrace

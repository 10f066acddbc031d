// A leaf list of many alternatives has a directory in front, so that a value is set beside the few that may hold for
// it.
//
// Shape. An entry of its own, Op::directory, of words; places count words from the first alternative on:
//
//     slots | kinds | places in each section x 7 | table: place + 1, or 0, x slots | places, section by section
//
//     table      exact texts, tokens and numbers, and equals-ignore-case: by hash, open addressing
//     sections   prefixes, suffixes, those that ignore case; ranges; blocks: in order, less those within another one,
//                so that of each section only the one before a value can hold for it; and all others, gone through
//
// Threads: pure but for what `fields` remembers. Cost: a few look-ups a value instead of one a alternative; two to five
// words of memory an alternative.
#pragma once

#include <vector>

#include "matcher/event_fields.hpp"
#include "matcher/values.hpp"

namespace millrace {

// Puts a directory in front of the list that `values` ends with. REQUIRES: kLongListMin alternatives.
void put_directory(std::vector<std::uint32_t>& values, std::size_t begin);

inline bool has_directory(Words values) { return op_of(values[0]) == Op::directory; }

// The list without its directory, if it has one.
inline Words alternatives_of(Words values) {
  if (has_directory(values)) read_entry(values);
  return values;
}

// REQUIRES: has_directory().
bool any_listed_holds(Words values, Leaf& leaf, EventFields& fields);

// May the field be absent?
bool accepts_absence(Words values);

}  // namespace millrace

// When are two JSON numbers the same number, and which is the greater?
//
// A number is *comparable* if the decimal value of its text equals the decimal value of the shortest text that reads
// back as the same double. Every number of up to 15 significant digits is; 9007199254740993 is not. Comparable numbers
// are compared as doubles (300, 300.0 and 3.0e2 are one number); all others only as text.
//
// Threads: pure functions.
// Cost:    under 30 ns up to 15 digits; linear in the text beyond that, whatever the exponent.
// Errors:  none; `text` REQUIRES: a number of the JSON grammar.
// Source:  event-ruler 2.0.1, ComparableNumber; AWS's recorded case number_comparison_float.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace {

// The double's bits in an order-preserving form: a < b as numbers exactly if a < b as integers; -0 is 0.
using NumberKey = std::uint64_t;

std::optional<NumberKey> comparable_number(std::string_view text);

}  // namespace millrace

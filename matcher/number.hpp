// When are two JSON numbers the same number, and which is the greater?
//
// A number is *comparable* if the decimal value of its text equals the decimal value of the shortest text that reads
// back as the same double, of two digits at least: 4.9e-324 is, as Java writes it, and 5e-324 is not. Every number of
// up to 15 significant digits is; 9007199254740993 is not. Comparable numbers are compared as doubles (300, 300.0
// and 3.0e2 are one number); all others only as text.
//
// Threads: pure functions.
// Cost:    under 30 ns up to 15 digits; linear in the text beyond that, whatever the exponent.
// Errors:  none; `text` REQUIRES: a number of the JSON grammar.
// Source:  event-ruler 2.0.1, ComparableNumber; AWS's recorded case number_comparison_float.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace millrace {

// The double's bits in an order-preserving form: a < b as numbers exactly if a < b as integers; -0 is 0.
using NumberKey = std::uint64_t;
constexpr NumberKey kNotComparable = 0;  // no number's: a NaN would have it

inline NumberKey number_key(double value) {
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  const auto bits = std::bit_cast<std::uint64_t>(value == 0 ? 0.0 : value);
  return bits & kSign ? ~bits : bits | kSign;
}

// LIMIT: a double holds any 15 significant digits; without an exponent such a text cannot leave the normal range.
constexpr std::size_t kDigitsAlwaysExact = 15;

NumberKey comparable_decimal(std::string_view text);  // of any number

// PERF: most numbers are small integers.
inline NumberKey comparable_number(std::string_view text) {
  std::int64_t integer = 0;
  for (const char c : text.substr(0, kDigitsAlwaysExact + 1)) {
    if (c < '0' || c > '9') return comparable_decimal(text);
    integer = integer * 10 + (c - '0');
  }
  if (text.size() > kDigitsAlwaysExact) return comparable_decimal(text);
  return number_key(static_cast<double>(integer));
}

}  // namespace millrace

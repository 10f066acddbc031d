// Which numbers equal which: those that are exactly the decimal form of a double that Java writes (1.4).
//
// Threads: pure. Cost: no care is taken. Errors: none.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>

#include "tests/reference/json.hpp"

namespace millrace::reference {

// The exact value of a number's text: 0.<digits> * 10^exponent, without zeros at either end of the digits.
struct Decimal {
  bool negative = false;
  std::string digits;
  long long exponent = 0;

  bool operator==(const Decimal&) const = default;
};

// LIMIT: exponents are cut off here. No text is long enough to bring its value back into the range of a double.
constexpr long long kExponentMax = 1'000'000'000'000'000;

inline Decimal decimal_of(const std::string& literal) {
  const std::size_t e = std::min(literal.find_first_of("eE"), literal.size());
  const std::string mantissa = literal.substr(0, e);
  Decimal value;
  if (e < literal.size()) value.exponent = std::strtoll(literal.c_str() + e + 1, nullptr, 10);
  value.exponent = std::clamp(value.exponent, -kExponentMax, kExponentMax);

  bool before_point = true;
  for (char c : mantissa) {
    if (c == '.') before_point = false;
    if (!is_digit(c)) continue;
    value.digits += c;
    if (before_point) ++value.exponent;
  }
  const std::size_t first = std::min(value.digits.find_first_not_of('0'), value.digits.size());
  value.digits.erase(0, first);
  value.exponent -= static_cast<long long>(first);
  value.digits.erase(value.digits.find_last_not_of('0') + 1);
  if (value.digits.empty()) return {};  // all zeros are one zero, -0 too
  value.negative = mantissa.front() == '-';
  return value;
}

// The double of a number that is exactly that form of its double.
inline std::optional<double> comparable(const std::string& literal) {
  const double value = std::strtod(literal.c_str(), nullptr);
  if (!std::isfinite(value)) return std::nullopt;
  // Java's Double.toString writes two digits at least: of the shortest texts of one digit, the nearest with two.
  const auto written = [&](auto... precision) {
    std::array<char, 64> text{};
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific, precision...).ptr;
    return std::string(text.data(), end);
  };
  std::string shortest = written();
  if (shortest.find('.') == std::string::npos) shortest = written(1);
  if (decimal_of(literal) != decimal_of(shortest)) return std::nullopt;
  return value;
}

}  // namespace millrace::reference

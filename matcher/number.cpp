#include "matcher/number.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <string>

namespace millrace {
namespace {

// A decimal as digits without leading or trailing zeros, and the power of ten of the digit before the first.
struct Decimal {
  bool negative = false;
  std::string digits;
  std::int64_t exponent = 0;
  bool operator==(const Decimal&) const = default;
};

// LIMIT: exponents beyond this are infinite or zero for any text that fits in memory.
constexpr std::int64_t kExponentMax = 1'000'000'000'000;

std::int64_t parse_exponent(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  for (const char c : text) {
    if (value < kExponentMax) value = value * 10 + (c - '0');
  }
  return negative ? -value : value;
}

Decimal decimal_of(std::string_view text) {
  Decimal out;
  out.negative = text.starts_with('-');
  if (out.negative) text.remove_prefix(1);
  if (const auto e = text.find_first_of("eE"); e != std::string_view::npos) {
    out.exponent = parse_exponent(text.substr(e + 1));
    text = text.substr(0, e);
  }
  const auto point = text.find('.');
  out.digits = text.substr(0, point);
  out.exponent += static_cast<std::int64_t>(out.digits.size());
  if (point != std::string_view::npos) out.digits += text.substr(point + 1);
  const auto first = out.digits.find_first_not_of('0');
  if (first == std::string::npos) return {};
  out.exponent -= static_cast<std::int64_t>(first);
  out.digits = out.digits.substr(first, out.digits.find_last_not_of('0') - first + 1);
  return out;
}

bool shortest_text_is_equal(std::string_view text, double value) {
  std::array<char, 32> shortest;
  const auto end =
      std::to_chars(shortest.data(), shortest.data() + shortest.size(), value, std::chars_format::scientific);
  return decimal_of(text) == decimal_of({shortest.data(), static_cast<std::size_t>(end.ptr - shortest.data())});
}

NumberKey key_of(double value) {
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  const auto bits = std::bit_cast<std::uint64_t>(value == 0 ? 0.0 : value);
  return bits & kSign ? ~bits : bits | kSign;
}

// LIMIT: a double holds any 15 significant digits; without an exponent such a text cannot leave the normal range.
constexpr std::size_t kDigitsAlwaysExact = 15;

// The value of digits alone. PERF: most numbers are small integers.
std::optional<double> small_integer(std::string_view text) {
  std::int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return {};
    value = value * 10 + (c - '0');
  }
  return static_cast<double>(value);
}

}  // namespace

std::optional<NumberKey> comparable_number(std::string_view text) {
  if (!text.empty() && text.size() <= kDigitsAlwaysExact) {
    if (const auto integer = small_integer(text)) return key_of(*integer);
  }
  double value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc{} && !(end.ec == std::errc::result_out_of_range && decimal_of(text).digits.empty()))
    return {};
  const bool certain = text.size() <= kDigitsAlwaysExact && text.find_first_of("eE") == std::string_view::npos;
  if (!certain && !shortest_text_is_equal(text, value)) return {};
  return key_of(value);
}

}  // namespace millrace

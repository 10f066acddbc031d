#include "matcher/number.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace millrace {
namespace {

// A decimal as digits without leading or trailing zeros, which a point may part, and the power of ten of the digit
// before the first.
struct Decimal {
  bool negative = false;
  std::string_view whole, fraction;
  std::int64_t exponent = 0;

  std::size_t digits() const { return whole.size() + fraction.size(); }
  char digit(std::size_t i) const { return i < whole.size() ? whole[i] : fraction[i - whole.size()]; }

  friend bool operator==(const Decimal& a, const Decimal& b) {
    if (a.negative != b.negative || a.exponent != b.exponent || a.digits() != b.digits()) return false;
    std::size_t i = 0;
    while (i < a.digits() && a.digit(i) == b.digit(i)) ++i;
    return i == a.digits();
  }
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

bool is_exponent_mark(char c) { return c == 'e' || c == 'E'; }

// Takes the zeros off that `text` begins or ends with, and says how many.
std::size_t strip_leading_zeros(std::string_view& text) {
  const std::size_t zeros = std::min(text.find_first_not_of('0'), text.size());
  text.remove_prefix(zeros);
  return zeros;
}

void strip_trailing_zeros(std::string_view& text) { text = text.substr(0, text.find_last_not_of('0') + 1); }

Decimal decimal_of(std::string_view text) {
  Decimal out;
  out.negative = text.starts_with('-');
  if (out.negative) text.remove_prefix(1);
  const auto mark = std::find_if(text.begin(), text.end(), is_exponent_mark);
  if (mark != text.end()) out.exponent = parse_exponent({mark + 1, text.end()});
  text = {text.begin(), mark};
  out.whole = text.substr(0, text.find('.'));
  if (out.whole.size() < text.size()) out.fraction = text.substr(out.whole.size() + 1);
  strip_leading_zeros(out.whole);
  strip_trailing_zeros(out.fraction);
  out.exponent += static_cast<std::int64_t>(out.whole.size());
  if (out.fraction.empty()) strip_trailing_zeros(out.whole);
  if (out.whole.empty()) out.exponent -= static_cast<std::int64_t>(strip_leading_zeros(out.fraction));
  return out.digits() == 0 ? Decimal{} : out;
}

bool shortest_text_is_equal(std::string_view text, double value) {
  std::array<char, 32> shortest;
  char* const begin = shortest.data();
  auto end = std::to_chars(begin, begin + shortest.size(), value, std::chars_format::scientific);
  if (std::find(begin, end.ptr, '.') == end.ptr)
    end = std::to_chars(begin, begin + shortest.size(), value, std::chars_format::scientific, 1);
  return decimal_of(text) == decimal_of({shortest.data(), static_cast<std::size_t>(end.ptr - shortest.data())});
}

}  // namespace

NumberKey comparable_decimal(std::string_view text) {
  double value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc{} && !(end.ec == std::errc::result_out_of_range && decimal_of(text).digits() == 0))
    return kNotComparable;
  const bool certain = text.size() <= kDigitsAlwaysExact && std::none_of(text.begin(), text.end(), is_exponent_mark);
  if (!certain && !shortest_text_is_equal(text, value)) return kNotComparable;
  return number_key(value);
}

}  // namespace millrace

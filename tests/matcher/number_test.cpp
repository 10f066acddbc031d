// When are two JSON numbers the same, and which is the greater?
#include "matcher/number.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <charconv>
#include <cstring>

#include "tests/random.hpp"

namespace millrace {
namespace {

NumberKey key(std::string_view text) {
  const auto found = comparable_number(text);
  INFO(text);
  REQUIRE(found != kNotComparable);
  return found;
}

TEST_CASE("numbers of one decimal value are one number, however they are written", "[matcher]") {
  const auto [a, b] = GENERATE(table<std::string, std::string>({
      {"300", "300.0"},
      {"300", "3.0e2"},
      {"0", "-0"},
      {"0", "0e5"},
      {"0.1", "1e-1"},
      {"1e308", "100e306"},
      {"1e20", "100000000000000000000"},
      {"5", "5.000000000000000000000000000000"},
      {"123456789012", "1.23456789012E+11"},
      {"2e23", "20e22"},
      {"4.9e-324", "49e-325"},
      {"9.9e-324", "0.99e-323"},
      {"9007199254740992", "9007199254740992.0"},
  }));
  CHECK(key(a) == key(b));
}

TEST_CASE("keys are in the order of the numbers", "[matcher]") {
  const std::vector<std::string> ascending = {"-1.7976931348623157e308",
                                              "-300",
                                              "-2.5",
                                              "-1",
                                              "-1e-300",
                                              "0",
                                              "4.9e-324",
                                              "9.9e-324",
                                              "1e-300",
                                              "0.1",
                                              "1",
                                              "2",
                                              "10",
                                              "1e308"};
  for (std::size_t i = 1; i < ascending.size(); ++i) {
    INFO(ascending[i]);
    CHECK(key(ascending[i - 1]) < key(ascending[i]));
  }
}

TEST_CASE("a number that its double does not stand for is not comparable", "[matcher]") {
  for (const auto text : {"9007199254740993", "12345678901234567890123", "1e400", "-1e400", "1e-400",
                          "0.10000000000000000555", "18446744073709551615", "1e999999999999", "5e-324", "1e-323"}) {
    INFO(text);
    CHECK(comparable_number(text) == kNotComparable);
  }
}

TEST_CASE("the shortest text of every double is comparable, in the doubles' order", "[matcher]") {
  const auto seed = test::seed_of_run();
  std::mt19937_64 random(seed);
  double last = 0;
  NumberKey last_key = key("0");
  for (int round = 0; round < 20000; ++round) {
    const std::uint64_t bits = random();
    double value = 0;
    std::memcpy(&value, &bits, sizeof(value));
    if (!(value - value == 0)) continue;
    std::array<char, 64> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                   round % 2 == 0 ? std::chars_format::scientific : std::chars_format::general);
    const std::string text(buffer.data(), end.ptr);
    INFO("MILLRACE_TEST_SEED=" << seed << " " << text);
    const NumberKey found = key(text);
    REQUIRE((found < last_key) == (value < last));
    last = value;
    last_key = found;
  }
}

}  // namespace
}  // namespace millrace

// Worst cases of values: long strings and numbers, addresses, letter case, values made to collide.
#include "bench/worst_case.hpp"

namespace millrace::bench {
namespace {

constexpr std::size_t kHugeBytes = 250'000;  // with the rest of the event just under 256 KB

std::string array_of(std::size_t count, const auto& write) { return "[" + joined(count, ",", write) + "]"; }

// One rule of each operator on strings. Those that begin or end with x hold for values of x only, the rest for none.
std::vector<std::string> string_rules() {
  return {on_a(R"("xxxxxxxx")"),
          on_a(R"({"prefix":"xxxxxxxxxxxxxxxxy"})"),
          on_a(R"({"suffix":"yxxxxxxxxxxxxxxxx"})"),
          on_a(R"({"equals-ignore-case":"xXxXxXxXx"})"),
          on_a(R"({"prefix":{"equals-ignore-case":"xXxXxXxXY"}})"),
          on_a(R"({"suffix":{"equals-ignore-case":"YxXxXxXxX"}})"),
          on_a(R"({"wildcard":"*xx*y*x"})"),
          on_a(R"({"wildcard":"xx*yx*xx*x"})"),
          on_a(R"({"cidr":"10.0.0.0/8"})"),
          on_a(R"({"anything-but":{"prefix":"xx"}})"),
          on_a(R"({"anything-but":{"wildcard":"*x*"}})")};
}

WorstCase huge_string(std::size_t scale) {
  return {.patterns = string_rules(), .details = {a_is(quoted(repeated("x", kHugeBytes * scale / kFullScale)))}};
}

WorstCase huge_string_that_no_rule_names(std::size_t scale) {
  return {.patterns = {R"({"detail":{"b":["x"]}})"},
          .details = {a_is(quoted(repeated("x", kHugeBytes * scale / kFullScale)))}};
}

WorstCase huge_string_of_escapes(std::size_t scale) {
  return {.patterns = string_rules(),
          .details = {a_is(quoted(repeated("\\u0078", kHugeBytes / 6 * scale / kFullScale)))}};
}

// Rules of all kinds of operators on an array of scalars, none of which holds.
std::vector<std::string> scalar_rules() {
  auto rules = string_rules();
  rules.push_back(on_a(R"({"numeric":["<",0]})"));
  rules.push_back(on_a("-1"));
  rules.push_back(on_a("null"));
  return rules;
}

WorstCase huge_array_of_strings(std::size_t scale) {
  return {.patterns = scalar_rules(),
          .details = {a_is(array_of(8000 * scale, [](std::size_t) { return R"("xxxxx")"; }))}};
}

WorstCase huge_array_of_escapes(std::size_t scale) {
  return {.patterns = scalar_rules(),
          .details = {a_is(array_of(8000 * scale, [](std::size_t) { return R"("xx\tx")"; }))}};
}

WorstCase huge_array_of_numbers(std::size_t scale) {
  auto rules = scalar_rules();
  rules.resize(9);  // a number is anything but a string
  rules.push_back(on_a(R"({"numeric":["<",0]})"));
  rules.push_back(on_a(R"({"anything-but":[7]})"));
  return {.patterns = rules, .details = {a_is(array_of(31'000 * scale, [](std::size_t) { return "7"; }))}};
}

WorstCase wildcard_on_huge_value(std::size_t scale) {
  return {.patterns = {on_a(R"({"wildcard":"*ab*b*c*"})"), on_a(R"({"wildcard":"*a*c*"})"),
                       on_a(R"({"wildcard":"a*a*a*d"})"), on_a(R"({"wildcard":"*aaab*"})"),
                       on_a(R"({"wildcard":"*baaaaaaaaaaaaaaa*"})")},
          .details = {a_is(quoted(repeated("a", kHugeBytes * scale / kFullScale)))}};
}

// Rule i: between i + 1 and i + 2.
std::string numeric_rule(std::size_t i) { return on_a(fmt::format(R"({{"numeric":[">",{},"<",{}]}})", i + 1, i + 2)); }

WorstCase long_digits(std::size_t scale) {
  auto rules = patterns_of(1000, numeric_rule);
  rules.push_back(on_a(R"({"anything-but":[1,2]})"));
  return {.patterns = rules, .details = {a_is(repeated("7", 50'000 * scale))}, .matches = 1};
}

// 1.000...0 is 1, however long it is.
WorstCase long_zeros(std::size_t scale) {
  auto rules = patterns_of(1000, numeric_rule);
  rules.push_back(on_a("1"));
  return {.patterns = rules, .details = {a_is("1." + repeated("0", 50'000 * scale))}, .matches = 1};
}

WorstCase long_exponents(std::size_t scale) {
  const auto number = [](std::size_t i) {
    return fmt::format("{}.{}e-30{}", 1 + i % 9, 1'234'567'890'123'456 + i, i % 8);
  };
  return {.patterns = patterns_of(1000, numeric_rule), .details = {a_is(array_of(2500 * scale, number))}};
}

WorstCase many_numbers(std::size_t scale) {
  return {.patterns = patterns_of(1000, numeric_rule),
          .details = {a_is(array_of(2500 * scale, [](std::size_t i) { return fmt::format("{}", i); }))}};
}

// 1,000 ranges around every number.
WorstCase overlapping_ranges(std::size_t scale) {
  const auto rule = [](std::size_t i) {
    return fmt::format(R"({{"detail":{{"a":[{{"numeric":[">",-{}]}}]}}}})", i + 1);
  };
  return {.patterns = patterns_of(1000, rule),
          .details = {a_is(array_of(2500 * scale, [](std::size_t i) { return fmt::format("{}", i); }))},
          .matches = 1000,
          .looks = 1000 * 2500 * scale};
}

// Networks of every length, which hold none of the addresses but in /0.
std::vector<std::string> network_rules(const char* form, unsigned lengths) {
  return patterns_of(lengths, [&](std::size_t i) { return on_a(fmt::format(fmt::runtime(form), i)); });
}

WorstCase addresses_v4(std::size_t scale) {
  const auto address = [](std::size_t i) { return fmt::format(R"("203.0.{}.{}")", i / 256 % 256, i % 256); };
  return {.patterns = network_rules(R"({{"cidr":"10.255.255.255/{}"}})", 32),
          .details = {a_is(array_of(2500 * scale, address))},
          .matches = 1};
}

// The networks that hold 203.0.0.0: every address finds most of them.
WorstCase addresses_v4_that_match(std::size_t scale) {
  const auto address = [](std::size_t i) { return fmt::format(R"("203.0.{}.{}")", i / 256 % 256, i % 256); };
  return {.patterns = network_rules(R"({{"cidr":"203.0.0.0/{}"}})", 32),
          .details = {a_is(array_of(2500 * scale, address))},
          .matches = 32};
}

WorstCase addresses_v6(std::size_t scale) {
  const auto address = [](std::size_t i) { return fmt::format(R"("2001:db8::{:x}")", i); };
  return {.patterns = network_rules(R"({{"cidr":"ffff::/{}"}})", 128),
          .details = {a_is(array_of(2500 * scale, address))},
          .matches = 1};
}

WorstCase addresses_v6_short(std::size_t scale) {
  return {.patterns = network_rules(R"({{"cidr":"ffff::/{}"}})", 128),
          .details = {a_is(array_of(8000 * scale, [](std::size_t) { return R"("::1")"; }))},
          .matches = 1};
}

WorstCase addresses_v6_that_match(std::size_t scale) {
  return {.patterns = network_rules(R"({{"cidr":"::/{}"}})", 127),
          .details = {a_is(array_of(8000 * scale, [](std::size_t) { return R"("::1")"; }))},
          .matches = 127,
          .looks = 127 * 8000 * scale};
}

WorstCase not_quite_addresses(std::size_t scale) {
  const auto text = [](std::size_t i) {
    constexpr std::string_view kForms[] = {"203.0.113.256", "203.0.113.1.1", "2001:db8:::1", "1:2:3:4:5:6:7:8:9",
                                           "203.0.113"};
    return quoted(kForms[i % std::size(kForms)]);
  };
  auto rules = network_rules(R"({{"cidr":"10.255.255.255/{}"}})", 32);
  for (auto& rule : network_rules(R"({{"cidr":"ffff::/{}"}})", 128)) rules.push_back(std::move(rule));
  return {.patterns = rules, .details = {a_is(array_of(2500 * scale, text))}};
}

// Values of one length, of the same 8-byte words in another order.
std::string permuted_words(std::size_t i) {
  std::string out;
  for (std::size_t word = 0; word < 16; ++word) out += (i >> word & 1) != 0 ? "abcdefgh" : "hgfedcba";
  return out;
}

WorstCase permuted_values(std::size_t scale) {
  return {.patterns = patterns_of(10'000, [](std::size_t i) { return on_a(quoted(permuted_words(i))); }),
          .details = {a_is(array_of(400 * scale, [](std::size_t i) { return quoted(permuted_words(20'000 + i)); }))}};
}

// The multiplication that hashes a word takes it exclusive-or with a constant: these make it 0 under every secret.
constexpr const char* kNumberThatHashesToZero = "1.6965206470142566e+188";
constexpr const char* kNetworkThatHashesToZero = "db28:b4a0:d17e:3e7";

// A rule a field, all on values with one hash.
WorstCase same_hash_on_all_fields(std::size_t scale, std::string_view pattern, std::string_view value) {
  const std::size_t count = 625 * scale;
  return {
      .patterns =
          patterns_of(count, [&](std::size_t i) { return fmt::format(R"({{"detail":{{"k{}":[{}]}}}})", i, pattern); }),
      .details = {"{" + joined(count, ",", [&](std::size_t i) { return fmt::format(R"("k{}":{})", i, value); }) + "}"},
      .matches = count,
      .looks = count};
}

WorstCase numbers_that_hash_to_zero(std::size_t scale) {
  return same_hash_on_all_fields(scale, kNumberThatHashesToZero, kNumberThatHashesToZero);
}

WorstCase networks_that_hash_to_zero(std::size_t scale) {
  return same_hash_on_all_fields(scale, fmt::format(R"({{"cidr":"{}::/64"}})", kNetworkThatHashesToZero),
                                 fmt::format(R"("{}::1")", kNetworkThatHashesToZero));
}

WorstCase ignore_case_ascii(std::size_t scale) {
  return {.patterns = {on_a(fmt::format(R"({{"equals-ignore-case":"{}y"}})", repeated("X", 2000))),
                       on_a(fmt::format(R"({{"prefix":{{"equals-ignore-case":"{}y"}}}})", repeated("X", 2000))),
                       on_a(fmt::format(R"({{"suffix":{{"equals-ignore-case":"y{}"}}}})", repeated("X", 2000)))},
          .details = {a_is(quoted(repeated("xX", kHugeBytes / 2 * scale / kFullScale)))}};
}

constexpr std::string_view kSharpS = "ß";  // stands for itself and SS

WorstCase ignore_case_beyond_ascii(std::size_t scale) {
  return {.patterns = {on_a(fmt::format(R"({{"equals-ignore-case":"{}y"}})", repeated(kSharpS, 1000))),
                       on_a(fmt::format(R"({{"prefix":{{"equals-ignore-case":"{}y"}}}})", repeated(kSharpS, 1000))),
                       on_a(fmt::format(R"({{"suffix":{{"equals-ignore-case":"y{}"}}}})", repeated(kSharpS, 1000)))},
          .details = {a_is(quoted(repeated("SS", kHugeBytes / 2 * scale / kFullScale)))}};
}

// A rule as long as the value, and the value all that it stands for.
WorstCase ignore_case_to_the_end(std::size_t scale) {
  const std::size_t characters = 20'000 * scale;
  return {
      .patterns = {on_a(fmt::format(R"({{"equals-ignore-case":"{}"}})", repeated(kSharpS, characters))),
                   on_a(fmt::format(R"({{"suffix":{{"equals-ignore-case":"{}"}}}})", repeated(kSharpS, characters)))},
      .details = {a_is(quoted(repeated("SS", characters)))},
      .matches = 2};
}

WorstCase ignore_case_on_many_values(std::size_t scale) {
  return {.patterns = {on_a(R"({"equals-ignore-case":"straßeßßßßx"})"),
                       on_a(R"({"prefix":{"equals-ignore-case":"straßeßßßßx"}})"),
                       on_a(R"({"suffix":{"equals-ignore-case":"xstraßeßßßß"}})")},
          .details = {a_is(array_of(2500 * scale, [](std::size_t) { return R"("STRASSESSSSSSSS")"; }))}};
}

// Where all rules have to look: no index knows characters beyond ASCII.
WorstCase ignore_case_many_rules(std::size_t) {
  return {.patterns = patterns_of(
              1000, [](std::size_t i) { return on_a(fmt::format(R"({{"equals-ignore-case":"straße {}"}})", i)); }),
          .details = {a_is(R"("STRASSE 5")")},
          .matches = 1,
          .looks = 1000};
}

}  // namespace

const std::vector<NamedCase>& value_cases() {
  static const std::vector<NamedCase> cases = {
      {"huge/string", Bound::size, huge_string, true},
      {"huge/string_no_rule", Bound::size, huge_string_that_no_rule_names, true},
      {"huge/string_of_escapes", Bound::size, huge_string_of_escapes, true},
      {"huge/array_of_strings", Bound::size, huge_array_of_strings, true},
      {"huge/array_of_escaped_strings", Bound::size, huge_array_of_escapes, true},
      {"huge/array_of_numbers", Bound::size, huge_array_of_numbers, true},
      {"huge/wildcards", Bound::size, wildcard_on_huge_value, true},
      {"numbers/200000_digits", Bound::size, long_digits, true},
      {"numbers/200000_zeros", Bound::size, long_zeros, true},
      {"numbers/10000_of_17_digits", Bound::size, long_exponents, true},
      {"numbers/10000_on_1000_ranges", Bound::size, many_numbers, true},
      {"numbers/10000_in_1000_ranges", Bound::looks, overlapping_ranges, true},
      {"addresses/10000_v4", Bound::size, addresses_v4, true},
      {"addresses/10000_v4_match", Bound::size, addresses_v4_that_match, true},
      {"addresses/10000_v6", Bound::size, addresses_v6, true},
      {"addresses/32000_short_v6", Bound::size, addresses_v6_short, true},
      {"addresses/32000_short_v6_match", Bound::looks, addresses_v6_that_match, true},
      {"addresses/10000_malformed", Bound::size, not_quite_addresses, true},
      {"hash/1600_permuted_values", Bound::size, permuted_values, true},
      {"hash/2500_numbers_of_hash_0", Bound::looks, numbers_that_hash_to_zero, true},
      {"hash/2500_networks_of_hash_0", Bound::looks, networks_that_hash_to_zero, true},
      {"ignore_case/ascii", Bound::size, ignore_case_ascii, true},
      {"ignore_case/beyond_ascii", Bound::size, ignore_case_beyond_ascii, true},
      {"ignore_case/beyond_ascii_to_the_end", Bound::size, ignore_case_to_the_end, true},
      {"ignore_case/10000_values", Bound::size, ignore_case_on_many_values, true},
      {"ignore_case/1000_rules", Bound::looks, ignore_case_many_rules},
  };
  return cases;
}

}  // namespace millrace::bench

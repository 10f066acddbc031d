// Worst cases of rule sets: many rules that one value concerns, all at once or nearly.
#include "bench/worst_case.hpp"

namespace millrace::bench {
namespace {

constexpr std::size_t kManyRules = 100'000;
const std::string kLongPrefix = repeated("arn:aws:iam::123456789012:role/", 8);

// 1,000 wildcards on one value of 2 KB over two letters.
WorstCase wildcards(const std::string& value, const auto& write) {
  return {.patterns = patterns_of(1000, [&](std::size_t i) { return on_a(R"({"wildcard":")" + write(i) + "\"}"); }),
          .details = {a_is(quoted(value))},
          .looks = 1000};
}

WorstCase wildcards_found_by_tail(std::size_t) {
  return wildcards(two_letters(1, 2048), [](std::size_t i) { return fmt::format("*a*b*c{}*x", i); });
}

WorstCase wildcards_with_tail(std::size_t) {
  return wildcards(two_letters(1, 2047, "ax") + "x", [](std::size_t i) { return fmt::format("*a*x*c{}*x", i); });
}

WorstCase wildcards_without_anchor(std::size_t) {
  return wildcards(two_letters(1, 2048), [](std::size_t i) { return fmt::format("*a*b*c{}*", i); });
}

// The value has no "aa": nothing but its pairs of letters tells that no rule matches.
WorstCase wildcards_of_its_letters(std::size_t) {
  return wildcards(repeated("ab", 1024), [](std::size_t i) { return fmt::format("*a*baab{}*", two_letters(i, 14)); });
}

// On an array, a look is a rule and a value.
WorstCase wildcards_on_many_values(std::size_t) {
  constexpr std::size_t kValues = 1000;
  WorstCase out = wildcards("", [](std::size_t i) { return fmt::format("*a*b*c{}*", i); });
  const auto value = [](std::size_t i) { return quoted(two_letters(i, 24)); };
  out.details = {a_is("[" + joined(kValues, ",", value) + "]")};
  out.looks = 1000 * kValues;
  return out;
}

WorstCase anything_but(std::uint64_t matches, const char* value) {
  return {.patterns = patterns_of(
              10'000,
              [](std::size_t i) { return on_a(fmt::format(R"({{"anything-but":["common","x{}","y{}"]}})", i, i)); }),
          .details = {a_is(value)},
          .matches = matches,
          .looks = 10'000};
}

WorstCase anything_but_that_matches(std::size_t) { return anything_but(10'000, R"("other")"); }
WorstCase anything_but_that_refuses(std::size_t) { return anything_but(0, R"("common")"); }

// Rules with one long list on b, on an array of values that it does not accept; the list is not what finds the rule.
WorstCase long_list(std::size_t scale, const char* alternative, const char* value) {
  const auto list = [&](std::size_t i) { return fmt::format(fmt::runtime(alternative), i, i / 256, i % 256); };
  const auto listed = [&](std::size_t i) { return fmt::format(fmt::runtime(value), i, i / 256, i % 256); };
  return {.patterns = {R"({"detail":{"a":["x"],"b":[)" + joined(10'000, ",", list) + "]}}"},
          .details = {R"({"a":"x","b":[)" + joined(2500 * scale, ",", listed) + "]}"}};
}

WorstCase long_list_of_texts(std::size_t scale) { return long_list(scale, R"("v{}")", R"("w{}")"); }
WorstCase long_list_of_numbers(std::size_t scale) { return long_list(scale, "{}", "-1{}"); }
WorstCase long_list_of_prefixes(std::size_t scale) { return long_list(scale, R"({{"prefix":"v{}"}})", R"("w{}")"); }
WorstCase long_list_of_any_case(std::size_t scale) {
  return long_list(scale, R"({{"equals-ignore-case":"V{}"}})", R"("w{}")");
}
WorstCase long_list_of_ranges(std::size_t scale) {
  return long_list(scale, R"({{"numeric":[">",{0},"<",{0}.5]}})", "{}.75");
}
WorstCase long_list_of_blocks(std::size_t scale) {
  return long_list(scale, R"({{"cidr":"10.{1}.{2}.0/24"}})", R"("11.0.{1}.{2}")");
}

// All values are the list's own.
WorstCase long_list_but(std::size_t scale, const char* open, const char* operand, const char* close) {
  const auto listed = [&](std::size_t i) { return fmt::format(fmt::runtime(operand), 9999 - i % 10'000); };
  return {.patterns = {on_a(fmt::format(R"({{"anything-but":{}[{}]{}}})", open, joined(10'000, ",", listed), close))},
          .details = {a_is("[" + joined(2500 * scale, ",", listed) + "]")}};
}

WorstCase long_list_but_numbers(std::size_t scale) { return long_list_but(scale, "", "{}", ""); }
WorstCase long_list_but_any_case(std::size_t scale) {
  return long_list_but(scale, R"({"equals-ignore-case":)", R"("V{}")", "}");
}
WorstCase long_list_but_suffixes(std::size_t scale) { return long_list_but(scale, R"({"suffix":)", R"("{}v")", "}"); }

std::string anything_but_list(std::size_t count) {
  return R"({"anything-but":[)" + joined(count, ",", [](std::size_t i) { return fmt::format(R"("v{}")", i); }) + "]}";
}

WorstCase long_anything_but(std::size_t) {
  return {.patterns = {on_a(anything_but_list(10'000))}, .details = {a_is(R"("v9999")")}};
}

WorstCase long_anything_but_on_its_values(std::size_t scale) {
  const auto value = [](std::size_t i) { return fmt::format(R"("v{}")", 9999 - i % 10'000); };
  return {.patterns = {on_a(anything_but_list(10'000))},
          .details = {a_is("[" + joined(2500 * scale, ",", value) + "]")}};
}

// One list of 10,000 values, found by the last value of an array.
WorstCase long_exact_list(std::size_t scale) {
  const auto listed = [](std::size_t i) { return fmt::format(R"("v{}")", i); };
  const auto other = [](std::size_t i) { return fmt::format(R"("w{}")", i); };
  return {.patterns = {on_a(joined(10'000, ",", listed))},
          .details = {a_is("[" + joined(2500 * scale, ",", other) + R"(,"v9999"])")},
          .matches = 1};
}

// 10 x 10 x 10 conjunctions; `last` is what the third `$or` asks of its fields.
std::string or_product(std::string_view last) {
  const auto factor = [](char name, std::string_view value) {
    const auto field = [&](std::size_t i) { return fmt::format(R"({{"{}{}":[{}]}})", name, i, value); };
    return R"("$or":[)" + joined(10, ",", field) + "]";
  };
  return R"({"detail":{"p":{)" + factor('a', "1") + R"(},"q":{)" + factor('b', "1") + R"(},"r":{)" + factor('c', last) +
         "}}}";
}

std::string or_fields(char name, std::string_view value = "1") {
  return joined(10, ",", [&](std::size_t i) { return fmt::format(R"("{}{}":{})", name, i, value); });
}

std::string or_event(std::string_view open, std::string_view close) {
  return fmt::format(R"({{"p":{0}{{{2}}}{1},"q":{0}{{{3}}}{1},"r":{0}{{{4}}}{1}}})", open, close, or_fields('a'),
                     or_fields('b'), or_fields('c'));
}

WorstCase or_product_that_matches(std::size_t) {
  return {.patterns = {or_product("1")}, .details = {or_event("", "")}, .matches = 1};
}

WorstCase or_product_that_fails_last(std::size_t) {
  return {.patterns = {or_product(R"({"anything-but":[1]})")}, .details = {or_event("", "")}};
}

WorstCase or_product_in_arrays(std::size_t) {
  return {.patterns = {or_product("1")}, .details = {or_event("[", "]")}, .matches = 1};
}

// 100,000 rules that differ behind one long common text, and values that share it.
WorstCase common_text(const char* form, bool in_front, std::uint64_t matches) {
  const auto text = [&](std::size_t i) {
    return in_front ? fmt::format("{}{:06}", kLongPrefix, i) : fmt::format("{:06}{}", i, kLongPrefix);
  };
  WorstCase out{.patterns = patterns_of(
                    kManyRules, [&](std::size_t i) { return on_a(fmt::format(fmt::runtime(form), quoted(text(i)))); })};
  const auto value = [&](std::size_t i) { return quoted(text(i < 10 ? i : i + kManyRules)); };
  out.details = {a_is("[" + joined(500, ",", value) + "]")};
  out.matches = matches;
  return out;
}

WorstCase common_prefix_exact(std::size_t) { return common_text("{}", true, 10); }
WorstCase common_prefix_operator(std::size_t) { return common_text(R"({{"prefix":{}}})", true, 10); }
WorstCase common_suffix_operator(std::size_t) { return common_text(R"({{"suffix":{}}})", false, 10); }
WorstCase common_prefix_any_case(std::size_t) {
  return common_text(R"({{"prefix":{{"equals-ignore-case":{}}}}})", true, 10);
}

// Values of every length from 0 on, all beginnings of what the rules ask for.
WorstCase common_prefix_all_lengths(std::size_t) {
  const std::string common = repeated("x", 700);
  const auto value = [&](std::size_t i) { return quoted(common.substr(0, i)); };
  return {.patterns = patterns_of(
              kManyRules, [&](std::size_t i) { return on_a(fmt::format(R"({{"prefix":"{}{}"}})", common, i)); }),
          .details = {a_is("[" + joined(700, ",", value) + "]")}};
}

// Prefixes of one another, and values that have them all.
WorstCase nested_prefixes(std::size_t scale) {
  return {
      .patterns = patterns_of(
          200, [](std::size_t i) { return on_a(fmt::format(R"({{"prefix":"{}"}})", repeated("a", i + 1))); }),
      .details = {a_is("[" + joined(300 * scale, ",", [](std::size_t) { return quoted(repeated("a", 200)); }) + "]")},
      .matches = 200,
      .looks = 200};
}

WorstCase same_rule_that_matches(std::size_t) {
  return {.patterns = patterns_of(kManyRules, [](std::size_t) { return on_a(R"("x")"); }),
          .details = {a_is(R"("x")")},
          .matches = kManyRules,
          .looks = kManyRules};
}

WorstCase same_rule_that_is_not_found(std::size_t) {
  return {.patterns = patterns_of(kManyRules, [](std::size_t) { return on_a(R"("x")"); }), .details = {a_is(R"("y")")}};
}

WorstCase same_rule_that_fails_last(std::size_t) {
  const std::string pattern = R"({"detail":{"a":["x"],"b":[{"anything-but":"y"}]}})";
  return {.patterns = patterns_of(kManyRules, [&](std::size_t) { return pattern; }),
          .details = {R"({"a":"x","b":"y"})"},
          .looks = kManyRules};
}

// As many rules as values, each found by one value of the array.
WorstCase a_rule_a_value(std::size_t scale) {
  const std::size_t count = 2500 * scale;
  const auto value = [](std::size_t i) { return fmt::format(R"("value-{:05}")", i); };
  return {.patterns = patterns_of(count, [&](std::size_t i) { return on_a(value(i)); }),
          .details = {a_is("[" + joined(count, ",", value) + "]")},
          .matches = count,
          .looks = count};
}

// Every value of the array finds every rule.
WorstCase all_rules_all_values(std::size_t scale) {
  return {.patterns = patterns_of(1000, [](std::size_t i) { return on_a(fmt::format(R"("x","u{}")", i)); }),
          .details = {a_is("[" + joined(2500 * scale, ",", [](std::size_t) { return R"("x")"; }) + "]")},
          .matches = 1000,
          .looks = 1000 * 2500 * scale};
}

}  // namespace

const std::vector<NamedCase>& rule_cases() {
  static const std::vector<NamedCase> cases = {
      {"wildcards/1000_found_by_tail", Bound::looks, wildcards_found_by_tail},
      {"wildcards/1000_with_tail", Bound::looks, wildcards_with_tail},
      {"wildcards/1000_without_anchor", Bound::looks, wildcards_without_anchor},
      {"wildcards/1000_of_its_letters", Bound::looks, wildcards_of_its_letters},
      {"wildcards/1000_on_1000_values", Bound::looks, wildcards_on_many_values},
      {"anything_but/10000_rules_match", Bound::looks, anything_but_that_matches},
      {"anything_but/10000_rules_refuse", Bound::looks, anything_but_that_refuses},
      {"anything_but/list_of_10000", Bound::size, long_anything_but},
      {"anything_but/list_of_10000_on_10000_values", Bound::size, long_anything_but_on_its_values, true},
      {"exact/list_of_10000_on_10000_values", Bound::size, long_exact_list, true},
      {"long_list/10000_texts", Bound::size, long_list_of_texts, true},
      {"long_list/10000_numbers", Bound::size, long_list_of_numbers, true},
      {"long_list/10000_prefixes", Bound::size, long_list_of_prefixes, true},
      {"long_list/10000_any_case", Bound::size, long_list_of_any_case, true},
      {"long_list/10000_ranges", Bound::size, long_list_of_ranges, true},
      {"long_list/10000_blocks", Bound::size, long_list_of_blocks, true},
      {"long_list/but_10000_numbers", Bound::size, long_list_but_numbers, true},
      {"long_list/but_10000_any_case", Bound::size, long_list_but_any_case, true},
      {"long_list/but_10000_suffixes", Bound::size, long_list_but_suffixes, true},
      {"or_product/matches", Bound::size, or_product_that_matches},
      {"or_product/fails_last", Bound::size, or_product_that_fails_last},
      {"or_product/in_arrays", Bound::size, or_product_in_arrays},
      {"common_prefix/100000_exact", Bound::size, common_prefix_exact},
      {"common_prefix/100000_prefixes", Bound::size, common_prefix_operator},
      {"common_prefix/100000_suffixes", Bound::size, common_suffix_operator},
      {"common_prefix/100000_prefixes_any_case", Bound::size, common_prefix_any_case},
      {"common_prefix/values_of_all_lengths", Bound::size, common_prefix_all_lengths},
      {"common_prefix/200_nested_on_1200_values", Bound::size, nested_prefixes, true},
      {"same_rule/100000_match", Bound::looks, same_rule_that_matches},
      {"same_rule/100000_not_found", Bound::size, same_rule_that_is_not_found},
      {"same_rule/100000_fail_last", Bound::looks, same_rule_that_fails_last},
      {"many_found/10000_rules_by_10000_values", Bound::size, a_rule_a_value, true},
      {"many_found/1000_rules_by_each_of_10000_values", Bound::looks, all_rules_all_values, true},
  };
  return cases;
}

}  // namespace millrace::bench

// The wildcard operator.
#include "matcher/wildcard.hpp"

#include <catch2/catch.hpp>

#include "tests/random.hpp"

namespace millrace {
namespace {

std::string parsed(std::string_view text) {
  const auto out = parse_wildcard(text);
  INFO(text);
  REQUIRE(std::holds_alternative<std::string>(out));
  return std::get<std::string>(out);
}

TEST_CASE("a star stands for any bytes, none included", "[matcher]") {
  const auto [wildcard, value, matches] = GENERATE(table<std::string, std::string, bool>({
      {"*", "", true},
      {"*", "x", true},
      {"a*", "a", true},
      {"a*c", "ac", true},
      {"a*c", "abcb", false},
      {"*a*", "a", true},
      {"", "", true},
      {"", "x", false},
      {"a*a", "a", false},
      {"ab*ba", "aba", false},
      {"*b*b", "ab", false},
      {"*ab*ab*", "abab", true},
      {"*ab*ab*", "aab", false},
      {"a?c", "abc", false},
      {"a.c", "a.c", true},
      {"é*", "éa", true},
      {R"(a\*b*)", "a*bxx", true},
      {R"(a\*b*)", "axbxx", false},
      {R"(a\**)", "a*x", true},
      {R"(a\\*)", R"(a\x)", true},
      {R"(a\\*)", "ax", false},
  }));
  INFO(wildcard << " " << value);
  CHECK(wildcard_matches(parsed(wildcard), value) == matches);
}

TEST_CASE("a malformed wildcard is refused with its place, counted from 1", "[matcher]") {
  const auto fault = [](std::string_view text) { return std::get<WildcardError>(parse_wildcard(text)); };
  CHECK(fault("**").kind == WildcardError::consecutive_stars);
  CHECK(fault("**").position == 1);
  CHECK(fault("ab**").position == 3);
  CHECK(fault(R"(a\b)").kind == WildcardError::invalid_escape);
  CHECK(fault(R"(a\b)").position == 2);
  CHECK(fault("a\\").kind == WildcardError::invalid_escape);
}

bool slow_match(std::string_view wildcard, std::string_view value) {
  if (wildcard.empty()) return value.empty();
  if (wildcard[0] == kStar)
    return slow_match(wildcard.substr(1), value) || (!value.empty() && slow_match(wildcard, value.substr(1)));
  return !value.empty() && value[0] == wildcard[0] && slow_match(wildcard.substr(1), value.substr(1));
}

TEST_CASE("taking each literal at its leftmost place agrees with trying every place", "[matcher]") {
  const auto seed = test::seed_of_run();
  test::Random random(seed);
  for (int round = 0; round < 20000; ++round) {
    std::string wildcard, value;
    for (std::size_t i = random.below(8); i > 0; --i) {
      const bool star = random.one_in(3) && !wildcard.ends_with(kStar);
      wildcard += star ? kStar : random.of({"a", "b"})[0];
    }
    for (std::size_t i = random.below(10); i > 0; --i) value += random.of({"a", "b"});
    INFO("MILLRACE_TEST_SEED=" << seed << " " << wildcard << " " << value);
    REQUIRE(wildcard_matches(wildcard, value) == slow_match(wildcard, value));
  }
}

std::string letters(test::Random& random, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += random.of({"a", "b", "b", "abbab", "bbaab"});
  return out;
}

TEST_CASE("a long value agrees with trying every place, filtered or not", "[matcher]") {
  const auto seed = test::seed_of_run();
  test::Random random(seed);
  for (int round = 0; round < 300; ++round) {
    const std::string value = letters(random, random.below(400)) + (random.one_in(2) ? "c" : "");
    PairFilter filter;
    for (int wildcards = 0; wildcards < 20; ++wildcards) {
      std::string wildcard = random.one_in(2) ? std::string{kStar} : "";
      wildcard += letters(random, random.below(12)) + (random.one_in(5) ? "c" : "");
      if (!wildcard.ends_with(kStar)) wildcard += kStar;
      if (random.one_in(2)) wildcard += letters(random, random.below(70)) + kStar;
      INFO("MILLRACE_TEST_SEED=" << seed << " " << wildcard << " " << value);
      const bool matches = slow_match(wildcard, value);
      REQUIRE(wildcard_matches(wildcard, value) == matches);
      REQUIRE(wildcard_matches(wildcard, value, filter) == matches);
    }
  }
}

TEST_CASE("a literal is found at every place of a value", "[matcher]") {
  for (std::size_t literal_bytes = 1; literal_bytes < 70; ++literal_bytes) {
    const std::string literal = std::string(literal_bytes - 1, 'a') + "b";
    for (std::size_t place = 0; place < 140; ++place) {
      const std::string value = std::string(place, 'a') + literal + std::string(140 - place, 'a');
      REQUIRE(wildcard_matches(kStar + literal + kStar, value));
      REQUIRE_FALSE(wildcard_matches(kStar + ("b" + literal) + kStar, value));
    }
  }
}

TEST_CASE("many places where a literal nearly is cost no answer", "[matcher]") {
  std::string near;
  for (int i = 0; i < 1000; ++i) near += "abxxbaabyyba";
  CHECK_FALSE(wildcard_matches(kStar + std::string("abzzba") + kStar, near));
  CHECK(wildcard_matches(kStar + std::string("abzzba") + kStar, near + "abzzba"));
  CHECK(wildcard_matches(kStar + std::string("abzzba") + kStar, near + "abzzba" + near));
}

TEST_CASE("complexity is that of event-ruler's evaluator", "[matcher]") {
  const auto complexity = [](const std::vector<std::string>& texts) {
    std::vector<WildcardSet> patterns;
    for (const std::string& text : texts) patterns.push_back({parsed(text)});
    return wildcard_complexity(patterns);
  };
  const auto complexity_of_list = [](const std::vector<std::string>& texts) {
    std::vector<WildcardSet> patterns(1);
    for (const std::string& text : texts) patterns[0].insert(parsed(text));
    return wildcard_complexity(patterns);
  };
  CHECK(complexity({"*"}) == 2);
  CHECK(complexity({std::string(1'000'000, 'a')}) == 1);  // in no more time than its length takes
  CHECK(complexity({"*a*"}) == 3);
  CHECK(complexity({"/Users/*/dir/dir/dir/dir/dir/doc.txt"}) == 7);
  CHECK(complexity({"*aaaaaaaaa"}) == kWildcardComplexityMax);
  CHECK(complexity({"*:*:*:*:*:event-bus/*"}) == kWildcardComplexityMax + 1);
  CHECK(complexity({"*aa", "*//a*aaaab*/aba///*/b"}) == kWildcardComplexityMax + 1);
  CHECK(complexity({"a*b", "a*c"}) == 4);
  CHECK(complexity_of_list({"a*b", "a*c"}) == 2);
  CHECK(complexity_of_list({"ab", "ac"}) == 1);
  CHECK(complexity_of_list({"*-dev", "*-test"}) == 2);
  CHECK(complexity_of_list({"*a*", "*b*"}) == 4);
  CHECK(complexity_of_list({"*ba", "*a"}) == 3);
  CHECK(complexity_of_list({"a*aaa", "aa*aa"}) == 7);
}

}  // namespace
}  // namespace millrace

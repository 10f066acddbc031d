// Worst cases of an event's shape: arrays, nesting, keys.
#include "bench/worst_case.hpp"

namespace millrace::bench {
namespace {

// Below the event's own braces: one level less than the 1,000 that an event may have.
constexpr std::size_t kObjectsDeep = 998;

std::string array_of(std::size_t count, const auto& write) { return "[" + joined(count, ",", write) + "]"; }

// Three arrays of 160 objects side by side. Rule i asks for x of one element and y of it or of its neighbour.
std::string sibling_arrays(std::size_t objects) {
  const auto object = [](std::size_t i) { return fmt::format(R"({{"x":{0},"y":{0}}})", i); };
  const std::string array = array_of(objects, object);
  return fmt::format(R"({{"a":{0},"b":{0},"c":{0}}})", array);
}

std::string sibling_rule(std::size_t x, std::size_t y) {
  const std::string one = fmt::format(R"({{"x":[{}],"y":[{}]}})", x, y);
  return fmt::format(R"({{"detail":{{"a":{0},"b":{0},"c":{0}}}}})", one);
}

WorstCase siblings_one_rule(std::size_t scale) {
  return {.patterns =
              {R"({"detail":{"a":{"x":[{"exists":true}]},"b":{"x":[{"exists":true}]},"c":{"x":[{"exists":true}]}}})"},
          .details = {sibling_arrays(40 * scale)},
          .matches = 1};
}

WorstCase siblings_no_element_agrees(std::size_t scale) {
  const std::string one = R"({"x":[{"numeric":[">=",0]}],"y":[{"numeric":[">=",0]}],"z":[{"exists":false}]})";
  const std::string two = R"({"x":[{"numeric":[">=",0]}],"y":[{"numeric":[">=",0]}],"w":[{"exists":false}],"z":[1]})";
  const std::size_t objects = 40 * scale;
  const auto object = [&](std::size_t i) {
    return i == 0 ? std::string(R"({"z":1})") : fmt::format(R"({{"x":{0},"y":{0}}})", i);
  };
  return {.patterns = {fmt::format(R"({{"detail":{{"a":{0},"b":{0},"c":{1}}}}})", one, two)},
          .details = {fmt::format(R"({{"a":{0},"b":{0},"c":{0}}})", array_of(objects, object))}};
}

WorstCase siblings_rules_that_match(std::size_t rules) {
  return {.patterns = patterns_of(rules, [](std::size_t i) { return sibling_rule(i % 160, i % 160); }),
          .details = {sibling_arrays(160)},
          .matches = rules,
          .looks = rules};
}

WorstCase siblings_10_rules_match(std::size_t) { return siblings_rules_that_match(10); }
WorstCase siblings_1000_rules_match(std::size_t) { return siblings_rules_that_match(1000); }

WorstCase siblings_rules_that_disagree(std::size_t rules) {
  return {.patterns = patterns_of(rules, [](std::size_t i) { return sibling_rule(i % 160, (i + 1) % 160); }),
          .details = {sibling_arrays(160)},
          .looks = rules};
}

WorstCase siblings_10_rules_disagree(std::size_t) { return siblings_rules_that_disagree(10); }
WorstCase siblings_1000_rules_disagree(std::size_t) { return siblings_rules_that_disagree(1000); }

// Three arrays under one key, and a field that every choice among their elements excludes: a set cover. `other`: what
// the elements hold besides.
WorstCase arrays_under_one_key(std::string_view other, std::uint64_t undecided) {
  const auto array = [&](char name) {
    return array_of(160, [&](std::size_t i) {
      return i == 0 ? std::string(R"({"s":1})") : fmt::format(R"({{"{}":1{}}})", name, other);
    });
  };
  return {.patterns = {R"({"detail":{"a":{"p":[1],"q":[1],"r":[1],"s":[1]}}})"},
          .details = {fmt::format(R"({{"a":{},"a":{},"a":{}}})", array('p'), array('q'), array('r'))},
          .undecided = undecided};
}

WorstCase arrays_of_equal_elements(std::size_t) { return arrays_under_one_key("", 0); }
WorstCase arrays_of_unequal_elements(std::size_t) { return arrays_under_one_key(R"(,"s":2)", 1); }

// All elements have x, none has both.
WorstCase objects_in_one_array(std::size_t scale) {
  const auto object = [](std::size_t i) { return i == 0 ? R"({"y":1})" : R"({"x":1})"; };
  return {.patterns = {R"({"detail":{"a":{"x":[1],"y":[1]}}})"}, .details = {a_is(array_of(2500 * scale, object))}};
}

WorstCase objects_found_by_1000_rules(std::size_t scale) {
  const auto object = [](std::size_t i) { return fmt::format(R"({{"x":{0},"y":{0}}})", i); };
  const auto rule = [](std::size_t i) { return fmt::format(R"({{"detail":{{"a":{{"x":[{0}],"y":[{0}]}}}}}})", i); };
  return {.patterns = patterns_of(1000, rule),
          .details = {a_is(array_of(2500 * scale, object))},
          .matches = 1000,
          .looks = 1000};
}

// The product of two `$or`, 900 conjunctions, over elements that have x or y.
WorstCase or_product_over_objects(std::size_t scale) {
  const auto branches = [](char key) {
    return joined(30, ",", [&](std::size_t i) { return fmt::format(R"({{"{}":[{},1]}})", key, i + 2); });
  };
  const auto object = [&](std::size_t i) { return i < 3000 * scale ? R"({"x":1})" : R"({"y":1})"; };
  return {.patterns = {fmt::format(R"({{"detail":{{"a":{{"$or":[{}],"$or":[{}]}}}}}})", branches('x'), branches('y'))},
          .details = {a_is(array_of(6000 * scale, object))},
          .looks = 60 * 3000 * scale};
}

// Every rule finds x and y in all elements that have one, which are never the same.
WorstCase objects_disagree_for_1000_rules(std::size_t scale) {
  const auto object = [](std::size_t i) { return i % 2 == 0 ? R"({"x":"a"})" : R"({"y":"a"})"; };
  const auto rule = [](std::size_t i) {
    const std::string values = fmt::format(R"([{{"anything-but":"k{}"}}])", i);
    return fmt::format(R"({{"detail":{{"a":{{"x":{0},"y":{0}}}}}}})", values);
  };
  const std::size_t objects = 4000 * scale;
  return {.patterns = patterns_of(1000, rule), .details = {a_is(array_of(objects, object))}, .looks = 1000 * objects};
}

// An element has p, or an array whose elements have x and y.
WorstCase arrays_disagree_for_1000_rules(std::size_t scale) {
  const auto object = [](std::size_t i) {
    return i % 2 == 0 ? R"({"p":1})" : R"({"y":[{"a":1,"b":1},{"a":1,"b":1}]})";
  };
  const auto rule = [](std::size_t i) {
    return fmt::format(R"({{"detail":{{"a":{{"p":[1],"y":{{"a":[1,"k{}"],"b":[1]}}}}}}}})", i);
  };
  const std::size_t objects = 2500 * scale;
  return {.patterns = patterns_of(1000, rule), .details = {a_is(array_of(objects, object))}, .looks = 1000 * objects};
}

// Each element is chosen together with the 900 that it lies in.
WorstCase objects_below_nested_arrays(std::size_t scale) {
  const auto object = [](std::size_t i) { return i == 0 ? R"({"y":1})" : R"({"x":1})"; };
  const std::string array = array_of(2500 * scale, object);
  return {.patterns = {R"({"detail":{"a":{"x":[1],"y":[1]}}})"},
          .details = {a_is(repeated("[", 900) + array + repeated("]", 900))}};
}

std::string nested_arrays(std::size_t scale) {
  return a_is(array_of(2500 * scale, [](std::size_t i) { return fmt::format("[{}]", i); }));
}

WorstCase arrays_in_an_array(std::size_t scale) {
  return {.patterns = {on_a("0"), on_a(R"({"anything-but":[0]})"), R"({"detail":{"a":{"b":[1]}}})", on_a(R"("none")")},
          .details = {nested_arrays(scale)},
          .matches = 2};
}

WorstCase arrays_in_an_array_last_matches(std::size_t scale) {
  return {.patterns = {on_a(fmt::format("{}", 2500 * scale - 1)), on_a(R"({"numeric":["<",0]})")},
          .details = {nested_arrays(scale)},
          .matches = 1};
}

std::string nested_objects() { return repeated(R"({"a":)", kObjectsDeep) + "1" + repeated("}", kObjectsDeep); }

WorstCase nesting_with_a_deep_rule(std::size_t) {
  const std::string open = repeated(R"({"a":)", kObjectsDeep), close = repeated("}", kObjectsDeep);
  return {.patterns = {R"({"detail":)" + open + "[1]" + close + "}", R"({"detail":)" + open + "[2]" + close + "}"},
          .details = {nested_objects()},
          .matches = 1};
}

WorstCase nesting_that_no_rule_follows(std::size_t) {
  return {.patterns = {on_a("1"), R"({"detail":{"b":[1]}})"}, .details = {nested_objects()}};
}

WorstCase nesting_of_arrays(std::size_t) {
  constexpr std::size_t kDeep = kObjectsDeep - 1;
  return {.patterns = {on_a("1"), on_a("2"), R"({"detail":{"a":[1],"b":[{"exists":false}]}})"},
          .details = {a_is(repeated("[", kDeep) + "1" + repeated("]", kDeep))},
          .matches = 2};
}

std::string object_of_keys(std::size_t count, const char* form) {
  return "{" + joined(count, ",", [&](std::size_t i) { return fmt::format(fmt::runtime(form), i); }) + "}";
}

std::vector<std::string> rules_on_keys(const char* form) {
  return patterns_of(1000, [&](std::size_t i) {
    return fmt::format(R"({{"detail":{{{}:[{}]}}}})", fmt::format(fmt::runtime(form), i * 2), i % 2);
  });
}

WorstCase keys(std::size_t scale) {
  return {.patterns = rules_on_keys(R"("key-{}")"),
          .details = {object_of_keys(2500 * scale, R"("key-{}":1)")},
          .matches = 500};
}

// The second event has none of the keys that the first one taught.
WorstCase keys_that_were_not_learned(std::size_t scale) {
  return {.patterns = rules_on_keys(R"("new-{}")"),
          .details = {object_of_keys(2500 * scale, R"("key-{}":1)"), object_of_keys(2500 * scale, R"("new-{}":1)")},
          .matches = 500};
}

WorstCase keys_with_dots(std::size_t scale) {
  return {.patterns = rules_on_keys(R"("key.{}")"),
          .details = {object_of_keys(2500 * scale, R"("key.{}":1)")},
          .matches = 500};
}

WorstCase keys_with_escapes(std::size_t scale) {
  return {.patterns = rules_on_keys(R"("key-{}")"),
          .details = {object_of_keys(2500 * scale, R"("\u006bey-{}":1)")},
          .matches = 500};
}

WorstCase keys_all_the_same(std::size_t scale) {
  return {.patterns = {on_a("1"), on_a(R"({"anything-but":[1]})"), on_a(R"({"numeric":[">",1]})")},
          .details = {object_of_keys(2500 * scale, R"("a":1)")},
          .matches = 1};
}

// Keys of one length that begin and end alike, which a table keyed by the ends cannot tell apart.
constexpr const char* kCollidingKey = R"("resource{:05}Parameter")";

WorstCase colliding_keys(std::size_t scale) {
  return {.patterns = {fmt::format(R"({{"detail":{{{}:[1]}}}})", fmt::format(kCollidingKey, 7))},
          .details = {object_of_keys(2500 * scale, R"("resource{:05}Parameter":1)")},
          .matches = 1};
}

WorstCase colliding_keys_in_rules(std::size_t scale) {
  const auto rule = [](std::size_t i) {
    return fmt::format(R"({{"detail":{{{}:[2]}}}})", fmt::format(kCollidingKey, i));
  };
  return {.patterns = patterns_of(2500 * scale, rule),
          .details = {object_of_keys(2500 * scale, R"("resource{:05}Parameter":1)")}};
}

WorstCase one_key_of_many_segments(std::size_t scale) {
  return {.patterns = {on_a("1"), R"({"detail":{"a.a.a":["x"]}})"},
          .details = {"{" + quoted(repeated("a.", 31'000 * scale)) + R"(:1,"a.a.a":"x"})"},
          .matches = 1};
}

WorstCase white_space(std::size_t scale) {
  const std::string space = repeated(" \n\t", 7000 * scale);
  return {.patterns = {on_a("1"), on_a(R"("x")")},
          .details = {"{" + space + R"("a")" + space + ":" + space + "1}"},
          .matches = 1};
}

WorstCase many_small_values(std::size_t scale) {
  return {.patterns = {R"({"detail":{"zz":[1]}})"}, .details = {object_of_keys(5500 * scale, R"("k{:05}":1)")}};
}

// Rules that ask for nothing: absent keys satisfy all of them, present ones none.
std::vector<std::string> absence_rules() {
  return patterns_of(10'000,
                     [](std::size_t i) { return fmt::format(R"({{"detail":{{"k{}":[{{"exists":false}}]}}}})", i); });
}

WorstCase absent_keys(std::size_t) {
  return {.patterns = absence_rules(), .details = {"{}"}, .matches = 10'000, .looks = 10'000};
}

WorstCase present_keys(std::size_t scale) {
  return {.patterns = absence_rules(),
          .details = {object_of_keys(2500 * scale, R"("k{}":1)")},
          .matches = 10'000 - 2500 * scale,
          .looks = 10'000};
}

}  // namespace

const std::vector<NamedCase>& structure_cases() {
  static const std::vector<NamedCase> cases = {
      {"sibling_arrays/3x160_one_rule", Bound::size, siblings_one_rule, true},
      {"sibling_arrays/3x160_no_element_agrees", Bound::size, siblings_no_element_agrees, true},
      {"sibling_arrays/3x160_10_rules_match", Bound::size, siblings_10_rules_match},
      {"sibling_arrays/3x160_10_rules_disagree", Bound::size, siblings_10_rules_disagree},
      {"sibling_arrays/3x160_1000_rules_match", Bound::looks, siblings_1000_rules_match},
      {"sibling_arrays/3x160_1000_rules_disagree", Bound::looks, siblings_1000_rules_disagree},
      {"sibling_arrays/3x160_under_one_key", Bound::size, arrays_of_equal_elements},
      {"sibling_arrays/3x160_under_one_key_undecided", Bound::size, arrays_of_unequal_elements},
      {"arrays/10000_objects", Bound::size, objects_in_one_array, true},
      {"arrays/10000_objects_1000_rules_match", Bound::looks, objects_found_by_1000_rules, true},
      {"arrays/24000_objects_or_product", Bound::looks, or_product_over_objects, true},
      {"arrays/16000_objects_1000_rules_disagree", Bound::looks, objects_disagree_for_1000_rules, true},
      {"arrays/10000_arrays_1000_rules_disagree", Bound::looks, arrays_disagree_for_1000_rules, true},
      {"arrays/10000_objects_below_900_arrays", Bound::size, objects_below_nested_arrays, true},
      {"arrays/10000_arrays_in_an_array", Bound::size, arrays_in_an_array, true},
      {"arrays/10000_arrays_last_matches", Bound::size, arrays_in_an_array_last_matches, true},
      {"nesting/999_levels_deep_rule", Bound::size, nesting_with_a_deep_rule},
      {"nesting/999_levels_no_rule", Bound::size, nesting_that_no_rule_follows},
      {"nesting/999_levels_of_arrays", Bound::size, nesting_of_arrays},
      {"keys/10000", Bound::size, keys, true},
      {"keys/10000_not_learned", Bound::size, keys_that_were_not_learned, true},
      {"keys/10000_with_dots", Bound::size, keys_with_dots, true},
      {"keys/10000_with_escapes", Bound::size, keys_with_escapes, true},
      {"keys/10000_all_the_same", Bound::size, keys_all_the_same, true},
      {"keys/10000_colliding", Bound::size, colliding_keys, true},
      {"keys/10000_colliding_in_10000_rules", Bound::size, colliding_keys_in_rules, true},
      {"absence/10000_rules_absent", Bound::looks, absent_keys},
      {"absence/10000_rules_10000_keys", Bound::looks, present_keys},
      {"keys/124000_segments_in_one_key", Bound::size, one_key_of_many_segments, true},
      {"keys/256KB_of_white_space", Bound::size, white_space, true},
      {"keys/256KB_of_small_values", Bound::size, many_small_values, true},
  };
  return cases;
}

}  // namespace millrace::bench

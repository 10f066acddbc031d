// What a pattern's text may be, and what is said, and where, if it is not.
#include "matcher/pattern.hpp"

#include <catch2/catch.hpp>

#include "matcher/evaluate.hpp"
#include "tests/reference/reference.hpp"

namespace millrace {
namespace {

// The `|` in the text marks the place that the error must name; it is no part of the pattern.
TEST_CASE("a refused pattern gets AWS's reason and the place", "[matcher]") {
  const auto [marked, reason] = GENERATE(table<std::string, std::string>({
      {"|", "Filter is not an object"},
      {"|[1]", "Filter is not an object"},
      {"{|}", "Empty objects are not allowed"},
      {R"({"a":{|}})", "Empty objects are not allowed"},
      {R"({"a":[|]})", "Empty arrays are not allowed"},
      {R"({"a":|1})", R"("a" must be an object or an array)"},
      {R"({"a":[|[1]]})", "Match value must be String, number, true, false, or null"},
      {R"({"a":[{|}]})", "Match expression name not found"},
      {R"({"a":[{|"foo":1}]})", "Unrecognized match type foo"},
      {R"({"a":[{"prefix":|1}]})", "prefix match pattern must be a string"},
      {R"({"a":[{"prefix":"x",|"suffix":"y"}]})", "Only one key allowed in match expression"},
      {R"({"a":[{"exists":|1}]})", "exists match pattern must be either true or false."},
      {R"({"a":[{"numeric":|5}]})", "Value of numeric must be an array."},
      {R"({"a":[{"numeric":[">",|"x"]}]})", "Value of > must be numeric"},
      {R"({"a":[{"numeric":["<>",|1]}]})", "Unrecognized numeric range operator: <>"},
      {R"({"a":[{"anything-but":|null}]})", "Value of anything-but must be an array or single string/number value."},
      {R"({"a":[{"wildcard":|"a**"}]})", "Consecutive wildcard characters at pos 2"},
      {R"({"a":[{"cidr":|"10.0.0.0/32"}]})", "IPv4 mask bits must be < 32"},
      {R"({"$or":|1})", "It must be an Array followed with $or."},
      {R"({"$or":[{"a":[1]}|]})", "There must have at least 2 Objects in $or relationship."},
      {R"({"$or":[|1,{"a":[1]}]})", "Only JSON object is allowed in array of $or relationship."},
      {R"({"$or":[{|"prefix":["a"]},{"b":[1]}]})",
       "prefix is Ruler reserved fieldName which cannot be used inside $or."},
  }));
  const std::size_t place = marked.find('|');
  std::string text = marked;
  text.erase(place, 1);
  INFO(marked);
  Pattern pattern;
  const auto error = pattern.parse(text);
  REQUIRE(error);
  CHECK(error->reason == reason);
  CHECK(error->offset_bytes == place);
  CHECK(pattern.conjunction_count() == 0);
  const auto slow = reference::Rule::parse(text);
  REQUIRE(std::holds_alternative<std::string>(slow));
  CHECK(std::get<std::string>(slow) == reason);
}

std::vector<std::string> conjunctions_of(std::string_view text) {
  Pattern pattern;
  const auto error = pattern.parse(text);
  INFO(text << (error ? error->reason : ""));
  REQUIRE_FALSE(error);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < pattern.conjunction_count(); ++i) {
    std::string paths;
    for (const auto field : pattern.conjunction(i))
      paths += (paths.empty() ? "" : " ") + std::string(pattern.path(field));
    out.push_back(paths);
  }
  return out;
}

TEST_CASE("$or is multiplied out, and a conjunction has its paths in byte order", "[matcher]") {
  CHECK(conjunctions_of(R"({"b":[1],"a":{"c":[2]}})") == std::vector<std::string>{"a.c b"});
  CHECK(conjunctions_of(R"({"a":[1],"$or":[{"b":[2]},{"c":[3]}]})") == std::vector<std::string>{"a b", "a c"});
  CHECK(conjunctions_of(R"({"$or":[{"a":[1]},{"b":[1]}],"x":{"$or":[{"c":[1]},{"d":[1]}]}})").size() == 4);
}

TEST_CASE("a pattern that is not UTF-8 is refused", "[matcher]") {
  Pattern pattern;
  for (const auto text : {"{\"a\":[\"\xff\"]}", "{\"a\":[{\"wildcard\":\"a\xff\"}]}", "{\"\x88\":[1]}",
                          "{\"a\":[\"\xed\xa0\x80\"]}", "{\"a\":[\"\xc3\"]}"}) {
    INFO(text);
    CHECK(pattern.parse(text));
    CHECK(std::holds_alternative<std::string>(reference::Rule::parse(text)));
  }
}

std::string side_by_side(std::size_t ors, std::size_t branches) {
  std::string out = "{";
  for (std::size_t i = 0; i < ors; ++i) {
    out += (i == 0 ? "" : ",") + std::string("\"p") + std::to_string(i) + "\":{\"$or\":[";
    for (std::size_t b = 0; b < branches; ++b)
      out += (b == 0 ? "" : ",") + std::string("{\"k") + std::to_string(b) + "\":[1]}";
    out += "]}";
  }
  return out + "}";
}

TEST_CASE("1000 combinations are accepted and more are not", "[matcher]") {
  Pattern pattern;
  CHECK_FALSE(pattern.parse(side_by_side(3, 10)));
  CHECK(pattern.parse(side_by_side(1, 1001)));
  CHECK(pattern.parse(side_by_side(10, 2)));
  CHECK(pattern.parse(side_by_side(64, 10)));
}

TEST_CASE("a text as long as a pattern may be is encoded whole, and a longer pattern is refused", "[matcher]") {
  const std::string head = R"({"a":[{"equals-ignore-case":")", tail = R"("}]})", letter = "ΐ";  // upper case: six bytes
  std::string text;
  while (head.size() + text.size() + tail.size() + letter.size() <= kPatternBytesMax) text += letter;
  Pattern pattern;
  REQUIRE_FALSE(pattern.parse(head + text + tail));
  EventFields fields;
  fields.reset(1);
  fields.add(0, LeafKind::string, text);
  CHECK(any_entry_holds(pattern.values(0), fields.leaf(0), fields));
  fields.clear();
  fields.add(0, LeafKind::string, std::string_view(text).substr(letter.size()));
  CHECK_FALSE(any_entry_holds(pattern.values(0), fields.leaf(0), fields));
  CHECK(pattern.parse(head + text + letter + tail)->reason.find("larger than 2097152 bytes") != std::string::npos);
}

TEST_CASE("256 fields are accepted and more are not", "[matcher]") {
  const auto with_fields = [](std::size_t count) {
    std::string out = "{";
    for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "\"f" : ",\"f") + std::to_string(i) + "\":[1]";
    return out + "}";
  };
  Pattern pattern;
  CHECK_FALSE(pattern.parse(with_fields(256)));
  CHECK(pattern.parse(with_fields(257)));
}

}  // namespace
}  // namespace millrace

// The walk collects the leaves on paths that rules use, and no other; what it looks into, it checks.
#include "engine/route/walk.hpp"

#include <catch2/catch.hpp>

#include "engine/route/event_reader.hpp"
#include "engine/route/json_scalar.hpp"

namespace millrace {
namespace {

const std::vector<std::string> kPaths = {"", "a", "a.b", "a.b.c", "d"};

std::vector<std::string> leaves_of(const std::string& event) {
  PathTrie trie;
  trie.build(kPaths);
  EventFields fields;
  fields.reset(kPaths.size());
  EventReader reader(trie, fields);
  std::vector<std::string> first;
  // A shape is kept when it was read twice, so the third reading is another way to the same leaves.
  for (int reading = 0; reading < 3; ++reading) {
    std::vector<std::string> out;
    const auto reason = reader.read(event);
    if (reason) out.push_back("refused: " + *reason);
    for (LeafId id = 0; !reason && id < fields.leaf_count(); ++id)
      out.push_back(kPaths[fields.leaf(id).field] + "=" + std::string(fields.leaf(id).text()));
    if (reading == 0) first = out;
    CHECK(out == first);
  }
  return first;
}

using Leaves = std::vector<std::string>;

TEST_CASE("leaves come in document order, by dotted path", "[engine]") {
  CHECK(leaves_of(R"({"x":1,"a":{"b":{"c":1.50},"z":2},"d":null})") == Leaves{"a.b.c=1.50", "d=null"});
  CHECK(leaves_of(R"({"a":[1,[2,{"b":"x"}],{"b":{"c":true}}]})") == Leaves{"a=1", "a=2", "a.b=x", "a.b.c=true"});
}

TEST_CASE("elements are told apart only where an array has leaves outside of one", "[engine]") {
  const auto elements_of = [](const std::string& event) {
    PathTrie trie;
    trie.build(kPaths);
    EventFields fields;
    fields.reset(kPaths.size());
    EventReader reader(trie, fields);
    CHECK_FALSE(reader.read(event));
    std::vector<std::pair<LeafId, LeafId>> out;
    std::size_t count = 0;
    for (LeafId id = 0; id < fields.leaf_count(); ++id) {
      const ElementId element = fields.leaf(id).element;
      if (element != kNone) count = std::max<std::size_t>(count, element + 1);
    }
    for (ElementId e = 0; e < count; ++e) out.emplace_back(fields.element(e).leaf_begin, fields.element(e).leaf_end);
    return out;
  };
  using Elements = std::vector<std::pair<LeafId, LeafId>>;
  CHECK(elements_of(R"({"a":[{"b":1}]})").empty());
  CHECK(elements_of(R"({"a":[[[{"b":1},{"z":2}]],{},3]})") == Elements{{0, 1}});
  CHECK(elements_of(R"({"a":[{"z":1},{"b":1},[],{"b":{"c":2}}]})") == Elements{{0, 1}, {1, 2}});
  CHECK(elements_of(R"({"a":[{"b":[{"c":1},{"c":2}]}],"d":[[5]]})") == Elements{{0, 1}, {1, 2}});
  CHECK(elements_of(R"({"a":[{"b":[{"c":1}]},{"b":[{"c":1},7]}]})") == Elements{{0, 1}, {1, 3}, {1, 2}});
}

TEST_CASE("keys are split at dots, may be escaped, and may come twice", "[engine]") {
  CHECK(leaves_of(R"({"a.b":1,"a":{"b.c":2},"a.b.c":3})") == Leaves{"a.b=1", "a.b.c=2", "a.b.c=3"});
  CHECK(leaves_of(R"({"\u0061":1,"a":2,"a\u002eb":3})") == Leaves{"a=1", "a=2", "a.b=3"});
  CHECK(leaves_of(R"({"":1,"a":{"":2}})") == Leaves{"=1"});
}

TEST_CASE("strings are unescaped", "[engine]") {
  CHECK(leaves_of(R"({"a":"\"\\\/\n\u00e9\ud83d\ude80"})") == Leaves{"a=\"\\/\n\xc3\xa9\xf0\x9f\x9a\x80"});
}

TEST_CASE("empty arrays and objects have no leaves", "[engine]") {
  CHECK(leaves_of(R"({"a":[],"d":{},"a.b":[[],{}]})").empty());
}

TEST_CASE("what is not JSON is refused, also where no rule looks", "[engine]") {
  const std::string event = GENERATE(as<std::string>(), "", "[]", "1", "{", "{\"a\":}", "{\"a\":1,}", "{\"a\" 1}",
                                     "{\"a\":01}", "{\"a\":tru}", "{\"x\":tru}", "{\"x\":[1,]}", "{\"x\":\"\\u12\"}",
                                     "{\"x\":\"\\ud83d\"}", "{\"x\":\"\t\"}", "{\"x\":\"\xff\"}", "\xef\xbb\xbf{}",
                                     "{} {}", "{}x", "{\"x\":{]}", "{\"a\":1 2}", "{1:2}", "{\"a\":-}", "{\"a\":1.}");
  INFO(event);
  const auto leaves = leaves_of(event);
  REQUIRE(leaves.size() == 1);
  CHECK(leaves[0].find("refused") == 0);
}

TEST_CASE("an event may nest 1000 levels deep", "[engine]") {
  const auto nested = [](std::size_t levels) {
    return "{\"a\":" + std::string(levels - 1, '[') + "1" + std::string(levels - 1, ']') + "}";
  };
  CHECK(leaves_of(nested(999)) == Leaves{"a=1"});
  CHECK(leaves_of(nested(1000)) == Leaves{"a=1"});
  CHECK(leaves_of(nested(1001))[0].find("refused") == 0);
}

TEST_CASE("a number may have any size and any number of digits", "[engine]") {
  for (const std::string number : {"1e400", "-1e400", "12345678901234567890123", "18446744073709551616",
                                   "-9223372036854775809", "1e-400", "0.10000000000000000555"}) {
    CHECK(leaves_of("{\"a\":" + number + "}") == Leaves{"a=" + number});
    CHECK(leaves_of("{\"x\":" + number + ",\"a\":1}") == Leaves{"a=1"});
  }
}

TEST_CASE("the grammar of numbers is JSON's", "[engine]") {
  for (const auto text : {"0", "-0", "10", "1.5", "1e5", "1E+5", "-1.0e-10"}) CHECK(is_json_number(text));
  for (const auto text : {"", "-", "01", "1.", ".5", "1e", "+1", "0x1", "1 ", "NaN"}) CHECK_FALSE(is_json_number(text));
}

}  // namespace
}  // namespace millrace

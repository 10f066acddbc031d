// The leaves that satisfy a rule must agree on every array element that they share.
#include <fmt/core.h>

#include <catch2/catch.hpp>
#include <functional>

#include "tests/engines.hpp"
#include "tests/random.hpp"

namespace millrace {
namespace {

TEST_CASE("leaves of a match lie in the same elements", "[matcher]") {
  const auto [pattern, event, matches] = GENERATE(table<std::string, std::string, bool>({
      {R"({"a":{"b":[1],"c":[2]}})", R"({"a":[{"b":1,"c":2}]})", true},
      {R"({"a":{"b":[1],"c":[2]}})", R"({"a":[{"b":1},{"c":2}]})", false},
      {R"({"a":{"b":{"x":[1]},"c":{"y":[2]}}})", R"({"a":[{"b":[{"x":1}],"c":[{"y":2}]}]})", true},
      {R"({"a":{"b":{"x":[1]},"c":{"y":[2]}}})", R"({"a":[{"b":[{"x":1}]},{"c":[{"y":2}]}]})", false},
      {R"({"a":[7],"a":{"b":[1]}})", R"({"a":[7,{"b":1}]})", true},
      {R"({"a":[7],"a":{"b":[1]}})", R"({"a":[[7],{"b":1}]})", false},
      {R"({"a":{"b":[1],"c":[2]}})", R"({"a":[{"b":1}],"a":[{"c":2}]})", true},
      {R"({"a":{"b":[1],"c":[2]}})", R"({"a":[{"b":1,"c":9},{"b":9,"c":2}],"a":{"c":2}})", true},
      {R"({"a":[1],"b":[2]})", R"({"a":[1,3],"b":[4,2]})", true},
      {R"({"a":{"n":["alice"],"s":[{"anything-but":"banned"}]}})",
       R"({"a":[{"n":"alice","s":"banned"},{"n":"bob","s":"active"}]})", false},
      {R"({"a":{"$or":[{"b":[1]},{"b":[2]}],"c":[3]}})", R"({"a":[{"b":1},{"b":2,"c":3}]})", true},
  }));
  INFO(pattern << " " << event);
  CHECK(test::FastEngine({pattern}).match(event)->size() == matches);
  CHECK(test::SlowEngine({pattern}).match(event)->size() == matches);
}

TEST_CASE("exists: false passes at its turn, in the order of the paths, whatever later fields choose", "[matcher]") {
  const std::string b_first = R"({"a":{"b":[3],"c":[{"exists":false}]}})", b_event = R"({"a":[{"b":1,"c":2},{"b":3}]})";
  const std::string c_later = R"({"a":{"c":[3],"b":[{"exists":false}]}})", c_event = R"({"a":[{"c":1,"b":2},{"c":3}]})";
  CHECK(test::FastEngine({b_first}).match(b_event)->size() == 1);
  CHECK(test::SlowEngine({b_first}).match(b_event)->size() == 1);
  CHECK(test::FastEngine({c_later}).match(c_event)->empty());
  CHECK(test::SlowEngine({c_later}).match(c_event)->empty());
}

TEST_CASE("many elements cost no more than their number", "[matcher]") {
  std::string event = "{\"a\":[";
  for (int i = 0; i < 20000; ++i) event += R"({"b":1,"c":9,"d":3},)";
  event += R"({"b":1,"c":2,"d":3}]})";
  test::FastEngine engine({R"({"a":{"b":[1],"c":[2],"d":[3]}})", R"({"a":{"b":[1],"c":[4],"d":[3]}})"});
  CHECK(engine.match(event) == std::vector<RuleId>{0});
  CHECK(engine.decided());
}

TEST_CASE("many fields of many elements stay decidable", "[matcher]") {
  std::string event = "{\"a\":[", pattern = R"({"a":{)";
  for (int i = 0; i < 9; ++i) pattern += "\"f" + std::to_string(i) + "\":[1],";
  for (int i = 0; i < 10000; ++i) event += R"({"f0":1,"f1":1,"f2":1,"f3":1,"f4":1,"f5":1,"f6":1,"f7":1,"f8":1,"z":0},)";
  test::FastEngine engine({pattern + R"("z":[1]}})"});
  CHECK(engine.match(event + R"({"z":1}]})")->empty());
  CHECK(engine.decided());
}

TEST_CASE("elements that hold nothing of later fields count as one", "[matcher]") {
  const auto array = [](const std::string& key, bool last_has_s) {
    std::string out = R"("a":[{"s":1})";
    for (int i = 0; i < 159; ++i) out += ",{\"" + key + "\":1}";
    return out + ",{\"" + key + (last_has_s ? "\":1,\"s\":1}]" : "\":1}]");
  };
  test::FastEngine engine({R"({"a":{"p":[1],"q":[1],"r":[1],"s":[1]}})"});
  CHECK(engine.match("{" + array("p", false) + "," + array("q", false) + "," + array("r", false) + "}")->empty());
  CHECK(engine.decided());
  for (const int with_s : {0, 1, 2}) {
    const auto event =
        "{" + array("p", with_s == 0) + "," + array("q", with_s == 1) + "," + array("r", with_s == 2) + "}";
    CHECK(engine.match(event) == std::vector<RuleId>{0});
  }
}

TEST_CASE("a rule is decided if one of its conjunctions matches, whatever the others are", "[matcher]") {
  const auto array = [](const std::string& key) {
    std::string out = R"("a":[{"s":1})";
    for (int i = 0; i < 159; ++i) out += ",{\"" + key + "\":1,\"s\":2}";
    return out + "]";
  };
  const std::string event = "{" + array("p") + "," + array("q") + "," + array("r") + R"(,"d":1})";
  const std::string hard = R"({"a":{"p":[1],"q":[1],"r":[1],"s":[1]}})";
  test::FastEngine undecidable({hard});
  CHECK(undecidable.match(event)->empty());
  CHECK_FALSE(undecidable.decided());
  for (const std::string& pattern : {R"({"$or":[)" + hard + R"(,{"d":[1]}]})", R"({"$or":[{"d":[1]},)" + hard + "]}"}) {
    test::FastEngine engine({pattern});
    CHECK(engine.match(event) == std::vector<RuleId>{0});
    CHECK(engine.decided());
  }
  test::FastEngine both({R"({"d":[1]})", hard});
  CHECK(both.match(event) == std::vector<RuleId>{0});
  CHECK_FALSE(both.decided());
}

TEST_CASE("the product of several `$or` matches as each of its conjunctions does", "[matcher]") {
  const auto factor = [](const std::string& name, const std::string& values) {
    std::string out = R"("$or":[)";
    for (int i = 0; i < 8; ++i) out += (i > 0 ? "," : "") + ("{\"" + name + std::to_string(i) + "\":[" + values + "]}");
    return out + "]";
  };
  const std::string pattern = "{\"p\":{" + factor("a", "1") + "},\"q\":{" + factor("b", "1, 2") + "},\"r\":{" +
                              factor("c", R"({"anything-but":1})") + "}}";
  const std::vector<std::string> patterns = {pattern, R"({"p":{"a7":[1]}})", pattern};
  test::FastEngine fast(patterns);
  test::SlowEngine slow(patterns);
  for (const std::string event :
       {R"({"p":{"a7":1,"a2":1},"q":{"b3":2},"r":{"c7":2}})", R"({"p":{"a7":1},"q":{"b3":2},"r":{"c7":1,"c0":1}})",
        R"({"p":{"a7":1},"q":{"b3":3},"r":{"c7":2}})",
        R"({"p":[{"a7":1},{"a1":1}],"q":{"b3":2},"r":[{"c7":1},{"c0":5}]})", R"({"p":{"a7":1},"q":{"b3":2},"r":{}})"}) {
    INFO(event);
    CHECK(fast.match(event) == slow.match(event));
  }
}

TEST_CASE("exact lists find their elements among many", "[matcher]") {
  std::vector<std::string> patterns;
  std::string event = "{\"a\":[";
  for (int i = 0; i < 40; ++i) {
    const std::string n = std::to_string(i), m = std::to_string((i + 1) % 40);
    event +=
        (i > 0 ? "," : "") + ("{\"x\":" + n + ",\"y\":\"s" + n + "\",\"z\":" + (i % 2 != 0 ? "true" : "null") + "}");
    patterns.push_back(R"({"a":{"x":[)" + n + R"(],"y":["s)" + n + R"("]}})");
    patterns.push_back(R"({"a":{"x":[)" + n + R"(.0,-1],"y":["s)" + m + R"("]}})");
    patterns.push_back(R"({"a":{"x":[)" + n + "," + m + R"(],"y":["s)" + m + R"(", {"prefix":"t"}],"z":[true]}})");
    patterns.push_back(R"({"a":{"x":[)" + n + R"(],"y":["s)" + n + R"(","s)" + m +
                       R"("],"z":[null,{"exists":false}]}})");
  }
  event += "]}";
  CHECK(test::FastEngine(patterns).match(event) == test::SlowEngine(patterns).match(event));
}

TEST_CASE("arrays within arrays within one key agree with trying every choice", "[matcher]") {
  const auto seed = test::seed_of_run();
  test::Random random(seed);
  const std::function<std::string(std::size_t)> value = [&](std::size_t depth) -> std::string {
    if (depth == 0 || random.one_in(4)) return random.of({"1", "2"});
    const bool array = random.one_in(2);
    std::string out;
    for (std::size_t i = random.below(4); i > 0; --i) {
      if (!out.empty()) out += ",";
      out += array ? value(depth - 1) : random.of({"\"a\":", "\"b\":", "\"c\":", "\"a.b\":"}) + value(depth - 1);
    }
    return array ? "[" + out + "]" : "{" + out + "}";
  };
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> patterns;
    for (int i = 0; i < 8; ++i) {
      std::string pattern;
      for (const char* path : {"k", "k.a", "k.a.a", "k.a.b", "k.a.b.c", "k.b", "k.b.b", "k.c", "k.c.a"}) {
        if (!random.one_in(3)) continue;
        pattern += std::string(pattern.empty() ? "\"" : ",\"") + path + "\":[" +
                   random.of({"1", "2", "1,2", "{\"exists\":true}", "{\"exists\":false}", "1,{\"exists\":false}"}) +
                   "]";
      }
      if (!pattern.empty()) patterns.push_back("{" + pattern + "}");
    }
    const std::string event = "{\"k\":" + value(5) + ",\"k\":" + value(5) + "}";
    INFO("MILLRACE_TEST_SEED=" << seed << " round=" << round << " " << event);
    REQUIRE(test::FastEngine(patterns).match(event) == test::SlowEngine(patterns).match(event));
  }
}

TEST_CASE("a value beside the objects of its array agrees with each of them", "[matcher]") {
  std::string event = R"({"a":[)";
  for (int i = 0; i < 30; ++i) event += R"([{"c":0},1,{"b":2}],)";
  test::FastEngine engine({R"({"a":[1],"a":{"b":[3]}})", R"({"a":{"c":[9]}})"});
  CHECK(engine.match(event + R"([{"c":0},2,{"b":3}]]})")->empty());
  CHECK(engine.match(event + R"([{"c":0},1,{"b":3}]]})") == std::vector<RuleId>{0});
}

TEST_CASE("lists of an event are evaluated anew where there is no room for all their sets", "[matcher]") {
  constexpr std::size_t kObjects = 4096, kShared = 15, kRules = kSetWordsMax / (kObjects / 64);
  std::string event = "{\"a\":[";
  for (std::size_t i = 0; i < kObjects; ++i) event += i % 2 == 0 ? R"({"x":"n"},)" : R"({"y":"n"},)";
  for (std::size_t i = 0; i < kShared; ++i) event += fmt::format(R"({{"x":"k{0}","y":"k{0}"}},)", i);
  event.back() = ']';
  std::vector<std::string> patterns;
  std::vector<RuleId> matching;
  for (std::size_t i = 0; i < 2 * kRules; ++i) {
    const std::size_t x = i % kRules, y = (x + i / kRules * kRules / 2) % kRules;
    if (x % kShared == y % kShared) matching.push_back(static_cast<RuleId>(i));
    patterns.push_back(
        fmt::format(R"({{"a":{{"x":["n","k{}","u{}"],"y":["n","k{}","u{}"]}}}})", x % kShared, x, y % kShared, y));
  }
  CHECK(test::FastEngine(patterns).match(event + "}") == matching);
}

// So many that a search of a few choices does not find out; without duplicate keys but for some events.
TEST_CASE("choices among many elements agree with trying every choice", "[matcher]") {
  const auto seed = test::seed_of_run();
  test::Random random(seed);
  const auto values = [&] {
    return random.of({"1", "2", "1,2", R"({"exists":true})", R"({"exists":false})", R"(1,{"exists":false})",
                      R"({"anything-but":[1]})"});
  };
  const auto leaf = [&](const char* key) { return std::string(key) + ":" + random.of({"1", "1", "1", "2", "[1,2]"}); };
  const std::function<std::string(std::size_t, std::size_t)> object = [&](std::size_t depth, std::size_t kind) {
    const auto array = [&](std::size_t count) {
      std::string out;
      for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) out += ",";
        const std::string inner = object(depth - 1, random.one_in(9) ? 3 : kind);
        out += random.one_in(12) ? "[1," + inner + "," + object(depth - 1, kind) + "]" : inner;
      }
      return "[" + out + "]";
    };
    std::string out;
    const auto add = [&](const std::string& member) { out += (out.empty() ? "" : ",") + member; };
    if (kind != 0) add(leaf("\"b\""));
    if (kind != 1) add(leaf("\"c\""));
    if (depth > 0 && kind != 2) add("\"a\":" + (random.one_in(5) ? object(depth - 1, kind) : array(random.below(6))));
    if (depth > 0 && random.one_in(2)) add("\"d\":" + array(1 + random.below(3)));
    if (random.one_in(40)) add(random.of({R"("a.b":1)", R"("b":1)", R"("a":[{"b":1},{"c":1}])"}));
    return "{" + out + "}";
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> patterns;
    for (int i = 0; i < 12; ++i) {
      std::string pattern;
      for (const char* path : {"k.a", "k.a.a.b", "k.a.a.c", "k.a.b", "k.a.c", "k.a.d.b", "k.a.d.c", "k.b", "k.c", "k.d",
                               "k.d.b", "m.b", "m.c"}) {
        if (random.one_in(3)) pattern += std::string(pattern.empty() ? "\"" : ",\"") + path + "\":[" + values() + "]";
      }
      if (!pattern.empty()) patterns.push_back("{" + pattern + "}");
    }
    const auto objects = [&](std::size_t count) {
      std::string out;
      for (std::size_t i = 0; i < count; ++i) out += (i > 0 ? "," : "") + object(random.below(3), random.below(4));
      return "[" + out + "]";
    };
    test::FastEngine fast(patterns);
    const test::SlowEngine slow(patterns);
    for (int i = 0; i < 2; ++i) {
      const std::string event = "{\"k\":" + objects(24) + ",\"m\":" + objects(random.below(12)) + "}";
      INFO("MILLRACE_TEST_SEED=" << seed << " round=" << round << " " << event);
      REQUIRE(fast.match(event) == slow.match(event));
    }
  }
}

}  // namespace
}  // namespace millrace

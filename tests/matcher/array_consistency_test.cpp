// The leaves that satisfy a rule must agree on every array element that they share.
#include <catch2/catch.hpp>

#include "tests/engines.hpp"

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

}  // namespace
}  // namespace millrace

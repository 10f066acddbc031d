// Random rule sets and events over small alphabets, so that things collide: the automaton agrees with the oracle.
#include <catch2/catch.hpp>

#include "matcher/evaluate.hpp"
#include "tests/engines.hpp"
#include "tests/random.hpp"

namespace millrace {
namespace {

using test::Random;

std::string string_value(Random& random) {
  if (random.one_in(5)) {
    return random.of({"10.0.0.1", "010.0.0.1", "::ffff:a00:1", "10.0.0.255", "10.1.0.0", "::1", "0:0:0:0:0:0:0:1",
                      "2001:db8::1", "2001:DB8:0::1", "10.0.0.256", "1.2.3", "0a00:1::"});
  }
  if (random.one_in(4))
    return random.of({"", "abababab", "abababababababab", "ababababababababc", "null", "1", "true", "straße", "STRASSE",
                      "ABABABAB", "é", "É", "k", "K", "ſ", "🚀"});
  std::string out;
  for (std::size_t i = random.below(7); i > 0; --i) out += random.of({"a", "b", "A", "B"});
  return out;
}

std::string number(Random& random) {
  return random.of({"0",
                    "-0",
                    "1",
                    "1.0",
                    "10e-1",
                    "0.1e1",
                    "-1",
                    "2",
                    "2.5",
                    "25e-1",
                    "300",
                    "3.0e2",
                    "1e400",
                    "1e308",
                    "9007199254740992",
                    "9007199254740993",
                    "9007199254740993.0",
                    "0.1",
                    "1e-1",
                    "12345678901234567890",
                    "5e-324"});
}

// Text as a JSON string, some of its characters escaped.
std::string quoted(Random& random, const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const bool ascii = static_cast<unsigned char>(c) < 0x80;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (ascii && random.one_in(30)) {
      constexpr std::string_view kHex = "0123456789abcdef";
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string text(Random& random) { return quoted(random, string_value(random)); }

std::string key(Random& random) {
  return random.of({"a", "b", "c", "a", "b", "a.b", "b.c", "long-key-of-20-bytes", "long-key-of-20-bytez"});
}

template <typename Make>
std::string list_of(Random& random, std::size_t most, Make make) {
  std::string out = "[";
  for (std::size_t i = 1 + random.below(most); i > 0; --i) out += make(random) + (i > 1 ? "," : "");
  return out + "]";
}

std::string wildcard(Random& random) {
  std::string out;
  bool star = false;
  for (std::size_t i = random.below(6); i > 0; --i) {
    const bool next = random.one_in(2) && !star;
    star = next;
    out += next ? "*" : random.of({"a", "b", "ab", "\\*", "\\\\", "A"});
  }
  return quoted(random, out);
}

std::string cidr(Random& random) {
  return random.of({"\"10.0.0.0/8\"", "\"10.0.0.99/24\"", "\"0.0.0.0/0\"", "\"10.0.0.0/31\"", "\"::/0\"",
                    "\"2001:db8::/32\"", "\"::1/127\"", "\"10.0.0.0/15\""});
}

std::string numeric(Random& random) {
  if (random.one_in(4)) return R"({"numeric":["=",)" + number(random) + "]}";
  if (random.one_in(2))
    return std::string(R"({"numeric":[")") + random.of({"<", "<=", ">", ">="}) + "\"," + number(random) + "]}";
  return std::string(R"({"numeric":[")") + random.of({">", ">="}) + "\"," + random.of({"-1", "0", "1.0", "0.1"}) +
         ",\"" + random.of({"<", "<="}) + "\"," + random.of({"2", "2.5", "300", "1e308"}) + "]}";
}

std::string anything_but(Random& random) {
  const auto operand = [](Random& r) { return r.one_in(2) ? text(r) : list_of(r, 3, text); };
  const auto nonempty = [](Random& r) {
    return std::string(r.of({"\"a\"", "\"ab\"", "\"b\"", "\"AB\"", "\"é\"", "\"abababab\""}));
  };
  switch (random.below(6)) {
    case 0:
      return random.one_in(2) ? number(random) : list_of(random, 3, number);
    case 1:
      return R"({"prefix":)" + (random.one_in(2) ? nonempty(random) : list_of(random, 3, nonempty)) + "}";
    case 2:
      return R"({"suffix":)" + (random.one_in(2) ? nonempty(random) : list_of(random, 3, nonempty)) + "}";
    case 3:
      return R"({"equals-ignore-case":)" + operand(random) + "}";
    case 4:
      return R"({"wildcard":)" + (random.one_in(2) ? wildcard(random) : list_of(random, 3, wildcard)) + "}";
    default:
      return operand(random);
  }
}

std::string alternative(Random& random) {
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2:
      return text(random);
    case 3:
      return number(random);
    case 4:
      return random.of({"null", "true", "false"});
    case 5:
      return R"({"prefix":)" + text(random) + "}";
    case 6:
      return R"({"suffix":)" + text(random) + "}";
    case 7:
      return std::string("{\"") + random.of({"prefix", "suffix"}) + R"(":{"equals-ignore-case":)" + text(random) + "}}";
    case 8:
      return R"({"equals-ignore-case":)" + text(random) + "}";
    case 9:
      return R"({"wildcard":)" + wildcard(random) + "}";
    case 10:
      return R"({"cidr":)" + cidr(random) + "}";
    case 11:
      return numeric(random);
    case 12:
      return std::string(R"({"exists":)") + random.of({"true", "false"}) + "}";
    case 13:
    case 14:
      return R"({"anything-but":)" + anything_but(random) + "}";
    default:
      return R"({"exactly":)" + text(random) + "}";
  }
}

// An alternative of few values, so that a list of many does not accept all.
std::string narrow_alternative(Random& random, std::size_t kind) {
  const auto longer = [&] { return quoted(random, string_value(random) + string_value(random)); };
  switch (kind) {
    case 0:
      return random.one_in(2) ? text(random) : longer();
    case 1:
      return random.one_in(2) ? number(random) : std::to_string(random.below(40));
    case 2:
      return random.of({"null", "true", "false", "1e400", "\"10.0.0.1\""});
    case 3:
      return std::string("{\"") + random.of({"prefix", "suffix"}) + "\":" + longer() + "}";
    case 4:
      return std::string("{\"") + random.of({"prefix", "suffix"}) + R"(":{"equals-ignore-case":)" + longer() + "}}";
    case 5:
      return R"({"equals-ignore-case":)" + longer() + "}";
    case 6:
      return R"({"cidr":"10.)" + std::to_string(random.below(3)) + ".0." + std::to_string(random.below(256)) + "/" +
             std::to_string(15 + random.below(17)) + "\"}";
    case 7:
      return R"({"cidr":"2001:db8::)" + std::to_string(random.below(10)) + "/" + std::to_string(28 + random.below(99)) +
             "\"}";
    default:
      const std::size_t low = random.below(40);
      return R"({"numeric":[">=",)" + std::to_string(low) + ",\"" + random.of({"<", "<="}) + "\"," +
             std::to_string(low + 1 + random.below(4)) + "]}";
  }
}

constexpr std::size_t kNarrowKinds = 9, kLongAtLeast = 16, kLongMore = 30;

std::string long_list(Random& random) {
  const std::size_t first = random.below(kNarrowKinds), second = random.below(kNarrowKinds);
  std::string out = "[";
  for (std::size_t i = kLongAtLeast + random.below(kLongMore); i > 0; --i)
    out += narrow_alternative(random, random.one_in(2) ? first : second) + ",";
  return out + (random.one_in(6) ? alternative(random) : narrow_alternative(random, first)) + "]";
}

std::string long_anything_but(Random& random) {
  const std::string list = [&] {
    std::string out = "[";
    const bool numbers = random.one_in(3);
    for (std::size_t i = kLongAtLeast + random.below(kLongMore); i > 0; --i)
      out += (numbers ? std::to_string(random.below(40)) : quoted(random, "a" + string_value(random))) +
             (i > 1 ? "," : "]");
    return numbers ? out : random.of({"{\"prefix\":", "{\"suffix\":", "{\"equals-ignore-case\":", ""}) + out;
  }();
  return R"([{"anything-but":)" + list + (list.front() == '{' ? "}}]" : "}]");
}

std::string leaf_list(Random& random) {
  if (!random.one_in(6)) return list_of(random, 3, alternative);
  return random.one_in(4) ? long_anything_but(random) : long_list(random);
}

std::string pattern(Random& random, std::size_t depth) {
  std::string out = "{";
  for (std::size_t i = 1 + random.below(3); i > 0; --i) {
    if (depth > 0 && random.one_in(8)) {
      out += "\"$or\":[" + pattern(random, depth - 1) + "," + pattern(random, depth - 1) + "]";
    } else {
      out += quoted(random, key(random)) + ":";
      out += depth > 0 && random.one_in(3) ? pattern(random, depth - 1) : leaf_list(random);
    }
    if (i > 1) out += ",";
  }
  return out + "}";
}

std::string object(Random& random, std::size_t depth);

std::string value(Random& random, std::size_t depth) {
  switch (random.below(depth > 0 ? 10 : 5)) {
    case 0:
    case 1:
    case 2:
      return text(random);
    case 3:
      return random.one_in(2) ? number(random) : std::to_string(random.below(40));
    case 4:
      return random.of({"null", "true", "false"});
    case 5:
    case 6:
    case 7:
      return object(random, depth - 1);
    default:
      return random.one_in(5) ? "[]" : list_of(random, 3, [&](Random& r) { return value(r, depth - 1); });
  }
}

std::string object(Random& random, std::size_t depth) {
  std::string out = "{";
  for (std::size_t i = random.below(4); i > 0; --i) {
    out += (random.one_in(9) ? " " : "") + quoted(random, key(random)) + (random.one_in(9) ? " : " : ":") +
           value(random, depth) + (i > 1 ? "," : "");
  }
  return out + "}";
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& item : texts) out += item + "\n";
  return out;
}

std::string shown(const test::Verdict& verdict) {
  if (!verdict) return "no event";
  std::string out = "rules";
  for (const RuleId id : *verdict) out += " " + std::to_string(id);
  return out;
}

// Only the engine refuses these.
bool is_too_complex(const std::string& text) {
  const auto error = Pattern().parse(text);
  return error && error->reason.starts_with("Rule is too complex");
}

void check_round(std::uint64_t seed) {
  Random random(seed);
  std::vector<std::string> patterns;
  for (std::size_t i = 1 + random.below(12); i > 0; --i) patterns.push_back(pattern(random, 2));
  std::erase_if(patterns, is_too_complex);
  const test::SlowEngine oracle(patterns);
  test::FastEngine automaton(patterns);
  INFO("MILLRACE_TEST_SEED=" << seed << "\n" << joined(patterns));
  REQUIRE(automaton.refused() == oracle.refused());
  for (int i = 0; i < 6; ++i) {
    const std::string event = object(random, 3);
    INFO(event);
    const auto found = automaton.match(event);
    if (!automaton.decided()) continue;
    REQUIRE(shown(found) == shown(oracle.match(event)));
  }
}

TEST_CASE("on random rule sets and events the automaton agrees with the oracle", "[property]") {
  const auto seed = test::seed_of_run();
  for (std::uint64_t round = 0; round < 3000; ++round) check_round(seed + round);
}

// The list's directory, or the operands' order, and going through all of them.
void check_list(std::uint64_t seed) {
  Random random(seed);
  const std::string list = random.one_in(4) ? long_anything_but(random) : long_list(random);
  Pattern pattern;
  INFO("MILLRACE_TEST_SEED=" << seed << "\n" << list);
  if (pattern.parse("{\"a\":" + list + "}")) return;  // a number that cannot be compared
  const test::SlowEngine oracle({"{\"a\":" + list + "}"});
  for (int i = 0; i < 20; ++i) {
    const std::string value = random.one_in(4)   ? std::to_string(random.below(45))
                              : random.one_in(3) ? "\"10." + std::to_string(random.below(3)) + ".0." +
                                                       std::to_string(random.below(256)) + "\""
                              : random.one_in(3) ? "\"2001:db8::" + std::to_string(random.below(10)) + "\""
                                                 : quoted(random, "a" + string_value(random) + string_value(random));
    EventFields fields;
    fields.reset(1);
    if (value[0] != '"') {
      fields.add(0, LeafKind::number, value);
    } else {
      REQUIRE(fields.add_escaped(0, std::string_view(value).substr(1, value.size() - 2)));
    }
    INFO(value);
    REQUIRE(any_entry_holds(pattern.values(0), fields.leaf(0), fields) ==
            (shown(oracle.match("{\"a\":" + value + "}")) == "rules 0"));
  }
}

TEST_CASE("of a long list, the same values are accepted as one by one", "[property]") {
  const auto seed = test::seed_of_run();
  for (std::uint64_t round = 0; round < 3000; ++round) check_list(seed + round);
}

TEST_CASE("a value that many lists have leads to all of them in each event", "[property]") {
  const auto seed = test::seed_of_run();
  Random random(seed);
  std::vector<std::string> patterns;
  for (int i = 0; i < 300; ++i) {
    const std::string values =
        std::string(random.of({"\"v\",", "\"w\",", "\"v\",\"w\","})) + "\"k" + std::to_string(i) + "\"";
    patterns.push_back(R"({"a":[)" + values + "]" + random.of({"", R"(,"b":["v"])", R"(,"b":[1])"}) + "}");
  }
  test::FastEngine automaton(patterns);
  const test::SlowEngine oracle(patterns);
  for (int round = 0; round < 200; ++round) {
    std::string values;
    for (std::size_t i = random.below(12); i > 0; --i)
      values += random.of({"\"v\",", "\"w\",", "\"u\",", "\"k7\",", "1,"});
    const std::string event = R"({"a":[)" + values + random.of({"\"v\"", "\"k9\"", "2"}) + R"(],"b":)" +
                              random.of({"\"v\"", "1", "[1,\"v\"]"}) + "}";
    INFO("MILLRACE_TEST_SEED=" << seed << " " << event);
    REQUIRE(shown(automaton.match(event)) == shown(oracle.match(event)));
  }
}

}  // namespace
}  // namespace millrace

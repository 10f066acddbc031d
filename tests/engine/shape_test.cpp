// A reader that has kept the shapes of other texts finds what one that has seen none finds.
#include <catch2/catch.hpp>

#include "engine/route/event_reader.hpp"
#include "engine/route/shape_table.hpp"
#include "tests/random.hpp"

namespace millrace {
namespace {

const std::vector<std::string> kPaths = {"a", "abc", "abc.a", "abcd.b", "b.abc", "long.a", std::string(40, 'k')};

// What is read of one text: leaves with the arrays around them, or the refusal.
class Reader {
 public:
  std::string read(const std::string& text) {
    if (const auto reason = reader_.read(text)) return "refused: " + *reason;
    std::string out;
    for (LeafId id = 0; id < fields_.leaf_count(); ++id) {
      const Leaf& leaf = fields_.leaf(id);
      out += kPaths[leaf.field] + "=" + std::to_string(static_cast<int>(leaf.kind)) + std::string(leaf.text());
      for (ElementId e = leaf.element; e != kNone; e = fields_.array(fields_.element(e).array).parent) {
        const auto& element = fields_.element(e);
        out += "[" + std::to_string(element.leaf_begin) + "," + std::to_string(element.leaf_end) + ")";
      }
      out += "\n";
    }
    return out;
  }

 private:
  PathTrie trie_;
  EventFields fields_;
  EventReader reader_{built(trie_), fields_};

  PathTrie& built(PathTrie& trie) {
    trie.build(kPaths);
    fields_.reset(kPaths.size());
    return trie;
  }
};

// Few structures and few keys, so that texts often share their heads and differ in a key.
class Texts {
 public:
  explicit Texts(std::uint64_t seed) : random_(seed) {}

  std::string next() {
    std::string out = object(0);
    if (random_.one_in(6)) out[random_.below(out.size())] = "\"\\{}[]:,x \x01"[random_.below(11)];
    return out;
  }

 private:
  std::string object(unsigned depth) {
    std::string out = "{" + space();
    const std::size_t members = 1 + random_.below(3);
    for (std::size_t i = 0; i < members; ++i)
      out += (i == 0 ? "" : "," + space()) + "\"" + key() + "\"" + space() + ":" + space() + value(depth + 1) + space();
    return out + "}";
  }
  std::string key() {
    return random_.of({"a", "b", "abc", "abd", "abcd", "abcde", "x", "", "abc.a", "b.abc", "ab\\u0063", "\\u0061",
                       "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkl"});
  }
  std::string value(unsigned depth) {
    const std::size_t kind = random_.below(depth < 3 ? 8 : 5);
    if (kind == 5) return "[" + value(depth + 1) + "," + value(depth + 1) + "]";
    if (kind >= 6) return object(depth);
    return random_.of({"\"v\"", "\"w\\n\"", "1", "-2.5e1", "true", "null", "\"\"", "01", "\"\\x\"", "[]", "{}"});
  }
  std::string space() {
    return random_.of(
        {"", "", "", "", "", "", "", "", "", "", " ", "\n\t", "     ", "                                 "});
  }

  test::Random random_;
};

TEST_CASE("what was read before does not change what is read", "[engine][property]") {
  const std::uint64_t seed = test::seed_of_run();
  Texts texts(seed);
  Reader reader;
  for (int round = 0; round < 30000; ++round) {
    const std::string text = texts.next();
    INFO("MILLRACE_TEST_SEED=" << seed << " round " << round << "\n" << text);
    const std::string found = reader.read(text);
    if (round % 10 == 0) REQUIRE(found == Reader().read(text));
    REQUIRE(found == reader.read(text));
    REQUIRE(found == reader.read(text));
  }
}

TEST_CASE("a text is refused as simdjson refuses it", "[engine][property]") {
  const std::uint64_t seed = test::seed_of_run() + 1;
  Texts texts(seed);
  Reader reader;
  JsonValidator judge;
  for (int round = 0; round < 30000; ++round) {
    const std::string text = texts.next();
    INFO("MILLRACE_TEST_SEED=" << seed << " round " << round << "\n" << text);
    const std::string padded = text + std::string(kJsonPaddingBytes, ' ');
    const auto reason = judge.refuse({padded.data(), text.size()});
    REQUIRE(reader.read(text).starts_with("refused") == reason.has_value());
  }
}

}  // namespace
}  // namespace millrace

// Paths are split at every dot; a lookup finds a segment of any length, and nothing else.
#include "matcher/path_trie.hpp"

#include <catch2/catch.hpp>

namespace millrace {
namespace {

FieldId find(const PathTrie& trie, std::string_view dotted) {
  const NodeId node = trie.descend(0, dotted);
  return node == kNone ? kNone : trie.field(node);
}

TEST_CASE("every path leads to its field", "[matcher]") {
  std::vector<std::string> paths = {"",        "a", "a.", "a.b", ".a", "a..b", "detail.eventName", "detail.eventNams",
                                    "\xff\xfe"};
  for (std::size_t bytes = 1; bytes < 40; ++bytes) {
    paths.push_back("x." + std::string(bytes, 'k'));
    if (bytes > 17)
      paths.push_back("x." + std::string(9, 'k') + "-" + std::string(bytes - 10, 'k'));  // differs in the middle only
  }
  PathTrie trie;
  trie.build(paths);
  for (FieldId field = 0; field < paths.size(); ++field) {
    INFO(paths[field]);
    CHECK(find(trie, paths[field]) == field);
  }
  for (const auto absent : {"b", "a.c", "detail", "x", "x.l", "x.kk.", "detail.eventNamf", "A"}) {
    INFO(absent);
    CHECK(find(trie, absent) == kNone);
  }
  CHECK(find(trie, "x." + std::string(9, 'k') + "+" + std::string(20, 'k')) == kNone);
}

TEST_CASE("a segment with many siblings is found, and its neighbours are not", "[matcher]") {
  std::vector<std::string> paths;
  for (int i = 0; i < 5000; ++i) paths.push_back("key" + std::to_string(2 * i));
  PathTrie trie;
  trie.build(paths);
  for (int i = 0; i < 5000; ++i) {
    REQUIRE(find(trie, "key" + std::to_string(2 * i)) == static_cast<FieldId>(i));
    REQUIRE(find(trie, "key" + std::to_string(2 * i + 1)) == kNone);
  }
}

TEST_CASE("an empty trie leads nowhere", "[matcher]") {
  PathTrie trie;
  trie.build({});
  CHECK(find(trie, "a") == kNone);
  CHECK_FALSE(trie.has_children(0));
}

}  // namespace
}  // namespace millrace

// Patterns on the first line, apart by tabs, and an event behind it: both engines find the same rules.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/engines.hpp"
#include "tests/fuzz/event_end.hpp"

namespace {

constexpr std::size_t kPatternsMax = 4;        // LIMIT: the oracle is slow
constexpr std::size_t kPatternBytesMax = 256;  // LIMIT: it is exponential in a pattern's fields

void print(const char* engine, const millrace::test::Verdict& verdict) {
  std::fprintf(stderr, "%s:", engine);
  if (!verdict) std::fprintf(stderr, " no event");
  for (const auto id : verdict.value_or(std::vector<millrace::RuleId>{})) std::fprintf(stderr, " %u", id);
  std::fprintf(stderr, "\n");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  const std::string_view text(reinterpret_cast<const char*>(data), bytes);
  const auto line = text.find('\n');
  if (line == std::string_view::npos) return 0;
  std::vector<std::string> patterns;
  for (std::size_t at = 0; at < line && patterns.size() < kPatternsMax;) {
    const auto end = std::min(text.find('\t', at), line);
    if (end - at > kPatternBytesMax) return 0;
    patterns.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  const std::string_view event = text.substr(line + 1);
  millrace::test::FastEngine engine(patterns);
  const millrace::test::SlowEngine oracle(patterns);
  if (engine.refused().size() != oracle.refused().size()) return 0;  // pattern_fuzz judges that
  const auto found = engine.match(event);
  if (!found || !engine.decided()) return 0;  // event_fuzz judges what is an event
  const auto expected = oracle.match(event);
  if (found == expected) return 0;
  print("engine", found);
  print("oracle", expected);
  std::abort();
}

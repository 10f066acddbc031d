// Any text: both engines take it as an event, or both refuse it.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "engine/route/event_reader.hpp"
#include "tests/fuzz/event_end.hpp"
#include "tests/reference/reference.hpp"

namespace {

struct Reader {
  Reader() {
    const std::array<std::string, 4> paths = {"a", "a.b", "b", "c.d"};
    trie.build(paths);
    fields.reset(paths.size());
    reader.emplace(trie, fields);
  }
  millrace::PathTrie trie;
  millrace::EventFields fields;
  std::optional<millrace::EventReader> reader;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  const std::string_view text(reinterpret_cast<const char*>(data), bytes);
  static Reader engine;
  const auto refusal = engine.reader->read(text);
  const auto event = millrace::reference::parse_event(text);
  const auto* reason = std::get_if<std::string>(&event);
  if (refusal && reason == nullptr && millrace::fuzz::has_trailing_text(text)) return 0;
  if (refusal.has_value() != (reason != nullptr)) {
    std::fprintf(stderr, "engine: %s\noracle: %s\n", refusal ? refusal->c_str() : "accepts",
                 reason != nullptr ? reason->c_str() : "accepts");
    std::abort();
  }
  return 0;
}

// Any text: both engines accept it as a pattern, or both refuse it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "matcher/pattern.hpp"
#include "tests/reference/reference.hpp"

namespace {

// The oracle has no bounds: neither on combinations and fields, nor on a wildcard's complexity.
bool is_about_size(const std::string& reason) {
  for (const char* word : {"too complex", "combinations", "exceeds"}) {
    if (reason.find(word) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  const std::string_view text(reinterpret_cast<const char*>(data), bytes);
  static millrace::Pattern pattern;
  const auto error = pattern.parse(text);
  if (error && (error->offset_bytes > bytes || error->reason.empty())) std::abort();
  if (error && is_about_size(error->reason)) return 0;
  const auto rule = millrace::reference::Rule::parse(text);
  const auto* reason = std::get_if<std::string>(&rule);
  if (error.has_value() != (reason != nullptr)) {
    std::fprintf(stderr, "engine: %s\noracle: %s\n", error ? error->reason.c_str() : "accepts",
                 reason != nullptr ? reason->c_str() : "accepts");
    std::abort();
  }
  return 0;
}

// What of a JSON text stands outside of its strings, and what is wrong there, 64 bytes at a time, as bits.
//
// Threads: pure. Cost: 0.1 ns a byte with AVX2, half of that with AVX-512; the processor is asked once which it has.
// Errors: none; wrong text is what is asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace millrace {

struct Structure {
  std::uint64_t brackets = 0;
  std::uint64_t wrong = 0;  // a backslash, or what cannot stand behind a string
};

// Between two bytes of a text.
struct StringState {
  std::uint64_t in_string = 0;     // all bits, or none
  std::uint64_t escaped = 0;       // 1: the byte behind is
  std::uint64_t after_string = 0;  // 1: the byte behind stands behind a closing quote
};

constexpr std::size_t kStructureBytesMax = 256;

// Finds in up to kStructureBytesMax bytes, 64 for each element of `out`, and moves the state behind them.
using StructureFinder = void (*)(const char* text, std::size_t bytes, StringState& state, Structure* out);

// Those that this processor can run, the fastest one first; the last one runs everywhere.
std::span<const StructureFinder> structure_finders();

}  // namespace millrace

// Which bytes of a JSON text a backslash escapes, 64 at a time, as bits.
//
// Always inlined: it is used in code made for several processors, and none may be linked where another runs.
//
// Threads: pure. Cost: a few operations a backslash. Errors: none.
#pragma once

#include <cstdint>

namespace millrace {

// The bytes behind a backslash that is not itself escaped; `carry` says so of the first byte of the next group.
[[gnu::always_inline]] inline std::uint64_t escaped_by(std::uint64_t slashes, std::uint64_t& carry) {
  std::uint64_t out = carry;
  slashes &= ~carry;
  carry = 0;
  while (slashes != 0) {
    const std::uint64_t slash = slashes & (0 - slashes), behind = slash << 1;
    out |= behind;
    slashes &= ~(slash | behind);
    carry = slash >> 63;
  }
  return out;
}

}  // namespace millrace

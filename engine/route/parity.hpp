// Which bits have an odd number of bits up to them: with quotes for bits, what stands in a string.
//
// Always inlined and of each source file's own, as it is used in code made for several processors.
//
// Threads: pure. Cost: a carry-less product with PCLMUL, six shifts without. Errors: none.
#pragma once

#include <cstdint>

#ifdef __PCLMUL__
#include <immintrin.h>
#endif

namespace millrace {

// Bit i: an odd number of bits up to i are set.
[[gnu::always_inline]] static inline std::uint64_t parity_so_far(std::uint64_t bits) {
#ifdef __PCLMUL__
  const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<long long>(bits)), _mm_set1_epi8(-1), 0);
  return static_cast<std::uint64_t>(_mm_cvtsi128_si64(product));
#else
  for (unsigned shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
#endif
}

}  // namespace millrace

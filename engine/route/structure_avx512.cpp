// Finds structure with AVX-512: a mask register a question, and marks and places compressed out of a whole group.
#ifdef __x86_64__

#include <immintrin.h>

#include "engine/route/structure_finder.hpp"

namespace millrace {
namespace {

struct Places {
  alignas(64) char bytes[64];
};
constexpr Places kPlaces = [] {
  Places out{};
  for (int i = 0; i < 64; ++i) out.bytes[i] = static_cast<char>(i);
  return out;
}();

class Group {
 public:
  explicit Group(const char* at) : bytes_(_mm512_loadu_si512(at)) {}
  Group(const char* at, std::size_t count)
      : bytes_(_mm512_mask_loadu_epi8(_mm512_set1_epi8(' '), ~std::uint64_t{0} >> (64 - count), at)) {}
  std::uint64_t equal(char c) const { return _mm512_cmpeq_epi8_mask(bytes_, _mm512_set1_epi8(c)); }
  // Bit 5 joins [ with { and ] with }; of what it joins with : and , the marks tell (I2).
  std::uint64_t operators() const {
    const __m512i table = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0));
    return _mm512_cmpeq_epi8_mask(_mm512_or_si512(bytes_, _mm512_set1_epi8(0x20)), _mm512_shuffle_epi8(table, bytes_));
  }
  std::uint64_t spaces() const {
    const __m512i table =
        _mm512_broadcast_i32x4(_mm_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0));
    return _mm512_cmpeq_epi8_mask(bytes_, _mm512_shuffle_epi8(table, bytes_));
  }
  using Lowest = __m512i;
  static Lowest nothing_seen() { return _mm512_set1_epi8(-1); }
  Lowest lowest(Lowest before) const { return _mm512_min_epu8(before, bytes_); }
  static bool any_control(Lowest lowest) { return _mm512_cmplt_epu8_mask(lowest, _mm512_set1_epi8(0x20)) != 0; }
  static std::uint64_t parity(std::uint64_t bits) {
    const __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<long long>(bits)), _mm_set1_epi8(-1), 0);
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(product));
  }
  void write(std::uint64_t starts, std::uint64_t plain, std::uint32_t place, char* marks, std::uint32_t* places) const {
    const __m512i named = _mm512_mask_mov_epi8(bytes_, plain, _mm512_set1_epi8(kScalarMark));
    _mm512_storeu_si512(marks, _mm512_maskz_compress_epi8(starts, named));
    const __m512i within = _mm512_maskz_compress_epi8(starts, _mm512_load_si512(kPlaces.bytes));
    store_places(places, _mm512_castsi512_si128(within), place);
    if (__builtin_popcountll(starts) <= 16) return;
    store_places(places + 16, _mm512_extracti32x4_epi32(within, 1), place);
    if (__builtin_popcountll(starts) <= 32) return;
    store_places(places + 32, _mm512_extracti32x4_epi32(within, 2), place);
    store_places(places + 48, _mm512_extracti32x4_epi32(within, 3), place);
  }

 private:
  static void store_places(std::uint32_t* places, __m128i within, std::uint32_t place) {
    const __m512i wide = _mm512_cvtepu8_epi32(within);
    _mm512_storeu_si512(places, _mm512_add_epi32(wide, _mm512_set1_epi32(static_cast<int>(place))));
  }

  __m512i bytes_;
};

}  // namespace

StructureEnd find_structure_avx512(const char* text, std::size_t bytes, char* marks, std::uint32_t* places) {
  return StructureLoop<Group>::find(text, bytes, marks, places);
}

}  // namespace millrace

#endif

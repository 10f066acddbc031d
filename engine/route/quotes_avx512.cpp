// Finds quotes with AVX-512: a mask register a question, and places compressed out of a whole group.
#ifdef __x86_64__

#include <immintrin.h>

#include "engine/route/quote_finder.hpp"

namespace millrace {
namespace {

class Group {
 public:
  explicit Group(const char* at) : at_(at), bytes_(_mm512_loadu_si512(at)) { asm("" : "+v"(bytes_)); }
  Group(const char* at, std::size_t count)
      : at_(at), bytes_(_mm512_mask_loadu_epi8(_mm512_set1_epi8(' '), ~std::uint64_t{0} >> (64 - count), at)) {}
  std::uint64_t equal(char c) const { return _mm512_cmpeq_epi8_mask(bytes_, _mm512_set1_epi8(c)); }

  struct Seen {
    __m512i least_from_backslash = _mm512_set1_epi8(-1);
    bool backslash() const { return _mm512_testn_epi8_mask(least_from_backslash, least_from_backslash) != 0; }
  };
  void note(Seen& seen) const {
    const __m512i from_backslash = _mm512_xor_si512(bytes_, _mm512_set1_epi8('\\'));
    seen.least_from_backslash = _mm512_min_epu8(seen.least_from_backslash, from_backslash);
  }

  // PERF: a vector is added to more cheaply than filled from a register.
  struct Place {
    __m512i bytes = _mm512_setzero_si512();
    void operator+=(int more) { bytes = _mm512_add_epi32(bytes, _mm512_set1_epi32(more)); }
  };
  void write(std::uint64_t quotes, Place place, QuoteRoom& room) const {
    const __m512i within = _mm512_maskz_compress_epi8(quotes, _mm512_load_si512(kOrdinals.of));
    const auto count = static_cast<unsigned>(__builtin_popcountll(quotes));
    const __m512i heads = _mm512_permutexvar_epi8(within, heads_of_all());
    _mm_storeu_si128(reinterpret_cast<__m128i*>(room.heads), _mm512_castsi512_si128(heads));
    store(room.places, _mm512_castsi512_si128(within), place);
    if (count > 16) {
      _mm512_storeu_si512(room.heads, heads);
      store(room.places + 16, _mm512_extracti32x4_epi32(within, 1), place);
    }
    if (count > 32) {
      store(room.places + 32, _mm512_extracti32x4_epi32(within, 2), place);
      store(room.places + 48, _mm512_extracti32x4_epi32(within, 3), place);
    }
    room.places += count;
    room.heads += count;
  }
  static void write_heads(const char*, std::size_t, QuoteRoom) {}  // write() did

 private:
  // As if a quote stood at each byte.
  __m512i heads_of_all() const {
    const __m512i behind = _mm512_loadu_si512(at_ + 1);
    const __mmask64 quoted = _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(at_ + 2), _mm512_set1_epi8('"'));
    return _mm512_mask_blend_epi8(quoted, behind, _mm512_or_si512(behind, _mm512_set1_epi8(kQuoteFollows)));
  }
  static void store(std::uint32_t* places, __m128i within, Place place) {
    _mm512_storeu_si512(places, _mm512_add_epi32(_mm512_cvtepu8_epi32(within), place.bytes));
  }

  const char* at_;
  __m512i bytes_;
};

}  // namespace

QuotesFound find_quotes_avx512(const char* text, std::size_t bytes, QuoteRoom room) {
  return QuoteLoop<Group>::find(text, bytes, room);
}

}  // namespace millrace

#endif

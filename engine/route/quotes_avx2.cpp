// Finds quotes with AVX2: two halves a group; places are taken out of a mask eight at a time.
#ifdef __x86_64__

#include <immintrin.h>

#include <cstring>

#include "engine/route/quote_finder.hpp"

namespace millrace {
namespace {

class Group {
 public:
  explicit Group(const char* at) : low_(load(at)), high_(load(at + 32)) {}
  Group(const char* at, std::size_t count) : low_(spaces_from(count, at, 0)), high_(spaces_from(count, at, 32)) {}
  std::uint64_t equal(char c) const { return bits(is(low_, c)) | std::uint64_t{bits(is(high_, c))} << 32; }

  struct Seen {
    __m256i slashes = _mm256_setzero_si256();
    bool backslash() const { return bits(slashes) != 0; }
  };
  void note(Seen& seen) const {
    seen.slashes = _mm256_or_si256(seen.slashes, _mm256_or_si256(is(low_, '\\'), is(high_, '\\')));
  }

  // PERF: more are written than there are, so that no branch depends on a count below eight.
  using Place = std::uint32_t;
  static void write(std::uint64_t quotes, Place place, QuoteRoom& room) {
    std::uint32_t* places = room.places;
    room.places += __builtin_popcountll(quotes);
    do {
      for (unsigned i = 0; i < 8; ++i) {
        *places++ = place + static_cast<std::uint32_t>(_tzcnt_u64(quotes));
        quotes &= quotes - 1;
      }
    } while (quotes != 0);
  }

  // Of closing quotes, eight a step. PERF: from registers; what was just stored piece by piece is slow to load at once.
  static void write_heads(const char* text, std::size_t count, QuoteRoom room) {
    const auto pair_behind = [&](std::size_t quote) {
      std::uint16_t pair;
      std::memcpy(&pair, text + room.places[quote] + 1, sizeof(pair));
      return pair;
    };
    std::size_t i = 1;
    for (; i + 14 < count; i += 16) {
      __m128i pairs = _mm_cvtsi32_si128(pair_behind(i));
      pairs = _mm_insert_epi16(pairs, pair_behind(i + 2), 1);
      pairs = _mm_insert_epi16(pairs, pair_behind(i + 4), 2);
      pairs = _mm_insert_epi16(pairs, pair_behind(i + 6), 3);
      pairs = _mm_insert_epi16(pairs, pair_behind(i + 8), 4);
      pairs = _mm_insert_epi16(pairs, pair_behind(i + 10), 5);
      pairs = _mm_insert_epi16(pairs, pair_behind(i + 12), 6);
      pairs = _mm_insert_epi16(pairs, pair_behind(i + 14), 7);
      const __m128i quoted = _mm_srli_epi16(_mm_cmpeq_epi8(pairs, _mm_set1_epi8('"')), 8);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(room.heads + i), _mm_or_si128(pairs, _mm_slli_epi16(quoted, 7)));
    }
    for (; i < count; i += 2) {
      const std::uint16_t pair = pair_behind(i);
      room.heads[i] = static_cast<char>((pair & 0xff) | (pair >> 8 == '"' ? kQuoteFollows : 0));
    }
  }

 private:
  // The bytes from `first` on, those behind `count` made spaces.
  static __m256i spaces_from(std::size_t count, const char* at, int first) {
    const __m256i ordinal = _mm256_load_si256(reinterpret_cast<const __m256i*>(kOrdinals.of + first));
    const __m256i kept = _mm256_cmpgt_epi8(_mm256_set1_epi8(static_cast<char>(count)), ordinal);
    return _mm256_blendv_epi8(_mm256_set1_epi8(' '), load(at + first), kept);
  }
  static __m256i load(const char* at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)); }
  static __m256i is(__m256i bytes, char c) { return _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(c)); }
  static std::uint32_t bits(__m256i hits) { return static_cast<std::uint32_t>(_mm256_movemask_epi8(hits)); }

  __m256i low_, high_;
};

}  // namespace

QuotesFound find_quotes_avx2(const char* text, std::size_t bytes, QuoteRoom room) {
  return QuoteLoop<Group>::find(text, bytes, room);
}

}  // namespace millrace

#endif

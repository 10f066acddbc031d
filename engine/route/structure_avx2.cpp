// Finds structure with AVX2: two halves a group; places are taken out of a mask eight at a time.
#ifdef __x86_64__

#include <immintrin.h>

#include "engine/route/structure_finder.hpp"

namespace millrace {
namespace {

struct Marks {
  char of[256];
};
constexpr Marks kMarks = [] {
  Marks out{};
  for (int i = 0; i < 256; ++i) out.of[i] = kScalarMark;
  for (const char c : {'{', '}', '[', ']', ':', ',', '"', '\x1a', '\f'}) out.of[static_cast<unsigned char>(c)] = c;
  return out;
}();

struct Ordinals {
  alignas(32) char of[64];
};
constexpr Ordinals kOrdinals = [] {
  Ordinals out{};
  for (int i = 0; i < 64; ++i) out.of[i] = static_cast<char>(i);
  return out;
}();

class Group {
 public:
  explicit Group(const char* at) : at_(at), low_(load(at)), high_(load(at + 32)) {}
  Group(const char* at, std::size_t count)
      : at_(at), low_(spaces_from(count, at, 0)), high_(spaces_from(count, at, 32)) {}
  std::uint64_t equal(char c) const {
    return mask([&](__m256i bytes) { return _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(c)); });
  }
  // Bit 5 joins [ with { and ] with }; of what it joins with : and , the marks tell (I2).
  std::uint64_t operators() const {
    const __m256i table = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0,  //
                                           0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0);
    return mask([&](__m256i bytes) {
      return _mm256_cmpeq_epi8(_mm256_or_si256(bytes, _mm256_set1_epi8(0x20)), _mm256_shuffle_epi8(table, bytes));
    });
  }
  std::uint64_t spaces() const {
    const __m256i table = _mm256_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0,  //
                                           ' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0);
    return mask([&](__m256i bytes) { return _mm256_cmpeq_epi8(bytes, _mm256_shuffle_epi8(table, bytes)); });
  }
  using Lowest = __m256i;
  static Lowest nothing_seen() { return _mm256_set1_epi8(-1); }
  Lowest lowest(Lowest before) const { return _mm256_min_epu8(before, _mm256_min_epu8(low_, high_)); }
  static bool any_control(Lowest lowest) {
    return _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(lowest, _mm256_set1_epi8(0x1f)), lowest)) != 0;
  }
  static std::uint64_t parity(std::uint64_t bits) {
    const __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<long long>(bits)), _mm_set1_epi8(-1), 0);
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(product));
  }
  // PERF: more are written than there are, so that no branch depends on a count below eight.
  void write(std::uint64_t starts, std::uint64_t, std::uint32_t place, char* marks, std::uint32_t* places) const {
    for (; starts != 0; places += 8, marks += 8) {
      for (unsigned i = 0; i < 8; ++i) {
        const auto within = static_cast<std::uint32_t>(_tzcnt_u64(starts));
        places[i] = place + within;
        marks[i] = kMarks.of[static_cast<unsigned char>(at_[within])];
        starts &= starts - 1;
      }
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
  template <typename Test>
  std::uint64_t mask(Test&& test) const {
    const auto bits = [](__m256i hits) { return static_cast<std::uint32_t>(_mm256_movemask_epi8(hits)); };
    return bits(test(low_)) | std::uint64_t{bits(test(high_))} << 32;
  }

  const char* at_;
  __m256i low_, high_;
};

}  // namespace

StructureEnd find_structure_avx2(const char* text, std::size_t bytes, char* marks, std::uint32_t* places) {
  return StructureLoop<Group>::find(text, bytes, marks, places);
}

}  // namespace millrace

#endif

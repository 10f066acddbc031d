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

class Group {
 public:
  explicit Group(const char* at) : low_(load(at)), high_(load(at + 32)) {}
  Group(const char* at, std::size_t count) : Group(padded(at, count).bytes) {}
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
  void write(std::uint64_t starts, std::uint64_t, std::uint32_t place, char*, std::uint32_t* places) const {
    for (; starts != 0; places += 8) {
      for (unsigned i = 0; i < 8; ++i) {
        places[i] = place + static_cast<std::uint32_t>(_tzcnt_u64(starts));
        starts &= starts - 1;
      }
    }
  }
  static void finish(const char* text, const std::uint32_t* places, std::size_t count, char* marks) {
    for (std::size_t i = 0; i < count; ++i) marks[i] = kMarks.of[static_cast<unsigned char>(text[places[i]])];
  }

 private:
  struct Padded {
    char bytes[64];
  };
  static Padded padded(const char* at, std::size_t count) {
    Padded out;
    for (std::size_t i = 0; i < 64; ++i) out.bytes[i] = i < count ? at[i] : ' ';
    return out;
  }
  static __m256i load(const char* at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)); }
  template <typename Test>
  std::uint64_t mask(Test&& test) const {
    const auto bits = [](__m256i hits) { return static_cast<std::uint32_t>(_mm256_movemask_epi8(hits)); };
    return bits(test(low_)) | std::uint64_t{bits(test(high_))} << 32;
  }

  __m256i low_, high_;
};

}  // namespace

StructureEnd find_structure_avx2(const char* text, std::size_t bytes, char* marks, std::uint32_t* places) {
  return StructureLoop<Group>::find(text, bytes, marks, places);
}

}  // namespace millrace

#endif

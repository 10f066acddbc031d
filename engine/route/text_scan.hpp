// What 32 or 64 bytes of JSON text have where, as bits.
//
// Threads: pure. Cost: a few operations with AVX2, a loop without. Errors: none.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/route/string_index.hpp"

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace millrace {

inline bool is_json_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Thirty-two bytes of text; bit i of a mask speaks of byte i.
class Bytes32 {
 public:
#ifdef __AVX2__
  explicit Bytes32(const char* at) : bytes_(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at))) {}
  std::uint32_t equal(char c) const { return mask(_mm256_cmpeq_epi8(bytes_, _mm256_set1_epi8(c))); }
  std::uint32_t equal(const Bytes32& other) const { return mask(_mm256_cmpeq_epi8(bytes_, other.bytes_)); }
  // Of bytes whose bit 5 was set, which joins [ with { and ] with }.
  std::uint32_t equal_folded(char c) const {
    return mask(_mm256_cmpeq_epi8(_mm256_or_si256(bytes_, _mm256_set1_epi8(0x20)), _mm256_set1_epi8(c)));
  }
  // Of bytes that may stand behind a string: , : } ] and white space.
  std::uint32_t may_follow_string() const {
    const auto is = [](__m256i bytes, char c) { return _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(c)); };
    // PERF: by its low four bits, a byte can be one of these only.
    const __m256i commas_and_spaces =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, ',', '\r', 0, 0));
    const __m256i may = _mm256_cmpeq_epi8(bytes_, _mm256_shuffle_epi8(commas_and_spaces, bytes_));
    const __m256i folded = _mm256_or_si256(bytes_, _mm256_set1_epi8(0x20));
    return mask(_mm256_or_si256(may, _mm256_or_si256(is(bytes_, ':'), is(folded, '}'))));
  }

 private:
  static std::uint32_t mask(__m256i v) { return static_cast<std::uint32_t>(_mm256_movemask_epi8(v)); }
  __m256i bytes_;
#else
  explicit Bytes32(const char* at) : bytes_(at) {}
  std::uint32_t equal(char c) const {
    return mask([&](unsigned i) { return bytes_[i] == c; });
  }
  std::uint32_t equal(const Bytes32& other) const {
    return mask([&](unsigned i) { return bytes_[i] == other.bytes_[i]; });
  }
  std::uint32_t equal_folded(char c) const {
    return mask([&](unsigned i) { return (bytes_[i] | 0x20) == c; });
  }
  std::uint32_t may_follow_string() const {
    return mask([&](unsigned i) { return std::string_view(",:}] \n\r\t").find(bytes_[i]) != std::string_view::npos; });
  }

 private:
  template <typename Test>
  static std::uint32_t mask(Test&& test) {
    std::uint32_t out = 0;
    for (unsigned i = 0; i < 32; ++i) out |= static_cast<std::uint32_t>(test(i)) << i;
    return out;
  }
  const char* bytes_;
#endif
};

class Bytes64 {
 public:
  explicit Bytes64(const char* at) : low_(at), high_(at + 32) {}
  std::uint64_t equal(char c) const { return low_.equal(c) | std::uint64_t{high_.equal(c)} << 32; }
  std::uint64_t equal_folded(char c) const { return low_.equal_folded(c) | std::uint64_t{high_.equal_folded(c)} << 32; }
  std::uint64_t may_follow_string() const {
    return low_.may_follow_string() | std::uint64_t{high_.may_follow_string()} << 32;
  }

 private:
  Bytes32 low_, high_;
};

}  // namespace millrace

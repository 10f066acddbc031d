// Finds structure with AVX-512: a question is a table of 64 bytes, which says what a byte must be by its low six bits.
#ifdef __x86_64__

#include <immintrin.h>

#include "engine/ingest/structure_loop.hpp"

namespace millrace {
namespace {

struct Table {
  alignas(64) char of[64];
};
template <std::size_t N>
constexpr Table table_of(const char (&chars)[N]) {
  Table out{};
  out.of[0] = 1;  // whose low six bits are others
  for (std::size_t i = 0; i + 1 < N; ++i) out.of[chars[i] & 63] = chars[i];
  return out;
}
constexpr Table kBrackets = table_of("{}[]");
constexpr Table kMayFollowString = table_of(",:}] \n\r\t");

class Group {
 public:
  explicit Group(const char* at) : bytes_(_mm512_loadu_si512(at)) {}
  Group(const char* at, std::size_t count)
      : bytes_(_mm512_mask_loadu_epi8(_mm512_set1_epi8(' '), ~std::uint64_t{0} >> (64 - count), at)) {}
  std::uint64_t equal(char c) const { return _mm512_cmpeq_epi8_mask(bytes_, _mm512_set1_epi8(c)); }
  std::uint64_t brackets() const { return are_in(kBrackets); }
  std::uint64_t may_follow_string() const { return are_in(kMayFollowString); }

 private:
  std::uint64_t are_in(const Table& table) const {
    return _mm512_cmpeq_epi8_mask(bytes_, _mm512_permutexvar_epi8(bytes_, _mm512_load_si512(table.of)));
  }
  __m512i bytes_;
};

}  // namespace

void find_structure_avx512(const char* text, std::size_t bytes, StringState& state, Structure* out) {
  StructureLoop<Group>::find(text, bytes, state, out);
}

}  // namespace millrace

#endif

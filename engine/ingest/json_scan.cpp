#include "engine/ingest/json_scan.hpp"

#include <algorithm>
#include <bit>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace millrace {
namespace {

#ifdef __SSE2__
constexpr std::size_t kGroupBytes = 64;

// Bit i: byte i is a quote, a backslash or a bracket. Setting bit 5 joins [ with { and ] with }.
std::uint64_t interesting(const char* at) {
  std::uint64_t out = 0;
  for (unsigned part = 0; part < 4; ++part) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 16 * part));
    const __m128i folded = _mm_or_si128(block, _mm_set1_epi8(0x20));
    const __m128i brackets = _mm_or_si128(_mm_cmpeq_epi8(folded, _mm_set1_epi8('{')), _mm_cmpeq_epi8(folded, _mm_set1_epi8('}')));
    const __m128i quotes = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')), _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
    out |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(brackets, quotes)))) << (16 * part);
  }
  return out;
}
#endif

}  // namespace

// Says whether c closes depth `until`.
bool JsonScan::take(char c, std::uint32_t until) {
  if (in_string_) {
    if (c == '"') in_string_ = false;
    return false;
  }
  if (c == '"') {
    in_string_ = true;
  } else if (c == '{' || c == '[') {
    ++depth_;
  } else if ((c == '}' || c == ']') && depth_ > 0) {
    --depth_;
    return depth_ == until;
  }
  return false;
}

// PERF: one loop over the hits of a 64-byte group; reloading a group after each hit costs three times as much.
std::size_t JsonScan::find_close(const char* data, std::size_t from, std::size_t bytes, std::uint32_t until) {
  closed_ = false;
  std::size_t i = from;
  if (escaped_ && i < bytes) {
    escaped_ = false;
    ++i;
  }
#ifdef __SSE2__
  while (i + kGroupBytes <= bytes) {
    const std::size_t group = i;
    for (std::uint64_t hits = interesting(data + group); hits != 0; hits &= hits - 1) {
      const std::size_t at = group + static_cast<unsigned>(std::countr_zero(hits));
      if (at < i) continue;  // escaped
      if (data[at] == '\\') {
        if (in_string_) i = at + 2;
      } else if (take(data[at], until)) {
        closed_ = true;
        return at + 1;
      }
    }
    i = std::max(i, group + kGroupBytes);
  }
#endif
  while (i < bytes) {
    const char c = data[i++];
    if (c == '\\' && in_string_) {
      if (i == bytes) escaped_ = true;
      ++i;
    } else if (take(c, until)) {
      closed_ = true;
      return i;
    }
  }
  return bytes;
}

}  // namespace millrace

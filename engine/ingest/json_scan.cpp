#include "engine/ingest/json_scan.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string_view>

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
    const __m128i brackets =
        _mm_or_si128(_mm_cmpeq_epi8(folded, _mm_set1_epi8('{')), _mm_cmpeq_epi8(folded, _mm_set1_epi8('}')));
    const __m128i quotes =
        _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')), _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
    out |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(brackets, quotes))))
           << (16 * part);
  }
  return out;
}
#endif

}  // namespace

void JsonScan::check_behind_string(char c) {
  constexpr std::string_view kMayFollow = ",:}] \t\r\n";
  after_string_ = false;
  malformed_ |= kMayFollow.find(c) == std::string_view::npos;
}

// Takes a quote or a bracket; says whether the scan is over.
bool JsonScan::take(char c) {
  if (c == '"') {
    after_string_ = in_string_;
    in_string_ = !in_string_;
    return false;
  }
  if (in_string_) return false;
  if (c == '{' || c == '[') {
    is_object_.push_back(c == '{');
    return false;
  }
  if (c != '}' && c != ']') return false;
  malformed_ = is_object_.empty() || is_object_.back() != (c == '}');
  if (!malformed_) is_object_.pop_back();
  closed_ = !malformed_ && is_object_.empty();
  return malformed_ || closed_;
}

// PERF: one loop over the hits of a 64-byte group; reloading a group after each hit costs three times as much.
std::size_t JsonScan::find_close(const char* data, std::size_t from, std::size_t bytes) {
  closed_ = false;
  if (from == bytes) return bytes;
  std::size_t i = from;
  if (after_string_) check_behind_string(data[i]);
  if (malformed_) return i;
  if (escaped_) ++i;
  escaped_ = false;
#ifdef __SSE2__
  while (i + kGroupBytes <= bytes) {
    const std::size_t group = i;
    for (std::uint64_t hits = interesting(data + group); hits != 0; hits &= hits - 1) {
      const std::size_t at = group + static_cast<unsigned>(std::countr_zero(hits));
      if (at < i) continue;  // escaped
      if (data[at] == '\\') {
        if (in_string_) i = at + 2;
        continue;
      }
      if (take(data[at])) return at + 1;
      if (after_string_ && at + 1 < bytes) check_behind_string(data[at + 1]);
      if (malformed_) return at + 1;
    }
    i = std::max(i, group + kGroupBytes);
  }
#endif
  for (; i < bytes; ++i) {
    if (data[i] == '\\' && in_string_) {
      ++i;
      continue;
    }
    if (take(data[i])) return i + 1;
    if (after_string_ && i + 1 < bytes) check_behind_string(data[i + 1]);
    if (malformed_) return i + 1;
  }
  escaped_ = i > bytes;
  return bytes;
}

}  // namespace millrace

#include "matcher/wildcard.hpp"

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace millrace {
namespace {

constexpr char kEnd = static_cast<char>(0xfe);  // of a wildcard among others; like kStar in no UTF-8 text

// A set of places in wildcards one behind the other, ascending: 2 i if the byte before i was just read, 2 i + 1 within
// the star at i.
using Places = std::vector<std::uint32_t>;

// The wildcards of a field, one behind the other, each with its kEnd. `is_first[i]`, `is_first_star[i]`: no place, or
// star, before it in the same pattern has the same text in front; such are reached together and count once.
struct Together {
  std::string all;
  std::set<char> bytes;
  std::vector<bool> is_first, is_first_star;

  explicit Together(std::span<const WildcardSet> patterns) {
    for (const WildcardSet& pattern : patterns) {
      const std::string* last = nullptr;
      for (const std::string& wildcard : pattern) {
        const std::size_t shared = last == nullptr ? 0 : shared_front(*last, wildcard) + 1;
        for (std::size_t i = 0; i <= wildcard.size(); ++i) {
          is_first.push_back(i >= shared);
          is_first_star.push_back(i < wildcard.size() && wildcard[i] == kStar && i + 1 >= shared);
        }
        all += wildcard + kEnd;
        last = &wildcard;
      }
    }
    bytes = {all.begin(), all.end()};
    bytes.erase(kStar);
    bytes.erase(kEnd);
  }

  // Bytes that two begin with. In their order, no earlier one shares more with a wildcard than the last.
  static std::size_t shared_front(std::string_view a, std::string_view b) {
    return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  }
};

unsigned size_of(const Places& places, const Together& wildcards) {
  unsigned count = 0;
  for (std::size_t at = 0; at < places.size(); ++at) {
    const std::uint32_t i = places[at] / 2;
    const bool inside = places[at] % 2 != 0, counted = inside && at > 0 && places[at - 1] == 2 * i;
    count += !inside && wildcards.is_first[i];
    count += !counted && wildcards.is_first_star[i];
  }
  return count;
}

// Where a byte leads to, or, without one, any that no place reads. No place is behind a kEnd, which no byte is.
Places advance(const Places& from, std::string_view wildcard, std::optional<char> byte) {
  Places to;
  for (const std::uint32_t place : from) {
    std::uint32_t literal = place / 2;
    if (wildcard[literal] == kStar) to.push_back(2 * literal++ + 1);
    if (wildcard[literal] == byte) to.push_back(2 * literal + 2);
  }
  std::sort(to.begin(), to.end());
  to.erase(std::unique(to.begin(), to.end()), to.end());
  return to;
}

// The bytes that some place reads.
std::set<char> bytes_of(const Places& from, std::string_view wildcard) {
  std::set<char> out;
  for (const std::uint32_t place : from) out.insert(wildcard[place / 2 + (wildcard[place / 2] == kStar)]);
  return out;
}

constexpr std::size_t kAbsent = std::string_view::npos;

std::size_t find_by_memmem(std::string_view value, std::string_view literal) {
  const void* found = memmem(value.data(), value.size(), literal.data(), literal.size());
  return found == nullptr ? kAbsent : static_cast<std::size_t>(static_cast<const char*>(found) - value.data());
}

#ifdef __AVX2__

constexpr std::size_t kStepBytes = 32;
constexpr std::size_t kChancesMax = 256;  // LIMIT: comparisons for nothing before a search is memmem's

__m256i load(const char* at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)); }

// The places below `at` + kStepBytes where the first two and the last two bytes of a literal are. REQUIRES: two bytes.
std::uint32_t chances_at(const char* at, std::string_view literal) {
  const char* const last = at + literal.size() - 1;
  const auto has = [](const char* from, char byte) { return _mm256_cmpeq_epi8(load(from), _mm256_set1_epi8(byte)); };
  const __m256i front = _mm256_and_si256(has(at, literal[0]), has(at + 1, literal[1]));
  const __m256i back = _mm256_and_si256(has(last, literal.back()), has(last - 1, literal[literal.size() - 2]));
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_and_si256(front, back)));
}

std::size_t find_literal(std::string_view value, std::string_view literal) {
  if (literal.size() < 2 || value.size() < literal.size() + kStepBytes) return value.find(literal);
  const std::size_t last_step = value.size() - literal.size() + 1 - kStepBytes;
  std::size_t chances_left = kChancesMax;
  for (std::size_t step = 0;; step = std::min(step + kStepBytes, last_step)) {
    for (std::uint32_t chances = chances_at(value.data() + step, literal); chances != 0; chances &= chances - 1) {
      const std::size_t place = step + static_cast<std::size_t>(std::countr_zero(chances));
      if (std::memcmp(value.data() + place, literal.data(), literal.size()) == 0) return place;
      if (--chances_left == 0) {
        const std::size_t rest = find_by_memmem(value.substr(place), literal);
        return rest == kAbsent ? kAbsent : place + rest;
      }
    }
    if (step == last_step) return kAbsent;
  }
}

#else

std::size_t find_literal(std::string_view value, std::string_view literal) { return find_by_memmem(value, literal); }

#endif

// The ends of the value, and room for both. `first`, `last`: the outermost stars.
bool ends_match(std::string_view wildcard, std::size_t first, std::size_t last, std::string_view value) {
  const auto tail = wildcard.substr(last + 1);
  return value.size() >= first + tail.size() && value.starts_with(wildcard.substr(0, first)) && value.ends_with(tail);
}

bool literals_match(std::string_view wildcard, std::size_t first, std::size_t last, std::string_view value) {
  value = value.substr(first, value.size() - first - (wildcard.size() - last - 1));
  for (std::size_t at = first + 1; at <= last;) {
    const auto end = wildcard.find(kStar, at);
    const auto literal = wildcard.substr(at, end - at);
    const std::size_t place = find_literal(value, literal);
    if (place == kAbsent) return false;
    value.remove_prefix(place + literal.size());
    at = end + 1;
  }
  return true;
}

}  // namespace

std::variant<std::string, WildcardError> parse_wildcard(std::string_view text) {
  std::string out;
  bool after_star = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool star = text[i] == '*';
    if (star && after_star) return WildcardError{WildcardError::consecutive_stars, i};
    if (text[i] == '\\') {
      const bool escapes = i + 1 < text.size() && (text[i + 1] == '*' || text[i + 1] == '\\');
      if (!escapes) return WildcardError{WildcardError::invalid_escape, i + 1};
      ++i;
    }
    out += star ? kStar : text[i];
    after_star = star;
  }
  return out;
}

void PairFilter::add(char first, char second) {
  const std::uint32_t bit = bit_of(first, second);
  const std::uint64_t mask = std::uint64_t{1} << bit % 64;
  // PERF: a store that the next pair's load would wait for is rarely needed.
  if ((bits_[bit / 64] & mask) == 0) bits_[bit / 64] |= mask;
}

void PairFilter::read(std::string_view value) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    add(value[i], kStar);
    if (i > 0) add(value[i - 1], value[i]);
  }
}

bool PairFilter::may_match(std::string_view wildcard, std::string_view value) {
  if (looks_ <= kLooksUnfiltered && looks_++ == kLooksUnfiltered) read(value);
  if (looks_ <= kLooksUnfiltered) return true;
  for (std::size_t i = 0; i < wildcard.size(); ++i) {
    if (wildcard[i] == kStar) continue;
    if (!has(wildcard[i], i + 1 < wildcard.size() ? wildcard[i + 1] : kStar)) return false;
  }
  return true;
}

bool wildcard_matches(std::string_view wildcard, std::string_view value) {
  const auto first = wildcard.find(kStar);
  if (first == std::string_view::npos) return value == wildcard;
  const auto last = wildcard.rfind(kStar);
  return ends_match(wildcard, first, last, value) && literals_match(wildcard, first, last, value);
}

bool wildcard_matches(std::string_view wildcard, std::string_view value, PairFilter& filter) {
  return filter.may_match(wildcard, value) && wildcard_matches(wildcard, value);
}

unsigned wildcard_complexity(std::span<const WildcardSet> patterns) {
  constexpr std::size_t kSetsMax = 4096;  // LIMIT: bounds the work for one field; what is found by then counts
  const Together wildcards(patterns);
  const std::string& all = wildcards.all;
  Places start;
  for (std::size_t at = 0; at < all.size(); at = all.find(kEnd, at) + 1)
    start.push_back(static_cast<std::uint32_t>(2 * at));
  std::set<Places> seen{start};
  std::vector<Places> open{start};
  unsigned most = size_of(start, wildcards);
  while (!open.empty() && most <= kWildcardComplexityMax && seen.size() < kSetsMax) {
    const Places from = std::move(open.back());
    open.pop_back();
    const std::set<char> read = bytes_of(from, all);
    bool others_done = false;
    for (const char byte : wildcards.bytes) {
      const bool is_read = read.contains(byte);
      if (!is_read && std::exchange(others_done, true)) continue;
      Places to = advance(from, all, is_read ? std::optional(byte) : std::nullopt);
      if (!seen.insert(to).second) continue;
      most = std::max(most, size_of(to, wildcards));
      open.push_back(std::move(to));
    }
  }
  return most;
}

}  // namespace millrace

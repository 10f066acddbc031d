#include "matcher/wildcard.hpp"

#include <cstring>
#include <set>
#include <vector>

namespace millrace {
namespace {

// A set of places in the wildcard. `after[i]`: the byte before i was just read; `inside[i]`: within the star at i.
struct Places {
  std::vector<bool> after, inside;
  auto operator<=>(const Places&) const = default;
};

unsigned size_of(const Places& places, std::string_view wildcard) {
  unsigned count = 0;
  for (std::size_t i = 0; i <= wildcard.size(); ++i) {
    const bool at_star = i < wildcard.size() && wildcard[i] == kStar;
    count += places.after[i];
    if (at_star) count += places.inside[i] || places.after[i];
  }
  return count;
}

Places advance(const Places& from, std::string_view wildcard, char byte) {
  Places to{std::vector<bool>(wildcard.size() + 1), std::vector<bool>(wildcard.size() + 1)};
  for (std::size_t i = 0; i < wildcard.size(); ++i) {
    if (!from.after[i] && !from.inside[i]) continue;
    std::size_t literal = i;
    if (wildcard[i] == kStar) {
      to.inside[i] = true;
      ++literal;
    }
    if (literal < wildcard.size() && wildcard[literal] == byte) to.after[literal + 1] = true;
  }
  return to;
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

bool wildcard_matches(std::string_view wildcard, std::string_view value) {
  const auto first = wildcard.find(kStar);
  if (first == std::string_view::npos) return value == wildcard;
  const auto last = wildcard.rfind(kStar);
  const auto head = wildcard.substr(0, first);
  const auto tail = wildcard.substr(last + 1);
  if (value.size() < head.size() + tail.size() || !value.starts_with(head) || !value.ends_with(tail)) return false;
  value = value.substr(head.size(), value.size() - head.size() - tail.size());
  for (std::size_t at = first + 1; at <= last;) {
    const auto end = wildcard.find(kStar, at);
    const auto literal = wildcard.substr(at, end - at);
    const void* found = memmem(value.data(), value.size(), literal.data(), literal.size());
    if (found == nullptr) return false;
    value.remove_prefix(static_cast<std::size_t>(static_cast<const char*>(found) - value.data()) + literal.size());
    at = end + 1;
  }
  return true;
}

unsigned wildcard_complexity(std::string_view wildcard) {
  constexpr std::size_t kSetsMax = 4096;  // LIMIT: bounds the work for one rule; what is found by then counts
  const std::set<char> bytes(wildcard.begin(), wildcard.end());
  Places start{std::vector<bool>(wildcard.size() + 1), std::vector<bool>(wildcard.size() + 1)};
  start.after[0] = true;
  std::set<Places> seen{start};
  std::vector<Places> open{start};
  unsigned most = size_of(start, wildcard);
  while (!open.empty() && most <= kWildcardComplexityMax && seen.size() < kSetsMax) {
    const Places from = std::move(open.back());
    open.pop_back();
    for (const char byte : bytes) {
      Places to = advance(from, wildcard, byte);
      if (byte == kStar || !seen.insert(to).second) continue;
      most = std::max(most, size_of(to, wildcard));
      open.push_back(std::move(to));
    }
  }
  return most;
}

}  // namespace millrace

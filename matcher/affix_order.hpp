// Which of many prefixes, or suffixes, does a value have? Asked of one of them, in an order where those in question
// stand side by side.
//
// Invariant: of kept affixes none has another one of them, so the one that stands before a value, or none, is its.
//
// Threads: pure. Cost: asking, a comparison for each doubling of their number.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace {

inline bool has_affix(std::string_view value, std::string_view affix, bool from_tail) {
  return from_tail ? value.ends_with(affix) : value.starts_with(affix);
}

inline bool affix_less(std::string_view a, std::string_view b, bool from_tail) {
  return from_tail ? std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend()) : a < b;
}

// Of ordered items, drops those that the last one kept covers.
template <typename Item, typename Covers>
void drop_covered(std::vector<Item>& items, Covers&& covers) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (kept > 0 && covers(items[kept - 1], items[i])) continue;
    if (i != kept) items[kept] = std::move(items[i]);
    ++kept;
  }
  items.resize(kept);
}

// Orders the items and drops those that have another one's text.
template <typename Item, typename TextOf>
void keep_least_affixes(std::vector<Item>& items, bool from_tail, TextOf&& text_of) {
  std::sort(items.begin(), items.end(),
            [&](const Item& a, const Item& b) { return affix_less(text_of(a), text_of(b), from_tail); });
  drop_covered(items,
               [&](const Item& kept, const Item& item) { return has_affix(text_of(item), text_of(kept), from_tail); });
}

// REQUIRES: texts from 0 to `count` that keep_least_affixes() ordered.
template <typename TextAt>
bool has_any_affix(std::string_view value, std::uint32_t count, bool from_tail, TextAt&& text_at) {
  std::uint32_t begin = 0, end = count;
  while (begin < end) {
    const std::uint32_t middle = begin + (end - begin) / 2;
    const bool is_behind = affix_less(value, text_at(middle), from_tail);
    (is_behind ? end : begin) = is_behind ? middle : middle + 1;
  }
  return begin > 0 && has_affix(value, text_at(begin - 1), from_tail);
}

}  // namespace millrace

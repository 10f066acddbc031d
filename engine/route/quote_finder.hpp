// The loop that finds quotes, for processors of every kind: a Group says where 64 bytes have what, and writes places.
//
// Included by one source file a processor, each compiled for its own and giving a Group of an unnamed namespace, so
// that no code made for one processor is linked where another one runs. For the same reason nothing here calls a
// function of another header that is not always inlined.
//
// PERF: few texts have a backslash, so they are gone through as if none had, and those that have, once more.
#pragma once

#include "engine/route/escaped_by.hpp"
#include "engine/route/string_index.hpp"

namespace millrace {

// Byte i is i.
struct Ordinals {
  alignas(64) char of[64];
};
inline constexpr Ordinals kOrdinals = [] {
  Ordinals out{};
  for (int i = 0; i < 64; ++i) out.of[i] = static_cast<char>(i);
  return out;
}();

// PERF: what the processor fetches by itself ends with a page of memory, and what is read next mostly stands behind.
inline constexpr std::size_t kReadAheadBytes = 1280;

// REQUIRES: of Group: `Group(at)` of 64 bytes and `Group(at, count)` of fewer, spaces behind them; by bit equal();
// write() at a Place, which counts bytes, moves the room behind what it wrote; write_heads() of all that has no heads
// yet; note() and what Seen tells of all that were noted.
template <typename Group>
struct QuoteLoop {
  template <typename Take>
  [[gnu::always_inline]] static inline void for_each_group(const char* text, std::size_t bytes, Take&& take) {
    std::size_t at = 0;
    typename Group::Place place{};
    for (; at + 64 <= bytes; at += 64, place += 64) {
      __builtin_prefetch(text + at + kReadAheadBytes);
      take(Group(text + at), place);
    }
    if (at < bytes) take(Group(text + at, bytes - at), place);
  }

  static QuotesFound find(const char* text, std::size_t bytes, QuoteRoom room) {
    typename Group::Seen seen;
    QuoteRoom rest = room;
    for_each_group(text, bytes, [&](const Group& group, typename Group::Place place) {
      group.note(seen);
      group.write(group.equal('"'), place, rest);
    });
    if (seen.backslash()) rest = find_unescaped(text, bytes, room);
    const auto count = static_cast<std::size_t>(rest.places - room.places);
    Group::write_heads(text, count, room);
    return {count, seen.backslash()};
  }

  static QuoteRoom find_unescaped(const char* text, std::size_t bytes, QuoteRoom rest) {
    std::uint64_t carry = 0;
    for_each_group(text, bytes, [&](const Group& group, typename Group::Place place) {
      const std::uint64_t slashes = group.equal('\\'), quotes = group.equal('"');
      const std::uint64_t escaped = (slashes | carry) == 0 ? 0 : escaped_by(slashes, carry);
      group.write(quotes & ~escaped, place, rest);
    });
    return rest;
  }
};

}  // namespace millrace

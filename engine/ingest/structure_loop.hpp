// The loop that finds structure, for processors of every kind: a Group says where 64 bytes have what.
//
// Included by one source file a processor, as route/quote_finder.hpp is and with the same care.
#pragma once

#include "engine/ingest/structure.hpp"
#include "engine/route/escaped_by.hpp"
#include "engine/route/parity.hpp"

namespace millrace {

// REQUIRES: of Group: `Group(at)` of 64 bytes and `Group(at, count)` of fewer, spaces behind them; by bit equal(),
// brackets() and may_follow_string().
template <typename Group>
struct StructureLoop {
  static void find(const char* text, std::size_t bytes, StringState& state, Structure* out) {
    StringState now = state;
    std::size_t at = 0;
    for (; at + 64 <= bytes; at += 64) *out++ = take(Group(text + at), 64, now);
    if (at < bytes) *out = take(Group(text + at, bytes - at), bytes - at, now);
    state = now;
  }

  [[gnu::always_inline]] static inline Structure take(const Group& group, std::size_t count, StringState& state) {
    const std::uint64_t slashes = group.equal('\\');
    std::uint64_t carry = state.escaped;
    const std::uint64_t escaped = (slashes | carry) == 0 ? 0 : escaped_by(slashes, carry);
    const std::uint64_t quotes = group.equal('"') & ~escaped;
    const std::uint64_t inside = parity_so_far(quotes) ^ state.in_string;
    const std::uint64_t closing = quotes & ~inside;
    const std::uint64_t behind_strings = closing << 1 | state.after_string;
    state.in_string = 0 - (inside >> (count - 1) & 1);
    state.after_string = closing >> (count - 1) & 1;
    state.escaped = count == 64 ? carry : escaped >> count & 1;
    return {group.brackets() & ~inside, (behind_strings & ~group.may_follow_string()) | (slashes & ~inside)};
  }
};

}  // namespace millrace

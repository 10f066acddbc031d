// The loop that finds structure, for processors of every kind: a Group says where 64 bytes have what, and writes marks.
//
// Included by one source file a processor, each compiled for its own and giving a Group of an unnamed namespace, so
// that no code made for one processor is linked where another one runs. For the same reason nothing here calls a
// function of another header.
//
// Source: the bit operations are those of simdjson's first stage (Langdale and Lemire, "Parsing Gigabytes of JSON per
// Second", 2019).
#pragma once

#include "engine/route/structure.hpp"

namespace millrace {

// REQUIRES: of Group: `Group(at)` of 64 bytes and `Group(at, count)` of fewer, spaces behind them; by bit equal(),
// operators() and spaces(); lowest(), parity() and write() as the loop uses them.
template <typename Group>
struct StructureLoop {
  // The bytes that a backslash escapes; `carry` says so of the first byte of the next group.
  static std::uint64_t escaped_by(std::uint64_t slashes, std::uint64_t& carry) {
    std::uint64_t out = carry;
    slashes &= ~carry;
    carry = 0;
    while (slashes != 0) {
      const std::uint64_t slash = slashes & (0 - slashes), behind = slash << 1;
      out |= behind;
      slashes &= ~(slash | behind);
      carry = slash >> 63;
    }
    return out;
  }

  [[gnu::always_inline]] inline void take(const Group& group, std::uint32_t place) {
    const std::uint64_t slashes = group.equal('\\');
    std::uint64_t quotes = group.equal('"');
    slashes_any |= slashes;
    if ((slashes | escape_carry) != 0) quotes &= ~escaped_by(slashes, escape_carry);
    const std::uint64_t inside = Group::parity(quotes) ^ inside_carry;  // opening quotes included
    inside_carry = 0 - (inside >> 63);
    const std::uint64_t operators = group.operators(), scalars = ~(operators | group.spaces());
    const std::uint64_t plain = scalars & ~quotes, behind_plain = plain << 1 | plain_carry;
    plain_carry = plain >> 63;
    lowest = group.lowest(lowest);
    const std::uint64_t starts = (operators | (scalars & ~behind_plain)) & ~(inside ^ quotes);
    group.write(starts, plain, place, marks, places);
    marks += __builtin_popcountll(starts);
    places += __builtin_popcountll(starts);
  }

  static StructureEnd find(const char* text, std::size_t bytes, char* marks, std::uint32_t* places) {
    StructureLoop loop{marks, places};
    for (std::size_t at = 0; at < bytes; at += 64) {
      const std::size_t rest = bytes - at;
      loop.take(rest < 64 ? Group(text + at, rest) : Group(text + at), static_cast<std::uint32_t>(at));
    }
    const auto count = static_cast<std::size_t>(loop.marks - marks);
    return {count, loop.inside_carry != 0, loop.slashes_any != 0, Group::any_control(loop.lowest)};
  }

  char* marks;
  std::uint32_t* places;
  std::uint64_t escape_carry = 0, inside_carry = 0, plain_carry = 0, slashes_any = 0;
  typename Group::Lowest lowest = Group::nothing_seen();
};

}  // namespace millrace

// The encoded form of a leaf list: the values of one field that a rule accepts.
//
// Shape. 32-bit words, one entry an alternative; an operand list starts with the byte length of each operand:
//
//     entry    op:8 | count:24   operands            count = bytes (one operand) or operands (a list)
//     bytes    text, zero-padded to whole words
//     numbers  NumberKey as two words, low first
//     address  bits, is_v6, then the 16 bytes
//     list     bytes x count, place x count, then each operand's bytes, padded apart; places count words from behind
//              the places
//
// A long list of whole texts or of numbers ends with a table of them by hash (hash_slots).
// A list of many entries begins with a directory of them (long_list).
//
// The words are the same for the same list, so they serve to find equal lists, and they are what evaluates it: a reader
// needs nothing else.
//
// Threads: plain data.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/hash_slots.hpp"
#include "matcher/ip_address.hpp"
#include "matcher/number.hpp"

namespace millrace {

enum class Op : std::uint8_t {
  exact_string,
  exact_number,
  exact_token,
  prefix,
  suffix,
  ignore_case,
  prefix_ignore_case,
  suffix_ignore_case,
  fold,
  prefix_fold,
  suffix_fold,  // ignore-case operands beyond ASCII, as encode_fold makes them
  wildcard,
  cidr,
  range,
  exists,
  not_exists,
  directory,
  but_strings,
  but_numbers,
  but_prefix,
  but_suffix,
  but_ignore_case,
  but_fold,
  but_wildcard,
};

using Words = std::span<const std::uint32_t>;

inline Op op_of(std::uint32_t head) { return static_cast<Op>(head >> 24); }
inline std::uint32_t count_of(std::uint32_t head) { return head & 0xffffff; }
inline std::uint32_t head_of(Op op, std::size_t count) {
  return static_cast<std::uint32_t>(op) << 24 | static_cast<std::uint32_t>(count);
}
inline std::size_t words_for(std::size_t bytes) { return (bytes + 3) / 4; }

// LIMIT: alternatives or operands that are gone through one by one, which for fewer is as fast as looking them up.
constexpr std::size_t kLongListMin = 16;

// One alternative, as read: operands are `text` (one), `numbers`, `block`, or a list.
struct Entry {
  Op op;
  std::uint32_t count;
  const std::uint32_t* operands;

  std::string_view text() const { return {reinterpret_cast<const char*>(operands), count}; }
  NumberKey number(std::size_t i) const { return operands[2 * i] | static_cast<NumberKey>(operands[2 * i + 1]) << 32; }
  IpBlock block() const {
    IpBlock out{.base = {.is_v6 = operands[1] != 0}, .bits = static_cast<std::uint8_t>(operands[0])};
    std::memcpy(out.base.bytes.data(), operands + 2, 16);
    return out;
  }
};

// Of the table that ends a list.
inline std::size_t list_slots(Op op, std::size_t count) {
  const bool is_hashed = op == Op::but_strings || op == Op::but_numbers || op == Op::but_ignore_case;
  return is_hashed && count >= kLongListMin ? hash_slots_for(count) : 0;
}

inline std::size_t operand_words(const Entry& entry) {
  switch (entry.op) {
    case Op::exact_number:
    case Op::range:
      return 2 * std::size_t{entry.count};
    case Op::but_numbers:
      return 2 * std::size_t{entry.count} + list_slots(entry.op, entry.count);
    case Op::cidr:
      return 6;
    case Op::exists:
    case Op::not_exists:
      return 0;
    case Op::directory:
      return entry.count;
    case Op::but_strings:
    case Op::but_prefix:
    case Op::but_suffix:
    case Op::but_ignore_case:
    case Op::but_fold:
    case Op::but_wildcard: {
      if (entry.count == 0) return 0;
      const std::uint32_t last = entry.count - 1;
      return 2 * std::size_t{entry.count} + entry.operands[entry.count + last] + words_for(entry.operands[last]) +
             list_slots(entry.op, entry.count);
    }
    default:
      return words_for(entry.count);
  }
}

// Reads one entry and moves `words` behind it.
inline Entry read_entry(Words& words) {
  const Entry entry{op_of(words[0]), count_of(words[0]), words.data() + 1};
  words = words.subspan(1 + operand_words(entry));
  return entry;
}

inline std::string_view operand(const Entry& list, std::uint32_t i) {
  const std::uint32_t* const text = list.operands + 2 * std::size_t{list.count} + list.operands[list.count + i];
  return {reinterpret_cast<const char*>(text), list.operands[i]};
}

inline std::uint64_t operand_hash(std::string_view operand) { return text_hash(0, operand); }
inline std::uint64_t operand_hash(NumberKey operand) { return mix(0, operand); }

inline std::span<const std::uint32_t> slots_of(const Entry& list) {
  const std::size_t slots = list_slots(list.op, list.count);
  return {list.operands + operand_words(list) - slots, slots};
}

// Calls visit(operand) for each operand of a list until it returns true; says whether one did.
template <typename Visit>
bool any_operand(const Entry& list, Visit&& visit) {
  for (std::uint32_t i = 0; i < list.count; ++i) {
    if (visit(operand(list, i))) return true;
  }
  return false;
}

// Builds words. REQUIRES: an operand under 2^24 bytes, and a list of as many operands; kPatternBytesMax sees to it.
void append_text(Op op, std::string_view text, std::vector<std::uint32_t>& out);
void append_numbers(Op op, std::span<const NumberKey> numbers, std::vector<std::uint32_t>& out);
void append_block(const IpBlock& block, std::vector<std::uint32_t>& out);
void append_list(Op op, std::vector<std::string> operands, std::vector<std::uint32_t>& out);

}  // namespace millrace

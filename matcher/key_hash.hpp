// The hashes under which HashIndex knows an operand: keyed, and for prefixes incremental over 8-byte words.
//
// A prefix P of length L is found through its *stems*, the words that it fills, and its *tail*, the L % 8 bytes behind
// them: the value is hashed word by word, and goes on only as long as some prefix shares the words so far. Suffixes are
// the same, read from the end.
//
// Threads: pure. Cost: a multiplication a word, or for a whole text one in 16 bytes.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace millrace {

enum class KeyKind : std::uint8_t {
  number = 1,
  token,
  ignore_case,
  prefix,
  suffix,
  prefix_ignore_case,
  suffix_ignore_case
};

constexpr std::size_t kStemBytes = 8;
constexpr std::uint32_t kStemGoesOn = 1u << 8;  // in a stem's mask; bit t: a tail of t bytes

__extension__ using DoubleWord = unsigned __int128;

// Both factors hold the hash so far, which a secret went into: no word makes the product 0 under every secret.
inline std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  const auto product =
      static_cast<DoubleWord>(hash ^ 0x9e3779b97f4a7c15u) * (word ^ std::rotl(hash, 32) ^ 0xe7037ed1a0b428dbu);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t field_seed(std::uint64_t secret, std::uint32_t field) { return mix(secret, field) ^ secret; }

inline std::uint64_t key_seed(std::uint64_t field_seed, KeyKind kind) {
  return field_seed + static_cast<std::uint64_t>(kind) * 0xd6e8feb86659fd93u;
}

// Keys made of hashes of whole texts, which a secret went into: a text on a field; a text on a field, once a group
// holds; and texts on two fields together, which `pair` names.
inline std::uint64_t string_hash(std::uint64_t text, std::uint32_t field) { return mix(text, field); }

inline std::uint64_t twin_hash(std::uint64_t text, std::uint32_t group, std::uint32_t field) {
  return mix(text + 0x2545f4914f6cdd1du, static_cast<std::uint64_t>(group) << 32 | field);
}

inline std::uint64_t pair_hash(std::uint64_t first, std::uint64_t second, std::uint32_t pair) {
  return mix(first + pair, second);
}

// Word i of the text, counted from its head or from its tail; `bytes` under 8 only for the last one.
inline std::uint64_t word_at(std::string_view text, std::size_t i, std::size_t bytes, bool from_tail) {
  std::uint64_t word = 0;
  const char* at = from_tail ? text.data() + text.size() - i * kStemBytes - bytes : text.data() + i * kStemBytes;
  std::memcpy(&word, at, bytes);
  return word;
}

inline std::uint64_t stem_hash(std::uint64_t hash, std::uint64_t word) { return mix(hash, word); }

inline std::uint64_t tail_hash(std::uint64_t hash, std::uint64_t word, std::size_t bytes) {
  return mix(hash + 0x51ed270b6f2c9d35u * (bytes + 1), word);
}

inline std::uint64_t load_word(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

inline std::uint64_t mix_pair(std::uint64_t hash, std::uint64_t first, std::uint64_t second) {
  const auto product = static_cast<DoubleWord>(hash ^ first ^ 0x9e3779b97f4a7c15u) *
                       (second ^ std::rotl(hash, 32) ^ 0xe7037ed1a0b428dbu);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Of fewer than eight bytes.
inline bool equal_short_texts(const char* a, const char* b, std::size_t bytes) {
  const auto four = [](const char* at) {
    std::uint32_t word = 0;
    std::memcpy(&word, at, sizeof(word));
    return word;
  };
  if (bytes >= sizeof(std::uint32_t))
    return four(a) == four(b) && four(a + bytes - sizeof(std::uint32_t)) == four(b + bytes - sizeof(std::uint32_t));
  std::size_t i = 0;
  while (i < bytes && a[i] == b[i]) ++i;
  return i == bytes;
}

// PERF: for the short texts of events, a call costs more than the comparison.
inline bool equal_texts(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  if (a.size() < sizeof(std::uint64_t)) return equal_short_texts(a.data(), b.data(), a.size());
  const std::size_t last = a.size() - sizeof(std::uint64_t);
  for (std::size_t i = 0; i < last; i += sizeof(std::uint64_t)) {
    if (load_word(a.data() + i) != load_word(b.data() + i)) return false;
  }
  return load_word(a.data() + last) == load_word(b.data() + last);
}

// Sixteen bytes a step; the last step may read some of them again. The length is mixed in first.
inline std::uint64_t text_hash(std::uint64_t seed, std::string_view text) {
  const char* at = text.data();
  const std::size_t bytes = text.size();
  std::uint64_t hash = mix(seed, bytes);
  if (bytes >= 16) {
    const char* const last = at + bytes - 16;
    for (; at < last; at += 16) hash = mix_pair(hash, load_word(at), load_word(at + 8));
    return mix_pair(hash, load_word(last), load_word(last + 8));
  }
  if (bytes >= 8) return mix_pair(hash, load_word(at), load_word(at + bytes - 8));
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes; ++i) word = word << 8 | static_cast<unsigned char>(at[i]);
  return mix(hash, word);
}

inline std::uint64_t number_hash(std::uint64_t seed, std::uint64_t number) { return mix(seed, number); }

}  // namespace millrace

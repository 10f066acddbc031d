// The events and rule sets that cost the most for their size, each with its answer known by construction.
//
// A case is made at a scale: kFullScale is the size in its name, kQuarterScale a quarter of it, to see how time grows.
//
// Threads: pure. Cost: a case of 100,000 rules takes about 20 MB of text.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::bench {

constexpr std::size_t kQuarterScale = 1, kFullScale = 4;

// What bounds a case, besides 50 ordinary events of its size.
enum class Bound : std::uint8_t {
  size,   // nothing
  looks,  // 50 ns instead, for each rule and value of the event that it truly has to look at
};

struct WorstCase {
  std::vector<std::string> patterns = {};  // one a rule
  std::vector<std::string> details = {};   // the `detail` of each event
  std::uint64_t matches = 0;               // rule matches over all events
  std::uint64_t looks = 0;                 // pairs of rule and value, for Bound::looks
  std::uint64_t undecided = 0;             // events whose arrays are refused as undecidable
};

struct NamedCase {
  const char* name;
  Bound bound;
  WorstCase (*make)(std::size_t scale);
  bool grows = false;  // also run at kQuarterScale; the event's size follows the scale
};

const std::vector<NamedCase>& rule_cases();       // many rules look at one value, or are found by one
const std::vector<NamedCase>& structure_cases();  // arrays, nesting, keys
const std::vector<NamedCase>& value_cases();      // long strings, numbers, addresses, case

// What write(i) returns for i below `count`, with `between` between.
template <typename Write>
std::string joined(std::size_t count, std::string_view between, Write&& write) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += between;
    out += write(i);
  }
  return out;
}

template <typename Write>
std::vector<std::string> patterns_of(std::size_t count, Write&& write) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(write(i));
  return out;
}

inline std::string repeated(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

// A pattern whose list on detail.a is `values`, and an event's detail whose a is `value`.
inline std::string on_a(std::string_view values) { return fmt::format(R"({{"detail":{{"a":[{}]}}}})", values); }
inline std::string a_is(std::string_view value) { return fmt::format(R"({{"a":{}}})", value); }
inline std::string quoted(std::string_view text) { return fmt::format(R"("{}")", text); }

// `count` bits of SplitMix64's output for `number`, as letters.
inline std::string two_letters(std::uint64_t number, std::size_t count, std::string_view letters = "ab") {
  std::uint64_t state = number, bits = 0;
  std::string out;
  for (std::size_t i = 0; i < count; ++i, bits >>= 1) {
    if (i % 64 == 0) {
      bits = (state += 0x9e3779b97f4a7c15u);
      bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
      bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
      bits ^= bits >> 31;
    }
    out += letters[bits & 1];
  }
  return out;
}

}  // namespace millrace::bench

#include "engine/ingest/json_scan.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "engine/route/escaped_by.hpp"
#include "engine/route/text_scan.hpp"

namespace millrace {
namespace {

constexpr std::size_t kGroupBytes = 64;

}  // namespace

// The last byte before `at` that is no white space.
char JsonScan::before(const char* begin, const char* at) const {
  while (at > begin) {
    if (!is_json_space(*--at)) return *at;
  }
  return before_;
}

// Takes a bracket that is in no string; says whether the scan is over.
bool JsonScan::take(Text text, std::size_t place) {
  const char c = text.at[place];
  if (c == '{' || c == '[') {
    const char in_front = before(text.begin, text.at + place);
    const bool may_open =
        is_object_.empty() || (is_object_.back() ? in_front == ':' : in_front == ',' || in_front == '[');
    is_object_.push_back(c == '{');
    malformed_ = !may_open || too_deep();
    return malformed_;
  }
  malformed_ = is_object_.empty() || is_object_.back() != (c == '}');
  if (!malformed_) is_object_.pop_back();
  closed_ = !malformed_ && is_object_.empty();
  return malformed_ || closed_;
}

// Goes through up to 64 bytes; returns how many were needed to end the scan, or 0 if it goes on.
// PERF: strings are masked out 64 bytes at a time; only brackets, and what is wrong, are looked at one by one.
std::size_t JsonScan::scan_group(const char* padded, std::size_t bytes, Text text) {
  const Bytes64 group(padded);
  const std::uint64_t all = bytes == kGroupBytes ? ~std::uint64_t{0} : (std::uint64_t{1} << bytes) - 1;
  const std::uint64_t slashes = group.equal('\\') & all;
  std::uint64_t carry = escaped_;
  const std::uint64_t escaped = escaped_by(slashes, carry);
  const std::uint64_t quotes = group.equal('"') & all & ~escaped;
  const std::uint64_t inside = parity_so_far(quotes) ^ (0 - std::uint64_t{in_string_});
  const std::uint64_t behind_strings = (quotes & ~inside) << 1 | std::uint64_t{after_string_};
  const std::uint64_t brackets = (group.equal_folded('{') | group.equal_folded('}')) & ~inside;
  const std::uint64_t wrong = (behind_strings & ~group.may_follow_string()) | (slashes & ~inside);
  for (std::uint64_t hits = (brackets | wrong) & all; hits != 0; hits &= hits - 1) {
    const auto place = static_cast<std::size_t>(std::countr_zero(hits));
    malformed_ = (wrong & hits & (0 - hits)) != 0;
    if (malformed_ || take(text, place)) {
      in_string_ = escaped_ = after_string_ = false;
      return place + 1;
    }
  }
  const std::uint64_t last = std::uint64_t{1} << (bytes - 1);
  in_string_ = (inside & last) != 0;
  after_string_ = (quotes & ~inside & last) != 0;
  escaped_ = bytes == kGroupBytes ? carry != 0 : (escaped >> bytes & 1) != 0;
  return 0;
}

std::size_t JsonScan::find_close(const char* data, std::size_t from, std::size_t bytes) {
  closed_ = false;
  std::size_t i = from;
  for (; i + kGroupBytes <= bytes; i += kGroupBytes) {
    if (const std::size_t used = scan_group(data + i, kGroupBytes, {data + from, data + i})) return i + used;
  }
  if (i < bytes) {
    std::array<char, kGroupBytes> tail{};
    std::memcpy(tail.data(), data + i, bytes - i);
    if (const std::size_t used = scan_group(tail.data(), bytes - i, {data + from, data + i})) return i + used;
  }
  before_ = before(data + from, data + bytes);
  return bytes;
}

}  // namespace millrace

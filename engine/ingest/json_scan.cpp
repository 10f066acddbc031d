#include "engine/ingest/json_scan.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "engine/route/text_scan.hpp"

namespace millrace {

// The last byte before `at` that is no white space.
char JsonScan::before(const char* begin, const char* at) const {
  while (at > begin) {
    if (!is_json_space(*--at)) return *at;
  }
  return before_;
}

// Takes a bracket that is in no string; says whether the scan is over.
bool JsonScan::take(const char* begin, const char* at) {
  const bool is_object = *at == '{' || *at == '}';
  if (*at == '{' || *at == '[') {
    const char in_front = before(begin, at);
    malformed_ = open_.depth() > 0 && (open_.innermost() ? in_front != ':' : in_front != ',' && in_front != '[');
    open_.push(is_object);
    malformed_ |= too_deep();
    return malformed_;
  }
  malformed_ = open_.depth() == 0 || open_.innermost() != is_object;
  if (malformed_) return true;
  open_.pop();
  closed_ = open_.depth() == 0;
  return closed_;
}

std::size_t JsonScan::find_close(const char* data, std::size_t from, std::size_t bytes) {
  closed_ = false;
  std::array<Structure, kStructureBytesMax / 64> found;
  for (std::size_t i = from; i < bytes; i += kStructureBytesMax) {
    const std::size_t some = std::min(bytes - i, kStructureBytesMax);
    finder_(data + i, some, strings_, found.data());
    for (std::size_t group = 0; group * 64 < some; ++group) {
      const auto [brackets, wrong] = found[group];
      for (std::uint64_t hits = brackets | wrong; hits != 0; hits &= hits - 1) {
        const std::size_t place = i + group * 64 + static_cast<std::size_t>(std::countr_zero(hits));
        malformed_ = (wrong & hits & (0 - hits)) != 0;
        if (malformed_ || take(data + from, data + place)) {
          strings_ = {};
          return place + 1;
        }
      }
    }
  }
  before_ = before(data + from, data + bytes);
  return bytes;
}

}  // namespace millrace

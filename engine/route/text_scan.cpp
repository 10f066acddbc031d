#include "engine/route/text_scan.hpp"

namespace millrace {
namespace {

constexpr unsigned kGroupBytes = 64;

struct Group {
  std::uint64_t quotes = 0, slashes = 0, opening = 0, closing = 0;
};

Group classify(const char* at) {
  const Bytes64 block(at);
  return {block.equal('"'), block.equal('\\'), block.equal_folded('{'), block.equal_folded('}')};
}

}  // namespace

const char* skip_container(const char* at, const char* end) {
  std::uint64_t carry = 0, in_string = 0;
  std::size_t depth = 0;
  for (; at < end; at += kGroupBytes) {
    const Group group = classify(at);
    const std::uint64_t quotes = group.quotes & ~escaped_by(group.slashes, carry);
    const std::uint64_t inside = parity_so_far(quotes) ^ in_string;
    in_string = 0 - (inside >> (kGroupBytes - 1));
    for (std::uint64_t hits = (group.opening | group.closing) & ~inside; hits != 0; hits &= hits - 1) {
      if ((group.opening & hits & (0 - hits)) != 0) {
        ++depth;
      } else if (--depth == 0) {
        const char* const behind = at + std::countr_zero(hits) + 1;
        return behind <= end ? behind : nullptr;
      }
    }
  }
  return nullptr;
}

}  // namespace millrace

#include "matcher/values.hpp"

#include <algorithm>
#include <tuple>

namespace millrace {
namespace {

void append_bytes(std::string_view text, std::vector<std::uint32_t>& out) {
  const std::size_t at = out.size();
  out.resize(at + words_for(text.size()), 0);
  if (!text.empty()) std::memcpy(out.data() + at, text.data(), text.size());
}

std::uint32_t head(Op op, std::size_t count) {
  return static_cast<std::uint32_t>(op) << 24 | static_cast<std::uint32_t>(count);
}

}  // namespace

void append_text(Op op, std::string_view text, std::vector<std::uint32_t>& out) {
  out.push_back(head(op, text.size()));
  append_bytes(text, out);
}

void append_numbers(Op op, std::span<const NumberKey> numbers, std::vector<std::uint32_t>& out) {
  out.push_back(head(op, numbers.size()));
  for (const NumberKey number : numbers) {
    out.push_back(static_cast<std::uint32_t>(number));
    out.push_back(static_cast<std::uint32_t>(number >> 32));
  }
}

void append_block(const IpBlock& block, std::vector<std::uint32_t>& out) {
  out.push_back(head(Op::cidr, 1));
  out.push_back(block.bits);
  out.push_back(block.base.is_v6);
  append_bytes({reinterpret_cast<const char*>(block.base.bytes.data()), block.base.bytes.size()}, out);
}

void append_list(Op op, std::vector<std::string> operands, std::vector<std::uint32_t>& out) {
  std::sort(operands.begin(), operands.end(), [](const std::string& a, const std::string& b) {
    return std::make_tuple(a.size(), std::string_view(a)) < std::make_tuple(b.size(), std::string_view(b));
  });
  out.push_back(head(op, operands.size()));
  for (const auto& operand : operands) out.push_back(static_cast<std::uint32_t>(operand.size()));
  std::size_t place = 0;
  for (const auto& operand : operands) {
    out.push_back(static_cast<std::uint32_t>(place));
    place += words_for(operand.size());
  }
  for (const auto& operand : operands) append_bytes(operand, out);
}

}  // namespace millrace

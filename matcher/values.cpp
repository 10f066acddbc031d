#include "matcher/values.hpp"

#include <algorithm>
#include <tuple>

#include "matcher/affix_order.hpp"

namespace millrace {
namespace {

void append_bytes(std::string_view text, std::vector<std::uint32_t>& out) {
  const std::size_t at = out.size();
  out.resize(at + words_for(text.size()), 0);
  if (!text.empty()) std::memcpy(out.data() + at, text.data(), text.size());
}

// The same words for the same list, in the order in which it is asked.
void put_in_order(Op op, std::vector<std::string>& operands) {
  const auto text = [](const std::string& operand) { return std::string_view(operand); };
  if (op == Op::but_prefix || op == Op::but_suffix) return keep_least_affixes(operands, op == Op::but_suffix, text);
  std::sort(operands.begin(), operands.end(), [](const std::string& a, const std::string& b) {
    return std::make_tuple(a.size(), std::string_view(a)) < std::make_tuple(b.size(), std::string_view(b));
  });
}

// Of operands by hash, as their numbers from 1 on.
void append_table(Op op, const auto& operands, std::vector<std::uint32_t>& out) {
  const std::size_t begin = out.size();
  out.resize(begin + list_slots(op, operands.size()), 0);
  const std::span slots(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end());
  for (std::uint32_t i = 0; !slots.empty() && i < operands.size(); ++i)
    add_to_slots(slots, operand_hash(operands[i]), i + 1);
}

}  // namespace

void append_text(Op op, std::string_view text, std::vector<std::uint32_t>& out) {
  out.push_back(head_of(op, text.size()));
  append_bytes(text, out);
}

void append_numbers(Op op, std::span<const NumberKey> numbers, std::vector<std::uint32_t>& out) {
  out.push_back(head_of(op, numbers.size()));
  for (const NumberKey number : numbers) {
    out.push_back(static_cast<std::uint32_t>(number));
    out.push_back(static_cast<std::uint32_t>(number >> 32));
  }
  append_table(op, numbers, out);
}

void append_block(const IpBlock& block, std::vector<std::uint32_t>& out) {
  out.push_back(head_of(Op::cidr, 1));
  out.push_back(block.bits);
  out.push_back(block.base.is_v6);
  append_bytes({reinterpret_cast<const char*>(block.base.bytes.data()), block.base.bytes.size()}, out);
}

void append_list(Op op, std::vector<std::string> operands, std::vector<std::uint32_t>& out) {
  put_in_order(op, operands);
  out.push_back(head_of(op, operands.size()));
  for (const auto& operand : operands) out.push_back(static_cast<std::uint32_t>(operand.size()));
  std::size_t place = 0;
  for (const auto& operand : operands) {
    out.push_back(static_cast<std::uint32_t>(place));
    place += words_for(operand.size());
  }
  for (const auto& operand : operands) append_bytes(operand, out);
  append_table(op, operands, out);
}

}  // namespace millrace

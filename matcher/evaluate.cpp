#include "matcher/evaluate.hpp"

#include "matcher/case_fold.hpp"
#include "matcher/wildcard.hpp"

namespace millrace {
namespace {

bool string_entry_holds(const Entry& entry, std::string_view value) {
  const std::string_view operand = entry.text();
  switch (entry.op) {
    case Op::exact_string: return value == operand;
    case Op::prefix: return value.starts_with(operand);
    case Op::suffix: return value.ends_with(operand);
    case Op::ignore_case: return equals_ascii_lower(value, operand);
    case Op::prefix_ignore_case: return value.size() >= operand.size() && equals_ascii_lower(value.substr(0, operand.size()), operand);
    case Op::suffix_ignore_case:
      return value.size() >= operand.size() && equals_ascii_lower(value.substr(value.size() - operand.size()), operand);
    case Op::fold: return fold_matches(operand, value, FoldAnchor::whole);
    case Op::prefix_fold: return fold_matches(operand, value, FoldAnchor::head);
    case Op::suffix_fold: return fold_matches(operand, value, FoldAnchor::tail);
    case Op::wildcard: return wildcard_matches(operand, value);
    default: return false;
  }
}

bool excluded(const Entry& entry, std::string_view value) {
  return any_operand(entry, [&](std::string_view operand) {
    switch (entry.op) {
      case Op::but_strings: return value == operand;
      case Op::but_prefix: return value.starts_with(operand);
      case Op::but_suffix: return value.ends_with(operand);
      case Op::but_ignore_case: return equals_ascii_lower(value, operand);
      case Op::but_fold: return fold_matches(operand, value, FoldAnchor::whole);
      default: return wildcard_matches(operand, value);
    }
  });
}

bool number_excluded(const Entry& entry, Leaf& leaf) {
  const auto& key = leaf.number_key();
  for (std::uint32_t i = 0; key && i < entry.count; ++i) {
    if (entry.number(i) == *key) return true;
  }
  return false;
}

}  // namespace

bool entry_holds(const Entry& entry, Leaf& leaf) {
  switch (entry.op) {
    case Op::exists: return true;
    case Op::not_exists: return false;
    case Op::exact_token: return leaf.kind != LeafKind::string && leaf.text == entry.text();
    case Op::exact_number: return leaf.kind == LeafKind::number && leaf.number_key() == entry.number(0);
    case Op::range:
      return leaf.kind == LeafKind::number && leaf.number_key() && *leaf.number >= entry.number(0) && *leaf.number <= entry.number(1);
    case Op::cidr: return leaf.kind == LeafKind::string && leaf.address() && block_contains(entry.block(), *leaf.ip);
    case Op::but_numbers: return leaf.kind != LeafKind::number || !number_excluded(entry, leaf);
    default: break;
  }
  if (entry.op >= Op::but_strings) return leaf.kind != LeafKind::string || !excluded(entry, leaf.text);
  return leaf.kind == LeafKind::string && string_entry_holds(entry, leaf.text);
}

bool any_entry_holds(Words values, Leaf& leaf) {
  while (!values.empty()) {
    if (entry_holds(read_entry(values), leaf)) return true;
  }
  return false;
}

}  // namespace millrace

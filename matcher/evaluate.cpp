#include "matcher/evaluate.hpp"

#include "matcher/affix_order.hpp"
#include "matcher/case_fold.hpp"
#include "matcher/key_hash.hpp"
#include "matcher/long_list.hpp"
#include "matcher/wildcard.hpp"

namespace millrace {
namespace {

bool wildcard_holds(std::string_view wildcard, Leaf& leaf, EventFields& fields) {
  if (leaf.bytes < PairFilter::kValueBytesMin) return wildcard_matches(wildcard, leaf.text());
  return wildcard_matches(wildcard, leaf.text(), fields.pairs(leaf));
}

bool string_entry_holds(const Entry& entry, Leaf& leaf, EventFields& fields) {
  const std::string_view operand = entry.text(), value = leaf.text();
  switch (entry.op) {
    case Op::prefix:
      return value.starts_with(operand);
    case Op::suffix:
      return value.ends_with(operand);
    case Op::ignore_case:
      return equals_ascii_lower(value, operand);
    case Op::prefix_ignore_case:
      return value.size() >= operand.size() && equals_ascii_lower(value.substr(0, operand.size()), operand);
    case Op::suffix_ignore_case:
      return value.size() >= operand.size() && equals_ascii_lower(value.substr(value.size() - operand.size()), operand);
    case Op::fold:
      return fold_matches(operand, value, FoldAnchor::whole);
    case Op::prefix_fold:
      return fold_matches(operand, value, FoldAnchor::head);
    case Op::suffix_fold:
      return fold_matches(operand, value, FoldAnchor::tail);
    case Op::wildcard:
      return wildcard_holds(operand, leaf, fields);
    default:
      return false;
  }
}

// Is it an operand of the list? A long one has them by hash. `is_it`: of the operand's number, from 0.
template <typename Key, typename IsIt>
bool is_listed(const Entry& list, Key key, IsIt&& is_it) {
  if (list.count >= kLongListMin)
    return any_in_slots(slots_of(list), operand_hash(key), [&](std::uint32_t number) { return is_it(number - 1); });
  for (std::uint32_t i = 0; i < list.count; ++i) {
    if (is_it(i)) return true;
  }
  return false;
}

bool is_operand(const Entry& list, std::string_view value) {
  return is_listed(list, value, [&](std::uint32_t i) {
    return list.operands[i] == value.size() && equal_texts(operand(list, i), value);
  });
}

bool excluded(const Entry& entry, Leaf& leaf, EventFields& fields) {
  const std::string_view value = leaf.text();
  switch (entry.op) {
    case Op::but_strings:
      return is_operand(entry, value);
    case Op::but_ignore_case:
      return is_operand(entry, fields.lower(value));
    case Op::but_prefix:
    case Op::but_suffix:
      return has_any_affix(value, entry.count, entry.op == Op::but_suffix,
                           [&](std::uint32_t i) { return operand(entry, i); });
    case Op::but_fold:
      return any_operand(entry, [&](std::string_view text) { return fold_matches(text, value, FoldAnchor::whole); });
    default:
      return any_operand(entry, [&](std::string_view text) { return wildcard_holds(text, leaf, fields); });
  }
}

bool number_excluded(const Entry& entry, NumberKey key) {
  return key != kNotComparable && is_listed(entry, key, [&](std::uint32_t i) { return entry.number(i) == key; });
}

bool number_entry_holds(const Entry& entry, NumberKey key) {
  if (key == kNotComparable) return false;
  return entry.op == Op::exact_number ? key == entry.number(0) : key >= entry.number(0) && key <= entry.number(1);
}

}  // namespace

bool entry_holds(const Entry& entry, Leaf& leaf, EventFields& fields) {
  const bool is_string = leaf.kind == LeafKind::string, is_number = leaf.kind == LeafKind::number;
  switch (entry.op) {
    case Op::exact_string:
      return is_string && equal_texts(leaf.text(), entry.text());
    case Op::exists:
      return true;
    case Op::not_exists:
      return false;
    case Op::exact_token:
      return !is_string && leaf.text() == entry.text();
    case Op::exact_number:
    case Op::range:
      return is_number && number_entry_holds(entry, fields.number(leaf));
    case Op::cidr:
      return is_string && fields.address(leaf) && block_contains(entry.block(), *fields.address(leaf));
    case Op::but_numbers:
      return !is_number || !number_excluded(entry, fields.number(leaf));
    default:
      break;
  }
  if (entry.op >= Op::but_strings) return !is_string || !excluded(entry, leaf, fields);
  return is_string && string_entry_holds(entry, leaf, fields);
}

bool any_entry_holds(Words values, Leaf& leaf, EventFields& fields) {
  if (has_directory(values)) return any_listed_holds(values, leaf, fields);
  while (!values.empty()) {
    if (entry_holds(read_entry(values), leaf, fields)) return true;
  }
  return false;
}

}  // namespace millrace

// The oracle's verdict, on what its other files read.
#include "reference.hpp"

#include <unicode/locid.h>
#include <unicode/unistr.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <set>
#include <utility>

#include "tests/reference/events.hpp"
#include "tests/reference/patterns.hpp"

namespace millrace::reference {
namespace {

// ---- The verdict on one leaf (1.3 - 1.9) ---------------------------------------------------------------------------

bool equal(const Scalar& rule, const Scalar& leaf) {
  if (rule.kind != leaf.kind) return false;
  return rule.text == leaf.text || (rule.number && leaf.number && *rule.number == *leaf.number);
}

bool in_range(double value, const Range& range) {
  const bool above = value > range.low || (range.low_included && value == range.low);
  const bool below = value < range.high || (range.high_included && value == range.high);
  return above && below;
}

// What a character of a rule stands for when case is ignored; mappings may be longer than one character.
std::set<std::string> spellings(UChar32 c) {
  const icu::UnicodeString self(c);
  if (c > 0xFFFF) return {utf8(self)};
  icu::UnicodeString lower(self);
  icu::UnicodeString upper(self);
  return {utf8(self), utf8(lower.toLower(icu::Locale::getRoot())), utf8(upper.toUpper(icu::Locale::getRoot()))};
}

// Where the rule's text can end in `value` if it begins at `start`, ignoring case.
std::set<std::size_t> ends_ignoring_case(const std::string& rule, const std::string& value, std::size_t start) {
  std::set<std::size_t> ends = {start};
  const icu::UnicodeString characters = icu::UnicodeString::fromUTF8(rule);
  for (std::int32_t i = 0; i < characters.length(); i = characters.moveIndex32(i, 1)) {
    std::set<std::size_t> longer;
    for (const std::string& spelling : spellings(characters.char32At(i))) {
      for (std::size_t end : ends) {
        if (value.compare(end, spelling.size(), spelling) == 0) longer.insert(end + spelling.size());
      }
    }
    ends = std::move(longer);
  }
  return ends;
}

bool ends_with_ignoring_case(const std::string& value, const std::string& suffix) {
  for (std::size_t start = 0; start <= value.size(); ++start) {
    if (ends_ignoring_case(suffix, value, start).contains(value.size())) return true;
  }
  return false;
}

// Keeps the set of lengths of `value` that the pattern read so far can cover.
bool matches_wildcard(const std::string& pattern, const std::string& value) {
  std::vector<bool> covered(value.size() + 1, false);
  covered[0] = true;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '*') {
      const auto first = std::find(covered.begin(), covered.end(), true);
      std::fill(first, covered.end(), true);
      continue;
    }
    if (pattern[i] == '\\') ++i;
    std::vector<bool> longer(value.size() + 1, false);
    for (std::size_t n = 0; n < value.size(); ++n) longer[n + 1] = covered[n] && value[n] == pattern[i];
    covered = std::move(longer);
  }
  return covered[value.size()];
}

bool string_satisfies(const std::string& value, Operator op, const std::string& text) {
  if (op == Operator::prefix) return value.starts_with(text);
  if (op == Operator::suffix) return value.ends_with(text);
  if (op == Operator::prefix_ignore_case) return !ends_ignoring_case(text, value, 0).empty();
  if (op == Operator::suffix_ignore_case) return ends_with_ignoring_case(value, text);
  if (op == Operator::equals_ignore_case) return ends_ignoring_case(text, value, 0).contains(value.size());
  return op == Operator::wildcard && matches_wildcard(text, value);
}

bool satisfies(const Scalar& leaf, const Condition& condition) {
  switch (condition.op) {
    case Operator::exactly:
      return equal(condition.operand, leaf);
    case Operator::address:
      return leaf.address && contains(condition.network, *leaf.address);
    case Operator::numeric:
      return leaf.number && in_range(*leaf.number, condition.range);
    case Operator::exists:
      return true;
    case Operator::absent:
      return false;
    case Operator::anything_but:
      return std::none_of(condition.none_of.begin(), condition.none_of.end(),
                          [&](const Condition& excluded) { return satisfies(leaf, excluded); });
    default:
      return leaf.kind == Scalar::Kind::string && string_satisfies(leaf.text, condition.op, condition.operand.text);
  }
}

// ---- The verdict on an event (1.10, 1.11) --------------------------------------------------------------------------

bool consistent(const Membership& left, const Membership& right) {
  return std::all_of(left.begin(), left.end(), [&](const auto& entry) {
    const auto other = right.find(entry.first);
    return other == right.end() || other->second == entry.second;
  });
}

const std::vector<Leaf>& leaves_at(const std::string& path, const Event& event) {
  static const std::vector<Leaf> none;
  const auto found = event.leaves.find(path);
  return found == event.leaves.end() ? none : found->second;
}

bool satisfies_any(const Scalar& leaf, const std::vector<Condition>& conditions) {
  return std::any_of(conditions.begin(), conditions.end(),
                     [&](const Condition& condition) { return satisfies(leaf, condition); });
}

bool may_be_absent(const std::vector<Condition>& conditions) {
  return std::any_of(conditions.begin(), conditions.end(),
                     [](const Condition& condition) { return condition.op == Operator::absent; });
}

// Can the fields from `field` on pick their leaves, given the array elements that earlier fields have picked?
bool search(const Conjunction& fields, Conjunction::const_iterator field, const Event& event,
            const Membership& picked) {
  if (field == fields.end()) return true;
  const auto& [path, conditions] = *field;
  bool present = false;
  for (const Leaf& leaf : leaves_at(path, event)) {
    if (!consistent(leaf.membership, picked)) continue;
    present = true;
    if (!satisfies_any(leaf.value, conditions)) continue;
    Membership extended = picked;
    extended.insert(leaf.membership.begin(), leaf.membership.end());
    if (search(fields, std::next(field), event, extended)) return true;
  }
  return !present && may_be_absent(conditions) && search(fields, std::next(field), event, picked);
}

}  // namespace

std::variant<Rule, std::string> Rule::parse(std::string_view pattern) {
  try {
    const std::vector<Clause> clauses = PatternReader(pattern).read();
    if (combinations(clauses) > kCombinationsMax) return "Rule has over 1000 rule combinations";
    Rule rule;
    rule.alternatives_ = expand(clauses, {Conjunction{}});
    for (const Conjunction& alternative : rule.alternatives_) {
      if (alternative.size() > kFieldsMax) return "Size of rule 'r0' exceeds max value of 256";
    }
    return rule;
  } catch (const Refused& refused) {
    return refused.reason;
  }
}

std::variant<Event, std::string> parse_event(std::string_view text) {
  try {
    return EventReader(text).read();
  } catch (const Refused& refused) {
    return refused.reason;
  }
}

bool matches(const Rule& rule, const Event& event) {
  return std::any_of(rule.alternatives_.begin(), rule.alternatives_.end(),
                     [&](const Conjunction& fields) { return search(fields, fields.begin(), event, Membership{}); });
}

}  // namespace millrace::reference

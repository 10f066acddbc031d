#include "matcher/pattern.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "matcher/case_fold.hpp"
#include "matcher/json_cursor.hpp"
#include "matcher/long_list.hpp"
#include "matcher/source_place.hpp"
#include "matcher/wildcard.hpp"

namespace millrace {
namespace {

constexpr std::array<std::string_view, 24> kReservedInsideOr = {"exactly",
                                                                "equals-ignore-case",
                                                                "prefix",
                                                                "suffix",
                                                                "anything-but",
                                                                "exists",
                                                                "wildcard",
                                                                "numeric",
                                                                "cidr",
                                                                "=",
                                                                "<",
                                                                "<=",
                                                                ">",
                                                                ">=",
                                                                "regex",
                                                                "not-wildcard",
                                                                "not-equals-ignore-case",
                                                                "date-after",
                                                                "date-on-or-after",
                                                                "date-before",
                                                                "date-on-or-before",
                                                                "in-date-range",
                                                                "ip-address-in-range",
                                                                "ip-address-not-in-range"};

constexpr NumberKey kKeyMin = 0;
constexpr NumberKey kKeyMax = ~NumberKey{0};
constexpr const char* kOneKey = "Only one key allowed in match expression";
constexpr const char* kTooManyElements = "Too many elements in numeric expression";
constexpr const char* kButValue = "Value of anything-but must be an array or single string/number value.";
constexpr const char* kTooComplex =
    "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard "
    "character";

bool is_reserved(std::string_view name) {
  return std::find(kReservedInsideOr.begin(), kReservedInsideOr.end(), name) != kReservedInsideOr.end();
}

}  // namespace

// One pass over the tokens, in the order and with the checks of AWS's compiler; every step says false once it has
// refused.
class PatternParser {
 public:
  explicit PatternParser(Pattern& out) : out_(out), rules_(out.conjunctions_) {}

  std::optional<PatternError> run(std::string_view text) {
    if (text.size() > kPatternBytesMax)
      return PatternError{"Event pattern is larger than " + std::to_string(kPatternBytesMax) + " bytes",
                          kPatternBytesMax};
    cursor_.reset(text);
    const Token first = cursor_.next();
    const bool ok =
        first == Token::start_object ? object(false) && finish() : refuse_any_string(first, "Filter is not an object");
    if (ok) return {};
    return std::move(error_);
  }

 private:
  using Rules = std::vector<std::vector<std::uint32_t>>;

  bool refuse(std::string_view reason) {
    error_ = {without_lone_surrogates(reason.substr(0, reason.find('\n'))), cursor_.offset()};
    return false;
  }
  // Of what was found where a string would have been wanted; and where none would.
  bool refuse(Token found, std::string_view reason) {
    return refuse(found == Token::error ? std::string_view(cursor_.reason()) : reason);
  }
  bool refuse_any_string(Token found, std::string_view reason) {
    return found == Token::error && cursor_.failed_in_string() ? refuse(reason) : refuse(found, reason);
  }
  bool expect(Token wanted, const char* otherwise) {
    const Token found = cursor_.next();
    return found == wanted || refuse_any_string(found, otherwise);
  }
  bool expect_string(const char* otherwise) {
    const Token found = cursor_.next();
    return found == Token::string || refuse(found, otherwise);
  }

  bool object(bool inside_or) {
    bool any = false;
    for (Token token; (token = cursor_.next()) != Token::end_object; any = true) {
      if (token != Token::field_name) return refuse(token, "Unexpected token in an object");
      if (!(cursor_.text() == "$or" ? or_relationship() : field(inside_or))) return false;
    }
    return any || refuse("Empty objects are not allowed");
  }

  bool field(bool inside_or) {
    const std::string name(cursor_.text());
    if (inside_or && is_reserved(name))
      return refuse(name + " is Ruler reserved fieldName which cannot be used inside $or.");
    const std::size_t parent = path_.size();
    if (depth_ > 0) path_ += '.';
    path_ += name;
    const Token token = cursor_.next();
    bool ok;
    if (token == Token::start_object) {
      ++depth_;
      ok = object(inside_or);
      --depth_;
    } else if (token == Token::start_array) {
      ok = leaf_list();
    } else {
      ok = refuse_any_string(token, "\"" + name + "\" must be an object or an array");
    }
    path_.resize(parent);
    return ok;
  }

  bool or_relationship() {
    Rules before = std::move(rules_);
    rules_.clear();
    if (before.empty()) before.emplace_back();
    if (!expect(Token::start_array, "It must be an Array followed with $or.")) return false;
    Rules all;
    std::size_t length = 0;
    for (Token token; (token = cursor_.next()) != Token::end_array; ++length) {
      if (token != Token::start_object)
        return refuse_any_string(token, "Only JSON object is allowed in array of $or relationship.");
      rules_ = before;
      if (!object(true)) return false;
      all.insert(all.end(), rules_.begin(), rules_.end());
      if (all.size() > kPatternCombinationsMax) return refuse_combinations();
    }
    if (length < 2) return refuse("There must have at least 2 Objects in $or relationship.");
    rules_ = std::move(all);
    return true;
  }

  bool refuse_combinations() { return refuse("Rule has over 1000 rule combinations"); }

  // AWS rates a rule as a whole, once it has no other fault: together what conjunctions have for one path, if they are
  // the same in front of it.
  bool check_wildcards() {
    if (wildcards_.empty()) return true;
    std::map<std::pair<std::vector<std::uint32_t>, std::string_view>, std::set<WildcardSet>> together;
    for (const auto& rule : rules_) {
      for (auto field = rule.begin(); field != rule.end(); ++field) {
        const auto found = wildcards_.find(*field);
        if (found == wildcards_.end()) continue;
        together[{{rule.begin(), field}, out_.path(*field)}].insert(found->second.begin(), found->second.end());
      }
    }
    return std::all_of(together.begin(), together.end(), [&](const auto& one) {
      const std::vector<WildcardSet> wildcards(one.second.begin(), one.second.end());
      return wildcard_complexity(wildcards) <= kWildcardComplexityMax || refuse(kTooComplex);
    });
  }

  bool finish() {
    for (auto& rule : rules_) {
      if (rule.size() > kPatternFieldsMax)
        return refuse("Size of rule 'r0' exceeds max value of " + std::to_string(kPatternFieldsMax));
      std::sort(rule.begin(), rule.end(), [&](auto a, auto b) { return out_.path(a) < out_.path(b); });
    }
    return check_wildcards();
  }

  bool leaf_list() {
    const auto values_begin = static_cast<std::uint32_t>(out_.values_.size());
    list_wildcards_.clear();
    std::size_t count = 0;
    for (Token token; (token = cursor_.next()) != Token::end_array; ++count) {
      if (!alternative(token)) return false;
    }
    if (count == 0) return refuse("Empty arrays are not allowed");
    if (count >= kLongListMin) put_directory(out_.values_, values_begin);
    const auto words = static_cast<std::uint32_t>(out_.values_.size()) - values_begin;
    put({static_cast<std::uint32_t>(out_.paths_.size()), static_cast<std::uint32_t>(path_.size()), values_begin,
         words});
    return true;
  }

  void put(Pattern::Field field) {
    const auto index = static_cast<std::uint32_t>(out_.fields_.size());
    out_.paths_ += path_;
    out_.fields_.push_back(field);
    if (!list_wildcards_.empty()) wildcards_[index] = list_wildcards_;
    if (rules_.empty()) rules_.emplace_back();
    for (auto& rule : rules_) {
      const auto same = std::find_if(rule.begin(), rule.end(), [&](auto other) { return out_.path(other) == path_; });
      if (same == rule.end()) {
        rule.push_back(index);
      } else {
        *same = index;
      }
    }
  }

  bool alternative(Token token) {
    switch (token) {
      case Token::start_object:
        return expression();
      case Token::string:
        return string_value();
      case Token::number:
        if (const NumberKey key = comparable_number(cursor_.text()); key != kNotComparable) {
          append_numbers(Op::exact_number, {&key, 1}, out_.values_);
          return true;
        }
        [[fallthrough]];
      case Token::literal_true:
      case Token::literal_false:
      case Token::literal_null:
        return text(Op::exact_token);
      default:
        return refuse(token, "Match value must be String, number, true, false, or null");
    }
  }

  bool text(Op op) {
    append_text(op, cursor_.text(), out_.values_);
    return true;
  }

  bool string_value() {
    const auto address = parse_ip(cursor_.text());
    if (!address) return text(Op::exact_string);
    append_block({*address, static_cast<std::uint8_t>(address->is_v6 ? 128 : 32)}, out_.values_);
    return true;
  }

  bool expression() {
    if (!expect(Token::field_name, "Match expression name not found")) return false;
    const std::string_view name = cursor_.text();
    if (name == "numeric") return numeric();
    if (name == "anything-but") return anything_but() && expect(Token::end_object, kTooManyElements);
    bool ok;
    if (name == "exactly") {
      ok = expect_string("exact match pattern must be a string") && text(Op::exact_string);
    } else if (name == "prefix") {
      ok = affix("prefix", Op::prefix, Op::prefix_ignore_case, Op::prefix_fold);
    } else if (name == "suffix") {
      ok = affix("suffix", Op::suffix, Op::suffix_ignore_case, Op::suffix_fold);
    } else if (name == "equals-ignore-case") {
      ok = ignore_case(Op::ignore_case, Op::fold);
    } else if (name == "wildcard") {
      ok = expect_string("wildcard match pattern must be a string") && wildcard();
    } else if (name == "cidr") {
      ok = expect_string("prefix match pattern must be a string") && cidr();
    } else if (name == "exists") {
      ok = exists();
    } else {
      return refuse("Unrecognized match type " + std::string(name));
    }
    return ok && expect(Token::end_object, kOneKey);
  }

  bool ignore_case(Op ascii, Op beyond) {
    if (!expect_string("equals-ignore-case match pattern must be a string")) return false;
    operand_.clear();
    const bool plain = is_ascii(cursor_.text());
    if (plain) append_ascii_lower(cursor_.text(), operand_);
    append_text(plain ? ascii : beyond, plain ? operand_ : encode_fold(cursor_.text()), out_.values_);
    return true;
  }

  bool affix(const std::string& name, Op op, Op op_ignore_case, Op op_fold) {
    const Token token = cursor_.next();
    if (token == Token::string) return text(op);
    if (token != Token::start_object) return refuse(token, name + " match pattern must be a string");
    const Token key = cursor_.next();
    const auto title = std::string(1, static_cast<char>(name[0] - 'a' + 'A')) + name.substr(1);
    if (key != Token::field_name) return refuse(key, title + " expression name not found");
    if (cursor_.text() != "equals-ignore-case")
      return refuse("Unsupported " + name + " pattern: " + std::string(cursor_.text()));
    return ignore_case(op_ignore_case, op_fold) && expect(Token::end_object, kOneKey);
  }

  // `at`: where it ends in the pattern's text.
  bool check_wildcard(std::string_view text, std::size_t at, std::string& out) {
    const auto parsed = parse_wildcard(text);
    if (const auto* error = std::get_if<WildcardError>(&parsed)) {
      const bool consecutive = error->kind == WildcardError::consecutive_stars;
      error_ = {(consecutive ? "Consecutive wildcard characters at pos " : "Invalid escape character at pos ") +
                    std::to_string(error->position),
                at};
      return false;
    }
    out = std::get<std::string>(parsed);
    return true;
  }

  bool wildcard() {
    if (!check_wildcard(cursor_.text(), cursor_.offset(), operand_)) return false;
    list_wildcards_.push_back({operand_});
    append_text(Op::wildcard, operand_, out_.values_);
    return true;
  }

  bool cidr() {
    const auto parsed = parse_cidr(cursor_.text());
    if (const auto* reason = std::get_if<std::string>(&parsed)) return refuse(*reason);
    append_block(std::get<IpBlock>(parsed), out_.values_);
    return true;
  }

  bool exists() {
    const Token token = cursor_.next();
    if (token != Token::literal_true && token != Token::literal_false) {
      return refuse_any_string(token, "exists match pattern must be either true or false.");
    }
    append_text(token == Token::literal_true ? Op::exists : Op::not_exists, "", out_.values_);
    return true;
  }

  // --- numeric ---

  bool number(Token token, std::string_view op, NumberKey& out) {
    if (token != Token::number)
      return refuse_any_string(token, "Value of " + std::string(op == "=" ? "equals" : op) + " must be numeric");
    out = comparable_number(cursor_.text());
    if (out == kNotComparable && not_comparable_.empty()) not_comparable_ = cursor_.text();
    return true;
  }

  bool numeric() {
    if (!expect(Token::start_array, "Value of numeric must be an array.")) return false;
    Token token = cursor_.next();
    if (token != Token::string) return refuse(token, "Invalid member in numeric match: " + std::string(cursor_.text()));
    const std::string op(cursor_.text());
    token = cursor_.next();
    if (op != "=" && op != "<" && op != "<=" && op != ">" && op != ">=") {
      return refuse(token, "Unrecognized numeric range operator: " + op);
    }
    not_comparable_.clear();
    NumberKey bound = 0;
    if (!number(token, op, bound)) return false;
    token = cursor_.next();
    if (token == Token::end_array) return one_bound(op, bound) && expect(Token::end_object, kTooManyElements);
    if (op[0] != '>') return refuse_any_string(token, kTooManyElements);
    return upper_bound(token, op == ">" ? bound + 1 : bound, bound) && expect(Token::end_object, kTooManyElements);
  }

  bool one_bound(const std::string& op, NumberKey bound) {
    if (!not_comparable_.empty()) return refuse_number();
    if (op == "=") {
      append_numbers(Op::exact_number, {&bound, 1}, out_.values_);
    } else if (op[0] == '>') {
      range(op == ">" ? bound + 1 : bound, kKeyMax);
    } else {
      range(kKeyMin, op == "<" ? bound - 1 : bound);
    }
    return true;
  }

  bool upper_bound(Token token, NumberKey low, NumberKey bottom) {
    if (token != Token::string) return refuse(token, "Bad value in numeric range: " + std::string(cursor_.text()));
    const std::string op(cursor_.text());
    if (op != "<" && op != "<=") return refuse("Bad numeric range operator: " + op);
    NumberKey top = 0;
    if (!number(cursor_.next(), op, top) || !expect(Token::end_array, "Too many terms in numeric range expression"))
      return false;
    if (!not_comparable_.empty()) return refuse_number();
    if (bottom >= top) return refuse("Bottom must be less than top");
    range(low, op == "<" ? top - 1 : top);
    return true;
  }

  bool refuse_number() { return refuse("Cannot compare number : " + not_comparable_); }

  void range(NumberKey low, NumberKey high) {
    const std::array<NumberKey, 2> bounds{low, high};
    append_numbers(Op::range, bounds, out_.values_);
  }

  // --- anything-but ---

  bool anything_but() {
    operands_.clear();
    operand_ends_.clear();
    const Token token = cursor_.next();
    switch (token) {
      case Token::start_object:
        return anything_but_expression();
      case Token::start_array:
        return anything_but_list();
      case Token::string:
        operands_.emplace_back(cursor_.text());
        return but_list(Op::but_strings);
      case Token::number:
        return but_number();
      default:
        return refuse(token, kButValue);
    }
  }

  bool but_list(Op op) {
    append_list(op, operands_, out_.values_);
    return true;
  }

  bool but_number() {
    not_comparable_.clear();
    NumberKey key = 0;
    if (!number(Token::number, "=", key)) return false;
    if (!not_comparable_.empty()) return refuse_number();
    append_numbers(Op::but_numbers, {&key, 1}, out_.values_);
    return true;
  }

  bool anything_but_list() {
    std::vector<NumberKey> numbers;
    not_comparable_.clear();
    for (Token token; (token = cursor_.next()) != Token::end_array;) {
      if (token == Token::string) {
        operands_.emplace_back(cursor_.text());
      } else if (token == Token::number) {
        if (!number(token, "=", numbers.emplace_back())) return false;
        if (!not_comparable_.empty()) return refuse_number();
      } else {
        return refuse(token, "Inside anything but list, start|null|boolean is not supported.");
      }
    }
    if (numbers.empty() == operands_.empty()) {
      return refuse("Inside anything but list, either all values are number or string, mixed type is not supported");
    }
    if (numbers.empty()) return but_list(Op::but_strings);
    append_numbers(Op::but_numbers, numbers, out_.values_);
    return true;
  }

  enum class ButKind { prefix, suffix, ignore_case, wildcard };

  bool anything_but_expression() {
    if (!expect(Token::field_name, "Anything-But expression name not found")) return false;
    const std::string_view name = cursor_.text();
    ButKind kind;
    if (name == "prefix") {
      kind = ButKind::prefix;
    } else if (name == "suffix") {
      kind = ButKind::suffix;
    } else if (name == "equals-ignore-case") {
      kind = ButKind::ignore_case;
    } else if (name == "wildcard") {
      kind = ButKind::wildcard;
    } else {
      return refuse("Unsupported anything-but pattern: " + std::string(name));
    }
    Token token = cursor_.next();
    if (token != Token::start_array && token != Token::string && token != Token::number)
      return refuse(token, kButValue);
    if (token != Token::start_array)
      return but_operand(kind, token) && but_operands(kind) && expect(Token::end_object, kTooManyElements);
    while ((token = cursor_.next()) != Token::end_array) {
      if (!but_operand(kind, token)) return false;
    }
    if (operands_.empty()) return refuse("Empty arrays are not allowed");
    return but_operands(kind) && expect(Token::end_object, kTooManyElements);
  }

  bool but_operand(ButKind kind, Token token) {
    if (token != Token::string) {
      return refuse(token,
                    kind == ButKind::ignore_case
                        ? "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
                    : kind == ButKind::wildcard ? "wildcard match pattern must be a string"
                                                : "prefix/suffix match pattern must be a string");
    }
    const bool is_affix = kind == ButKind::prefix || kind == ButKind::suffix;
    if (is_affix && cursor_.text().empty()) return refuse("Null prefix/suffix not allowed");
    operands_.emplace_back(cursor_.text());
    operand_ends_.push_back(cursor_.offset());
    return true;
  }

  // AWS looks into the wildcards of a list once it has read all of them, in their order.
  bool but_wildcards() {
    std::vector<std::pair<std::string, std::size_t>> read;
    for (std::size_t i = 0; i < operands_.size(); ++i) read.emplace_back(operands_[i], operand_ends_[i]);
    std::sort(read.begin(), read.end());
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      if (!check_wildcard(read[i].first, read[i].second, operands_[i])) return false;
    }
    list_wildcards_.emplace_back(operands_.begin(), operands_.end());
    return but_list(Op::but_wildcard);
  }

  bool but_operands(ButKind kind) {
    if (kind == ButKind::wildcard) return but_wildcards();
    if (kind != ButKind::ignore_case) return but_list(kind == ButKind::prefix ? Op::but_prefix : Op::but_suffix);
    const bool plain = std::all_of(operands_.begin(), operands_.end(), is_ascii);
    for (auto& operand : operands_) {
      std::string folded;
      if (plain) append_ascii_lower(operand, folded);
      operand = plain ? folded : encode_fold(operand);
    }
    return but_list(plain ? Op::but_ignore_case : Op::but_fold);
  }

  Pattern& out_;
  Rules& rules_;
  JsonCursor cursor_;
  std::string path_;
  std::size_t depth_ = 0;
  std::string operand_;
  std::vector<std::string> operands_;
  std::vector<std::size_t> operand_ends_;  // in the pattern's text
  std::string not_comparable_;
  std::vector<WildcardSet> list_wildcards_;
  std::map<std::uint32_t, std::vector<WildcardSet>> wildcards_;  // by field that has any
  PatternError error_;
};

std::optional<PatternError> Pattern::parse(std::string_view text) {
  paths_.clear();
  values_.clear();
  fields_.clear();
  conjunctions_.clear();
  auto error = PatternParser(*this).run(text);
  if (error) conjunctions_.clear();
  return error;
}

}  // namespace millrace

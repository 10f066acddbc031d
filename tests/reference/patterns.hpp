// Patterns, from text to alternatives of fields (1.1, 1.2, 1.5 - 1.12), and the messages of section 2.
//
// Threads: one thread an object. Cost: no care is taken. Errors: Refused.
#pragma once

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/reference/addresses.hpp"
#include "tests/reference/json.hpp"
#include "tests/reference/numbers.hpp"
#include "tests/reference/reference.hpp"

namespace millrace::reference {

// LIMIT: of AWS, the alternatives of one pattern ("rule combinations").
constexpr std::size_t kCombinationsMax = 1000;
// LIMIT: of event-ruler, distinct paths in one alternative.
constexpr std::size_t kFieldsMax = 256;

constexpr std::string_view kReservedInOr =
    "exactly equals-ignore-case prefix suffix anything-but exists wildcard numeric cidr = < <= > >= regex not-wildcard "
    "not-equals-ignore-case date-after date-on-or-after date-before date-on-or-before in-date-range "
    "ip-address-in-range ip-address-not-in-range";

// One member of a pattern, in document order: conditions on a path, or (values is empty) a $or.
struct Clause {
  std::string path;
  std::vector<Condition> values;
  std::vector<std::vector<Clause>> branches;
};

bool is_scalar(Token token) { return token == Token::string || token == Token::number || token == Token::word; }

inline Scalar make_scalar(Token token, const std::string& text) {
  if (token == Token::string) return {Scalar::Kind::string, text, std::nullopt, parse_address(text)};
  if (token == Token::number) return {Scalar::Kind::number, text, comparable(text), std::nullopt};
  return {Scalar::Kind::word, text, std::nullopt, std::nullopt};
}

inline std::string join(const std::vector<std::string>& path) {
  std::string dotted;
  for (const std::string& segment : path) dotted += segment + '.';
  if (!dotted.empty()) dotted.pop_back();
  return dotted;
}

// Positions count from the opening quote of the string.
inline void check_wildcard(const std::string& pattern) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char following = i + 1 < pattern.size() ? pattern[i + 1] : '"';
    if (pattern[i] == '*' && following == '*') {
      throw Refused{"Consecutive wildcard characters at pos " + std::to_string(i + 1)};
    }
    if (pattern[i] != '\\') continue;
    if (following != '*' && following != '\\') {
      throw Refused{"Invalid escape character at pos " + std::to_string(i + 1)};
    }
    ++i;
  }
}

inline double comparable_or_refuse(const std::string& literal) {
  const auto value = comparable(literal);
  if (!value) throw Refused{"Cannot compare number : " + literal};
  return *value;
}

class PatternReader {
 public:
  explicit PatternReader(std::string_view text) : json_(text, true) {}

  std::vector<Clause> read() {
    if (json_.next() != Token::begin_object) throw Refused{"Filter is not an object"};
    std::vector<Clause> clauses;
    std::vector<std::string> path;
    read_object(path, false, clauses);
    return clauses;
  }

 private:
  // Each function below starts behind the token that told its caller to call it.

  void read_object(std::vector<std::string>& path, bool inside_or, std::vector<Clause>& clauses) {
    bool empty = true;
    for (; json_.next() != Token::end_object; empty = false) {
      if (json_.text() == "$or") {
        read_or(path, clauses);
        continue;
      }
      path.push_back(json_.text());
      if (inside_or) check_not_reserved(path.back());
      const Token token = json_.next();
      if (token == Token::begin_object) {
        read_object(path, inside_or, clauses);
      } else {
        read_field(token, path, clauses);
      }
      path.pop_back();
    }
    if (empty) throw Refused{"Empty objects are not allowed"};
  }

  static void check_not_reserved(const std::string& name) {
    const auto reserved = split(kReservedInOr, ' ');
    if (std::find(reserved.begin(), reserved.end(), name) == reserved.end()) return;
    throw Refused{name + " is Ruler reserved fieldName which cannot be used inside $or."};
  }

  // Stays out of line: with it inlined, a sanitizer's stack is too small for 1,000 levels of read_object.
  [[gnu::noinline]] void read_field(Token token, const std::vector<std::string>& path, std::vector<Clause>& clauses) {
    if (token != Token::begin_array) throw Refused{'"' + path.back() + "\" must be an object or an array"};
    clauses.push_back({join(path), read_values(), {}});
  }

  void read_or(std::vector<std::string>& path, std::vector<Clause>& clauses) {
    if (json_.next() != Token::begin_array) throw Refused{"It must be an Array followed with $or."};
    Clause clause;
    for (Token token = json_.next(); token != Token::end_array; token = json_.next()) {
      if (token != Token::begin_object) throw Refused{"Only JSON object is allowed in array of $or relationship."};
      read_object(path, true, clause.branches.emplace_back());
    }
    if (clause.branches.size() < 2) throw Refused{"There must have at least 2 Objects in $or relationship."};
    clauses.push_back(std::move(clause));
  }

  std::vector<Condition> read_values() {
    std::vector<Condition> values;
    for (Token token = json_.next(); token != Token::end_array; token = json_.next()) {
      if (token == Token::begin_object) {
        values.push_back(read_expression());
      } else if (is_scalar(token)) {
        values.push_back(plain_value(make_scalar(token, json_.text())));
      } else {
        throw Refused{"Match value must be String, number, true, false, or null"};
      }
    }
    if (values.empty()) throw Refused{"Empty arrays are not allowed"};
    return values;
  }

  static Condition plain_value(Scalar scalar) {
    if (!scalar.address) return {.op = Operator::exactly, .operand = std::move(scalar)};
    return {.op = Operator::address, .network = {*scalar.address, scalar.address->size() * 8}};
  }

  Condition read_expression() {
    if (json_.next() != Token::name) throw Refused{"Match expression name not found"};
    const std::string name = json_.text();
    if (name == "exactly") return read_text(Operator::exactly, "exact");
    if (name == "prefix") return read_affix(Operator::prefix, Operator::prefix_ignore_case, "prefix", "Prefix");
    if (name == "suffix") return read_affix(Operator::suffix, Operator::suffix_ignore_case, "suffix", "Suffix");
    if (name == "equals-ignore-case") return read_text(Operator::equals_ignore_case, name);
    if (name == "wildcard") return read_text(Operator::wildcard, name);
    if (name == "cidr") return read_text(Operator::address, "prefix");  // (sic)
    if (name == "numeric") return read_numeric();
    if (name == "exists") return read_exists();
    if (name == "anything-but") return read_anything_but();
    throw Refused{"Unrecognized match type " + name};
  }

  void close_object(const char* reason = "Only one key allowed in match expression") {
    if (json_.next() != Token::end_object) throw Refused{reason};
  }

  Condition read_text(Operator op, const std::string& called) {
    Condition condition = text_condition(op, json_.next(), called + " match pattern must be a string");
    close_object();
    return condition;
  }

  Condition text_condition(Operator op, Token token, const std::string& reason) {
    if (token != Token::string) throw Refused{reason};
    if (op == Operator::address) return {.op = op, .network = parse_cidr(json_.text())};
    if (op == Operator::wildcard) check_wildcard(json_.text());
    return {.op = op, .operand = make_scalar(token, json_.text())};
  }

  // {"prefix": "x"} or {"prefix": {"equals-ignore-case": "x"}}
  Condition read_affix(Operator op, Operator ignoring_case, const std::string& name, const std::string& capital) {
    const Token token = json_.next();
    if (token != Token::begin_object) {
      Condition condition = text_condition(op, token, name + " match pattern must be a string");
      close_object();
      return condition;
    }
    if (json_.next() != Token::name) throw Refused{capital + " expression name not found"};
    if (json_.text() != "equals-ignore-case") {
      throw Refused{"Unsupported " + name + " pattern: " + json_.text()};
    }
    Condition condition = read_text(ignoring_case, "equals-ignore-case");
    close_object();
    return condition;
  }

  Condition read_exists() {
    const Token token = json_.next();
    const std::string text = json_.text();
    if (token != Token::word || text == "null") throw Refused{"exists match pattern must be either true or false."};
    close_object();
    return {.op = text == "true" ? Operator::exists : Operator::absent};
  }

  Condition read_numeric() {
    if (json_.next() != Token::begin_array) throw Refused{"Value of numeric must be an array."};
    if (json_.next() != Token::string) throw Refused{"Invalid member in numeric match: " + json_.text()};
    const std::string op = json_.text();
    const Token token = json_.next();
    if (op != "=" && op != "<" && op != "<=" && op != ">" && op != ">=") {
      throw Refused{"Unrecognized numeric range operator: " + op};
    }
    if (token != Token::number) throw Refused{"Value of " + (op == "=" ? "equals" : op) + " must be numeric"};
    const Range range = op.front() == '>' ? read_range_from(op) : read_range_to(op);
    close_object("Too many elements in numeric expression");
    return {.op = Operator::numeric, .range = range};
  }

  Range read_range_to(const std::string& op) {
    const std::string bound = json_.text();
    if (json_.next() != Token::end_array) throw Refused{"Too many elements in numeric expression"};
    Range range;
    range.high = comparable_or_refuse(bound);
    range.high_included = op != "<";
    if (op == "=") {
      range.low = range.high;
      range.low_included = true;
    }
    return range;
  }

  Range read_range_from(const std::string& op) {
    const std::string bound = json_.text();
    std::optional<std::string> top;
    Range range;
    const Token token = json_.next();
    if (token != Token::end_array) {
      top = read_top(token, range.high_included);
    }
    range.low = comparable_or_refuse(bound);
    range.low_included = op == ">=";
    if (top) range.high = comparable_or_refuse(*top);
    if (!(range.low < range.high)) throw Refused{"Bottom must be less than top"};
    return range;
  }

  std::string read_top(Token token, bool& included) {
    const std::string op = json_.text();
    if (token != Token::string) throw Refused{"Bad value in numeric range: " + op};
    if (op != "<" && op != "<=") throw Refused{"Bad numeric range operator: " + op};
    included = op == "<=";
    if (json_.next() != Token::number) throw Refused{"Value of " + op + " must be numeric"};
    const std::string top = json_.text();
    if (json_.next() != Token::end_array) throw Refused{"Too many terms in numeric range expression"};
    return top;
  }

  Condition read_anything_but() {
    const char* const too_many = "Too many elements in numeric expression";  // (sic)
    std::optional<Operator> inner;
    Token token = json_.next();
    if (token == Token::begin_object) {
      inner = read_inner_operator();
      token = json_.next();
    }
    if (token != Token::begin_array && token != Token::string && token != Token::number) {
      throw Refused{"Value of anything-but must be an array or single string/number value."};
    }
    Condition condition{.op = Operator::anything_but};
    if (inner) {
      condition.none_of = read_inner_values(*inner, token);
      close_object(too_many);
    } else {
      condition.none_of = read_excluded_values(token);
    }
    close_object(too_many);
    return condition;
  }

  Operator read_inner_operator() {
    if (json_.next() != Token::name) throw Refused{"Anything-But expression name not found"};
    if (json_.text() == "prefix") return Operator::prefix;
    if (json_.text() == "suffix") return Operator::suffix;
    if (json_.text() == "equals-ignore-case") return Operator::equals_ignore_case;
    if (json_.text() == "wildcard") return Operator::wildcard;
    throw Refused{"Unsupported anything-but pattern: " + json_.text()};
  }

  // {"anything-but": "x"}, {"anything-but": 1}, {"anything-but": [...]}
  std::vector<Condition> read_excluded_values(Token token) {
    if (token != Token::begin_array) return {excluded_value(token)};
    std::vector<Condition> values;
    std::set<Token> kinds;
    for (token = json_.next(); token != Token::end_array; token = json_.next()) {
      values.push_back(excluded_value(token));
      kinds.insert(token);
    }
    if (kinds.size() != 1) {
      throw Refused{"Inside anything but list, either all values are number or string, mixed type is not supported"};
    }
    return values;
  }

  Condition excluded_value(Token token) {
    if (token != Token::string && token != Token::number) {
      throw Refused{"Inside anything but list, start|null|boolean is not supported."};
    }
    if (token == Token::number) comparable_or_refuse(json_.text());
    return {.op = Operator::exactly, .operand = make_scalar(token, json_.text())};
  }

  // The value of {"anything-but": {"prefix": ...}}: one string or a list of strings.
  std::vector<Condition> read_inner_values(Operator op, Token token) {
    std::vector<Condition> values;
    if (token != Token::begin_array) {
      values.push_back(inner_value(op, token));
    } else {
      for (token = json_.next(); token != Token::end_array; token = json_.next()) {
        values.push_back(inner_value(op, token));
      }
      if (values.empty()) throw Refused{"Empty arrays are not allowed"};
    }
    // AWS looks into wildcards only after it has read the whole list.
    for (const Condition& value : values) {
      if (op == Operator::wildcard) check_wildcard(value.operand.text);
    }
    return values;
  }

  Condition inner_value(Operator op, Token token) {
    if (token != Token::string) {
      if (op == Operator::wildcard) throw Refused{"wildcard match pattern must be a string"};
      if (op != Operator::equals_ignore_case) throw Refused{"prefix/suffix match pattern must be a string"};
      throw Refused{"Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."};
    }
    const bool is_affix = op == Operator::prefix || op == Operator::suffix;
    if (is_affix && json_.text().empty()) throw Refused{"Null prefix/suffix not allowed"};
    return {.op = op, .operand = make_scalar(token, json_.text())};
  }

  JsonReader json_;
};

// The number of alternatives: $or arrays side by side multiply, the branches of one add up. Anything over the limit is
// limit + 1.
inline std::size_t combinations(const std::vector<Clause>& clauses) {
  std::size_t product = 1;
  for (const Clause& clause : clauses) {
    if (clause.branches.empty()) continue;
    std::size_t sum = 0;
    for (const auto& branch : clause.branches) sum = std::min(sum + combinations(branch), kCombinationsMax + 1);
    product = std::min(product * sum, kCombinationsMax + 1);
  }
  return product;
}

// Adds the clauses to each alternative, in document order: the last conditions written to a path stay.
inline std::vector<Conjunction> expand(const std::vector<Clause>& clauses, std::vector<Conjunction> alternatives) {
  for (const Clause& clause : clauses) {
    if (clause.branches.empty()) {
      for (Conjunction& alternative : alternatives) alternative[clause.path] = clause.values;
      continue;
    }
    std::vector<Conjunction> branched;
    for (const auto& branch : clause.branches) {
      for (Conjunction& alternative : expand(branch, alternatives)) branched.push_back(std::move(alternative));
    }
    alternatives = std::move(branched);
  }
  return alternatives;
}

}  // namespace millrace::reference

// The oracle, from the bottom up: JSON, scalars, patterns, events, the verdict.
#include "reference.hpp"

#include <unicode/locid.h>
#include <unicode/unistr.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <set>
#include <utility>

namespace millrace::reference {
namespace {

// Thrown inside this file only; parse() and parse_event() turn it into their answer.
struct Refused {
  std::string reason;
};

// ---- JSON ----------------------------------------------------------------------------------------------------------

// LIMIT: objects and arrays inside each other, in patterns and events, as in Jackson 2.15 and later.
constexpr std::size_t kNestingMax = 1000;

enum class Token {
  begin_object,
  end_object,
  begin_array,
  end_array,
  name,
  string,
  number,
  word,  // true, false, null
  end_of_text,
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_utf8(std::string_view bytes) {
  std::int32_t units = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strFromUTF8(nullptr, 0, &units, bytes.data(), static_cast<std::int32_t>(bytes.size()), &error);
  return error != U_INVALID_CHAR_FOUND;
}

std::string utf8(const icu::UnicodeString& text) {
  std::string bytes;
  return text.toUTF8String(bytes);
}

// Hands out one JSON value token by token, in document order, and refuses with the first byte that is not JSON. Says
// end_of_text only where a value was asked for and the text holds none.
class JsonReader {
 public:
  JsonReader(std::string_view text, bool unpaired_surrogates)
      : text_(text), unpaired_surrogates_(unpaired_surrogates) {}

  Token next() {
    skip_space();
    if (open_.empty() || after_name_) return value();
    const bool in_object = open_.back() == '{';
    if (peek() == (in_object ? '}' : ']')) return close(in_object ? Token::end_object : Token::end_array);
    if (!just_opened_) {
      expect(',');
      skip_space();
    }
    return in_object ? name() : value();
  }

  // Of the last token: a name or string unescaped, anything else as it is written.
  const std::string& text() const { return token_text_; }

  bool at_end() {
    skip_space();
    return at_ == text_.size();
  }

 private:
  [[noreturn]] void malformed() const { throw Refused{"Not JSON at byte " + std::to_string(at_)}; }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void expect(char c) {
    if (peek() != c) malformed();
    ++at_;
  }

  void skip_space() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }

  Token open(Token token) {
    if (open_.size() == kNestingMax) throw Refused{"Nested deeper than 1000 levels"};
    open_.push_back(text_[at_]);
    token_text_ = text_[at_++];
    just_opened_ = true;
    return token;
  }

  Token close(Token token) {
    open_.pop_back();
    token_text_ = text_[at_++];
    just_opened_ = false;
    return token;
  }

  Token name() {
    token_text_ = string();
    skip_space();
    expect(':');
    just_opened_ = false;
    after_name_ = true;
    return Token::name;
  }

  Token value() {
    just_opened_ = false;
    after_name_ = false;
    if (peek() == '{') return open(Token::begin_object);
    if (peek() == '[') return open(Token::begin_array);
    if (open_.empty() && at_ == text_.size()) return Token::end_of_text;
    if (peek() == '-' || is_digit(peek())) return number();
    if (peek() != '"') return word();
    token_text_ = string();
    return Token::string;
  }

  Token word() {
    for (std::string_view word : {"true", "false", "null"}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      token_text_ = word;
      at_ += word.size();
      return end_of_scalar(Token::word);
    }
    malformed();
  }

  Token number() {
    const std::size_t start = at_;
    if (peek() == '-') ++at_;
    if (peek() == '0') {
      ++at_;  // a digit behind it is no end of a scalar
    } else {
      digits();
    }
    if (peek() == '.') {
      ++at_;
      digits();
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      digits();
    }
    token_text_ = text_.substr(start, at_ - start);
    return end_of_scalar(Token::number);
  }

  void digits() {
    if (!is_digit(peek())) malformed();
    while (is_digit(peek())) ++at_;
  }

  // 01, 1x and truex are each one bad scalar, not a good one with something behind it.
  Token end_of_scalar(Token token) {
    if (at_ < text_.size() && std::string_view(" \t\n\r,]}").find(peek()) == std::string_view::npos) malformed();
    return token;
  }

  std::string string() {
    expect('"');
    const std::size_t start = at_;
    std::string value;
    while (peek() != '"') {
      if (static_cast<unsigned char>(peek()) < 0x20) malformed();
      if (peek() == '\\') {
        ++at_;
        escape(value);
      } else {
        value += text_[at_++];
      }
    }
    if (!is_utf8(std::string(text_.substr(start, at_ - start)))) malformed();
    ++at_;
    return value;
  }

  void escape(std::string& value) {
    static constexpr std::string_view kLetters = "\"\\/bfnrt";
    static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (peek() == 'u') {
      ++at_;
      append(code_point(), value);
      return;
    }
    const std::size_t letter = kLetters.find(peek());
    if (letter == std::string_view::npos) malformed();
    value += kMeanings[letter];
    ++at_;
  }

  // An unpaired surrogate is itself, in three bytes that no UTF-8 text has.
  static void append(UChar32 c, std::string& value) {
    if (!U_IS_SURROGATE(c)) {
      value += utf8(icu::UnicodeString(c));
      return;
    }
    value += static_cast<char>(0xE0 | c >> 12);
    value += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    value += static_cast<char>(0x80 | (c & 0x3F));
  }

  UChar32 code_point() {
    const UChar32 first = four_hex_digits();
    if (!U_IS_SURROGATE(first)) return first;
    const std::size_t behind = at_;
    if (U_IS_SURROGATE_LEAD(first) && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      const UChar32 second = four_hex_digits();
      if (U_IS_TRAIL(second)) return U16_GET_SUPPLEMENTARY(first, second);
      at_ = behind;
    }
    if (!unpaired_surrogates_) malformed();
    return first;
  }

  UChar32 four_hex_digits() {
    UChar32 unit = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const int digit = hex_value(peek());
      if (digit < 0) malformed();
      unit = unit * 16 + digit;
    }
    return unit;
  }

  std::string_view text_;
  bool unpaired_surrogates_;  // are part of a string
  std::size_t at_ = 0;
  std::string token_text_;
  std::vector<char> open_;  // '{' and '['
  bool just_opened_ = false;
  bool after_name_ = false;
};

// ---- Numbers (1.4) -------------------------------------------------------------------------------------------------

// The exact value of a number's text: 0.<digits> * 10^exponent, without zeros at either end of the digits.
struct Decimal {
  bool negative = false;
  std::string digits;
  long long exponent = 0;

  bool operator==(const Decimal&) const = default;
};

// LIMIT: exponents are cut off here. No text is long enough to bring its value back into the range of a double.
constexpr long long kExponentMax = 1'000'000'000'000'000;

Decimal decimal_of(const std::string& literal) {
  const std::size_t e = std::min(literal.find_first_of("eE"), literal.size());
  const std::string mantissa = literal.substr(0, e);
  Decimal value;
  if (e < literal.size()) value.exponent = std::strtoll(literal.c_str() + e + 1, nullptr, 10);
  value.exponent = std::clamp(value.exponent, -kExponentMax, kExponentMax);

  bool before_point = true;
  for (char c : mantissa) {
    if (c == '.') before_point = false;
    if (!is_digit(c)) continue;
    value.digits += c;
    if (before_point) ++value.exponent;
  }
  const std::size_t first = std::min(value.digits.find_first_not_of('0'), value.digits.size());
  value.digits.erase(0, first);
  value.exponent -= static_cast<long long>(first);
  value.digits.erase(value.digits.find_last_not_of('0') + 1);
  if (value.digits.empty()) return {};  // all zeros are one zero, -0 too
  value.negative = mantissa.front() == '-';
  return value;
}

// The double of a number that is exactly the shortest decimal form of its double.
std::optional<double> comparable(const std::string& literal) {
  const double value = std::strtod(literal.c_str(), nullptr);
  if (!std::isfinite(value)) return std::nullopt;
  std::array<char, 64> shortest{};
  const auto end =
      std::to_chars(shortest.data(), shortest.data() + shortest.size(), value, std::chars_format::scientific).ptr;
  if (decimal_of(literal) != decimal_of(std::string(shortest.data(), end))) return std::nullopt;
  return value;
}

// ---- Addresses (1.9) -----------------------------------------------------------------------------------------------

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t end = text.find(separator); end != std::string_view::npos; end = text.find(separator)) {
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.push_back(text);
  return parts;
}

// The value of one or more digits, unless it exceeds `max`.
std::optional<std::uint64_t> parse_group(std::string_view digits, unsigned base, std::uint64_t max) {
  if (digits.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : digits) {
    const int digit = hex_value(c);
    if (digit < 0 || static_cast<unsigned>(digit) >= base) return std::nullopt;
    value = value * base + static_cast<unsigned>(digit);
    if (value > max) return std::nullopt;
  }
  return value;
}

std::optional<Address> parse_ipv4(std::string_view text) {
  // LIMIT: Java takes leading zeros in an octet, but no more than 15 characters in all.
  if (text.size() > 15) return std::nullopt;
  Address bytes;
  for (std::string_view part : split(text, '.')) {
    const auto octet = parse_group(part, 10, 255);
    if (!octet) return std::nullopt;
    bytes.push_back(static_cast<std::uint8_t>(*octet));
  }
  return bytes.size() == 4 ? std::optional(bytes) : std::nullopt;
}

std::optional<Address> parse_ipv6_groups(std::string_view text) {
  Address bytes;
  if (text.empty()) return bytes;
  for (std::string_view part : split(text, ':')) {
    const auto group = parse_group(part, 16, 0xFFFF);
    if (!group) return std::nullopt;
    bytes.push_back(static_cast<std::uint8_t>(*group >> 8));
    bytes.push_back(static_cast<std::uint8_t>(*group & 0xFF));
  }
  return bytes;
}

std::optional<Address> parse_ipv6(std::string_view text) {
  const std::size_t gap = text.find("::");
  const auto head = parse_ipv6_groups(text.substr(0, gap));
  if (gap == std::string_view::npos) return head && head->size() == 16 ? head : std::nullopt;
  const auto tail = parse_ipv6_groups(text.substr(gap + 2));
  if (!head || !tail || head->size() + tail->size() > 14) return std::nullopt;  // "::" is at least one group
  Address bytes = *head;
  bytes.resize(16 - tail->size());
  bytes.insert(bytes.end(), tail->begin(), tail->end());
  return bytes;
}

std::optional<Address> parse_address(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return parse_ipv4(text);
  const auto address = parse_ipv6(text);
  const Address mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (!address || !std::equal(mapped.begin(), mapped.end(), address->begin())) return address;
  return Address(address->begin() + 12, address->end());
}

// Tells which of its two reasons AWS gives for a text that is not an address.
bool looks_like_address(std::string_view text) {
  const auto hex_or_colon = [](char c) { return c == ':' || hex_value(c) >= 0; };
  const auto all_digits = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), is_digit);
  };
  if (text.find(':') != std::string_view::npos) return std::all_of(text.begin(), text.end(), hex_or_colon);
  const auto parts = split(text, '.');
  return parts.size() == 4 && std::all_of(parts.begin(), parts.end(), all_digits);
}

// The operand of Java's Integer.parseInt: an optional sign and digits.
int parse_mask_bits(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto bits = parse_group(text, 10, std::numeric_limits<int>::max());
  if (!bits) throw Refused{"Malformed CIDR, mask bits must be an integer"};
  return negative ? -static_cast<int>(*bits) : static_cast<int>(*bits);
}

Network parse_cidr(std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);  // as Java's String.split does
  const auto parts = split(text, '/');
  if (parts.size() != 2) throw Refused{"Malformed CIDR, one '/' required"};
  const int bits = parse_mask_bits(parts[1]);
  if (bits < 0) throw Refused{"Malformed CIDR, mask bits must not be negative"};
  const auto base = parse_address(parts[0]);
  if (!base) {
    const char* problem = looks_like_address(parts[0]) ? "Invalid IP address: " : "Nonstandard IP address: ";
    throw Refused{problem + std::string(parts[0])};
  }
  if (base->size() == 4 && bits > 31) throw Refused{"IPv4 mask bits must be < 32"};
  if (bits > 127) throw Refused{"IPv6 mask bits must be < 128"};
  return {*base, static_cast<std::size_t>(bits)};
}

bool contains(const Network& network, const Address& address) {
  if (network.base.size() != address.size()) return false;
  for (std::size_t bit = 0; bit < network.prefix_bits; ++bit) {
    const unsigned difference = network.base[bit / 8] ^ address[bit / 8];
    if ((difference >> (7 - bit % 8)) & 1U) return false;
  }
  return true;
}

// ---- Patterns (1.1, 1.2, 1.5 - 1.12 and the messages of section 2) -------------------------------------------------

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

Scalar make_scalar(Token token, const std::string& text) {
  if (token == Token::string) return {Scalar::Kind::string, text, std::nullopt, parse_address(text)};
  if (token == Token::number) return {Scalar::Kind::number, text, comparable(text), std::nullopt};
  return {Scalar::Kind::word, text, std::nullopt, std::nullopt};
}

std::string join(const std::vector<std::string>& path) {
  std::string dotted;
  for (const std::string& segment : path) dotted += segment + '.';
  if (!dotted.empty()) dotted.pop_back();
  return dotted;
}

// Positions count from the opening quote of the string.
void check_wildcard(const std::string& pattern) {
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

double comparable_or_refuse(const std::string& literal) {
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
std::size_t combinations(const std::vector<Clause>& clauses) {
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
std::vector<Conjunction> expand(const std::vector<Clause>& clauses, std::vector<Conjunction> alternatives) {
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

// ---- Events (1.2, 1.10, 1.11) --------------------------------------------------------------------------------------

class EventReader {
 public:
  explicit EventReader(std::string_view text) : json_(text, false) {}

  Event read() {
    if (json_.next() != Token::begin_object) throw Refused{"Event must be a JSON object"};
    read_object();
    if (!json_.at_end()) throw Refused{"Text after the event"};
    return std::move(event_);
  }

 private:
  void read_object() {
    while (json_.next() != Token::end_object) {
      path_.push_back(json_.text());
      read_value(json_.next());
      path_.pop_back();
    }
  }

  void read_array() {
    const std::size_t array = array_count_++;
    std::size_t element = 0;
    for (Token token = json_.next(); token != Token::end_array; token = json_.next()) {
      if (!is_scalar(token)) membership_[array] = element;
      read_value(token);
      membership_.erase(array);
      ++element;
    }
  }

  void read_value(Token token) {
    if (token == Token::begin_object) {
      read_object();
    } else if (token == Token::begin_array) {
      read_array();
    } else {
      event_.leaves[join(path_)].push_back({make_scalar(token, json_.text()), membership_});
    }
  }

  JsonReader json_;
  Event event_;
  std::vector<std::string> path_;
  Membership membership_;
  std::size_t array_count_ = 0;
};

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

#include "matcher/json_cursor.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "matcher/case_fold.hpp"
#include "matcher/json_escape.hpp"
#include "matcher/source_place.hpp"

namespace millrace {
namespace {

constexpr std::string_view kPlusSign =
    "JSON spec does not allow numbers to have plus signs: enable "
    "`JsonReadFeature.ALLOW_LEADING_PLUS_SIGN_FOR_NUMBERS` to allow";
constexpr std::string_view kWords = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

constexpr std::array<std::pair<Token, std::string_view>, 3> kLiterals = {
    {{Token::literal_true, "true"}, {Token::literal_false, "false"}, {Token::literal_null, "null"}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The first byte from `at` on that is a quote, a backslash, a control character or no ASCII.
// PERF: eight bytes a step; a third of the time to read a pattern went into its strings.
std::size_t behind_plain(std::string_view text, std::size_t at) {
  constexpr std::uint64_t kEach = 0x0101010101010101, kHigh = 0x80 * kEach;
  const auto borrowing = [](std::uint64_t bytes, std::uint64_t less) { return (bytes - less * kEach) & ~bytes; };
  for (; at + sizeof(std::uint64_t) <= text.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t bytes;
    std::memcpy(&bytes, text.data() + at, sizeof(bytes));
    const std::uint64_t quotes = borrowing(bytes ^ '"' * kEach, 1), slashes = borrowing(bytes ^ '\\' * kEach, 1);
    const std::uint64_t hits = (quotes | slashes | borrowing(bytes, ' ') | bytes) & kHigh;
    if (hits != 0) return at + static_cast<std::size_t>(std::countr_zero(hits)) / 8;
  }
  const auto is_plain = [](unsigned char c) { return c >= ' ' && c < 0x80 && c != '"' && c != '\\'; };
  while (at < text.size() && is_plain(static_cast<unsigned char>(text[at]))) ++at;
  return at;
}

}  // namespace

void JsonCursor::reset(std::string_view input) {
  input_ = input;
  at_ = token_begin_ = 0;
  expect_ = Expect::value;
  open_.clear();
  ahead_.reset();
}

Token JsonCursor::fail(std::string reason, std::size_t at) {
  reason_ = std::move(reason);
  token_begin_ = std::min(at, input_.size());
  at_ = input_.size();
  expect_ = Expect::nothing;
  return Token::error;
}

Token JsonCursor::fail_unexpected(std::string_view expected) {
  if (at_end()) return fail("Unexpected end-of-input", at_);
  return fail("Unexpected character (" + character_at(input_, at_).describe() + "): " + std::string(expected), at_);
}

Token JsonCursor::fail_number(std::size_t at, std::string_view expected) {
  at = std::min(at, input_.size() - 1);  // what is missing at the end is named by what stands before
  return fail(
      "Unexpected character (" + character_at(input_, at).describe() + ") in numeric value: " + std::string(expected),
      at);
}

Token JsonCursor::fail_end() {
  if (open_.empty()) return Token::end;
  return fail("Unexpected end-of-input: expected close marker for " + container() + " (start marker at " +
                  describe_source(input_, open_.back().begin) + ")",
              at_);
}

Token JsonCursor::fail_end_between() {
  return fail("Unexpected end-of-input within/between " + container() + " entries", at_);
}

Token JsonCursor::fail_close(char closing) {
  const std::string found = std::string("Unexpected close marker '") + closing + "': ";
  if (open_.empty()) return fail(found + "no open " + (closing == ']' ? "Array" : "Object") + " to close", at_);
  return fail(found + "expected '" + (in_object() ? '}' : ']') + "' (for " + container() + " starting at " +
                  describe_source(input_, open_.back().begin) + ")",
              at_);
}

std::string JsonCursor::container() const { return open_.empty() ? "root" : in_object() ? "Object" : "Array"; }

// False if something stands there that is neither white space nor the beginning of a token.
bool JsonCursor::skip_space() {
  while (!at_end() && is_space(input_[at_])) ++at_;
  return at_end() || (static_cast<unsigned char>(input_[at_]) >= ' ' && input_[at_] != '/') || fail_between();
}

bool JsonCursor::fail_between() {
  if (input_[at_] == '/') {
    fail_unexpected(
        "maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for "
        "parser)");
    return false;
  }
  fail("Illegal character (" + character_at(input_, at_).describe() +
           "): only regular white space (\\r, \\n, \\t) is allowed between tokens",
       at_);
  return false;
}

Token JsonCursor::next() {
  if (ahead_) return take_ahead();
  in_string_ = false;
  if (expect_ == Expect::nothing) return Token::end;
  if (!skip_space()) return Token::error;
  token_begin_ = at_;
  if (at_end()) return fail_end();
  if (input_[at_] == ']' || input_[at_] == '}') return close(input_[at_]);
  if (expect_ == Expect::comma) {
    if (input_[at_] != ',') return fail_unexpected("was expecting comma to separate " + container() + " entries");
    ++at_;
    if (!skip_space()) return Token::error;
    if (at_end()) return fail_end_between();
    token_begin_ = at_;
  }
  if (!in_object()) return value();
  if (input_[at_] != '"') return fail_unexpected("was expecting double-quote to start field name");
  return name();
}

// AWS's parser reads a name, its colon and what begins behind it in one step: what is wrong there comes before anything
// that the name could be refused for. Of a string only the quote is read.
Token JsonCursor::name() {
  if (string_token(Token::field_name) == Token::error) return Token::error;
  const Ahead name{Token::field_name, token_begin_, text_};
  if (!skip_space()) return Token::error;
  if (at_end()) return fail_end_between();
  if (input_[at_] != ':') return fail_unexpected("was expecting a colon to separate field name and value");
  ++at_;
  if (!skip_space()) return Token::error;
  if (at_end()) return fail_end_between();
  token_begin_ = at_;
  const Token token = value();
  if (token == Token::error && !in_string_) return token;
  ahead_ = {token, token_begin_, text_};
  token_begin_ = name.begin;
  text_ = name.text;
  return Token::field_name;
}

Token JsonCursor::take_ahead() {
  const Ahead ahead = *ahead_;
  ahead_.reset();
  token_begin_ = ahead.begin;
  text_ = ahead.text;
  return ahead.token;
}

Token JsonCursor::value() {
  const char c = input_[at_];
  in_string_ = c == '"';
  if (c == '{') return open(Token::start_object, true);
  if (c == '[') return open(Token::start_array, false);
  if (c == '"') return string_token(Token::string);
  if (c == '-' || is_digit(c)) return number_token();
  if (c == '+') return fail_number(at_, kPlusSign);
  if (c == '}') return fail_unexpected("expected a value");
  if (character_at(input_, at_).may_begin_word()) return word_token();
  return fail_unexpected("expected a valid value " + std::string(kWords));
}

Token JsonCursor::open(Token token, bool is_object) {
  if (open_.size() == kJsonDepthMax)
    return fail("Document nesting depth (1001) exceeds the maximum allowed (1000)", at_);
  open_.push_back({is_object, at_});
  text_ = input_.substr(at_++, 1);
  expect_ = Expect::value;
  return token;
}

Token JsonCursor::close(char closing) {
  if (open_.empty() || (closing == '}') != in_object()) return fail_close(closing);
  open_.pop_back();
  text_ = input_.substr(at_++, 1);
  expect_behind_value();
  return closing == '}' ? Token::end_object : Token::end_array;
}

void JsonCursor::expect_behind_value() { expect_ = open_.empty() ? Expect::nothing : Expect::comma; }

Token JsonCursor::string_token(Token kind) {
  const bool is_name = kind == Token::field_name;
  const std::size_t begin = at_ + 1;
  bool escaped = false, beyond_ascii = false;
  std::size_t end = begin;
  for (;; ++end) {
    end = behind_plain(input_, end);
    if (end >= input_.size() || input_[end] == '"') break;
    if (static_cast<unsigned char>(input_[end]) < ' ')
      return fail("Illegal unquoted character (" + character_at(input_, end).describe() +
                      "): has to be escaped using backslash to be included in " + (is_name ? "name" : "string value"),
                  end);
    const bool escapes = input_[end] == '\\';
    if (escapes && fail_escape(++end)) return Token::error;
    escaped |= escapes;
    beyond_ascii |= !escapes;
  }
  if (end >= input_.size())
    return fail(is_name ? "Unexpected end-of-input in field name"
                        : "Unexpected end-of-input: was expecting closing quote for a string value",
                end);
  text_ = input_.substr(begin, end - begin);
  if (beyond_ascii) {
    if (const std::size_t at = find_invalid_utf8(text_); at < text_.size()) return fail("Invalid UTF-8", begin + at);
  }
  if (escaped) {
    std::string& scratch = is_name ? name_ : string_;
    scratch.clear();
    unescape_json(text_, scratch, LoneSurrogates::kept);
    text_ = scratch;
  }
  at_ = end + 1;
  expect_behind_value();
  return kind;
}

// Is the escape wrong whose backslash stands before `at`?
bool JsonCursor::fail_escape(std::size_t at) {
  constexpr std::string_view kEnd = "Unexpected end-of-input in character escape sequence";
  if (at >= input_.size()) return fail(std::string(kEnd), at), true;
  if (input_[at] != 'u') {
    if (simple_escape(input_[at]) != 0) return false;
    return fail("Unrecognized character escape " + character_at(input_, at).describe(), at), true;
  }
  for (const std::size_t digits_end = at + 5; ++at < digits_end;) {
    if (at >= input_.size()) return fail(std::string(kEnd), at), true;
    if (hex_digit(input_[at]) < 0)
      return fail("Unexpected character (" + character_at(input_, at).describe() +
                      "): expected a hex-digit for character escape sequence",
                  at),
             true;
  }
  return false;
}

Token JsonCursor::number_token() {
  const std::size_t begin = at_;
  const auto digits = [&] {
    const std::size_t from = at_;
    while (!at_end() && is_digit(input_[at_])) ++at_;
    return at_ - from;
  };
  if (input_[at_] == '-') ++at_;
  if (at_end()) return fail("Unexpected end-of-inputNo digit following sign", at_);
  const bool leading_zero = input_[at_] == '0';
  const std::size_t whole = digits();
  if (whole == 0 && input_[at_] == '.') return fail_unexpected("expected a valid value " + std::string(kWords));
  if (whole == 0 && input_.substr(at_).starts_with("Infinity")) return fail_not_standard("-Infinity");
  if (whole == 0) return fail_number(at_, "expected digit (0-9) to follow minus sign, for valid numeric value");
  if (leading_zero && whole > 1) return fail("Invalid numeric value: Leading zeroes not allowed", begin);
  if (!at_end() && input_[at_] == '.') {
    ++at_;
    if (digits() == 0) return fail_number(at_, "Decimal point not followed by a digit");
  }
  if (!at_end() && (input_[at_] == 'e' || input_[at_] == 'E')) {
    ++at_;
    if (!at_end() && (input_[at_] == '+' || input_[at_] == '-')) ++at_;
    if (digits() == 0) return fail_number(at_, "Exponent indicator not followed by a digit");
  }
  if (open_.empty() && !at_end() && !is_space(input_[at_]))
    return fail_unexpected("Expected space separating root-level values");
  text_ = input_.substr(begin, at_ - begin);
  expect_behind_value();
  return Token::number;
}

Token JsonCursor::fail_not_standard(std::string_view word) {
  return fail(
      "Non-standard token '" + std::string(word) + "': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow",
      token_begin_);
}

Token JsonCursor::literal(Token token, std::string_view word) {
  const std::size_t behind = at_ + word.size();
  if (!input_.substr(at_).starts_with(word)) return Token::error;
  const bool ends = behind == input_.size() || input_[behind] < '0' || !character_at(input_, behind).may_be_in_word();
  if (!ends) return Token::error;
  text_ = word;
  at_ = behind;
  expect_behind_value();
  return token;
}

Token JsonCursor::word_token() {
  for (const auto& [token, word] : kLiterals) {
    if (literal(token, word) == token) return token;
  }
  const std::size_t begin = at_;
  while (!at_end() && character_at(input_, at_).may_be_in_word()) at_ += character_at(input_, at_).bytes;
  const std::string_view word = input_.substr(begin, at_ - begin);
  if (word == "NaN" || word == "Infinity") return fail_not_standard(word);
  return fail("Unrecognized token '" + std::string(word) + "': was expecting " + std::string(kWords), begin);
}

}  // namespace millrace

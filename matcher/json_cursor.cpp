#include "matcher/json_cursor.hpp"

#include <algorithm>
#include <optional>

#include "matcher/case_fold.hpp"

namespace millrace {
namespace {

constexpr std::string_view kWords = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_byte(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

std::optional<std::uint32_t> hex4(std::string_view text) {
  if (text.size() < 4) return {};
  std::uint32_t value = 0;
  for (const char c : text.substr(0, 4)) {
    const auto lower = static_cast<char>(c | 0x20);
    if (is_digit(c)) {
      value = value * 16 + static_cast<std::uint32_t>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      value = value * 16 + static_cast<std::uint32_t>(lower - 'a' + 10);
    } else {
      return {};
    }
  }
  return value;
}

char simple_escape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case '"':
    case '\\':
    case '/':
      return c;
    default:
      return 0;
  }
}

// Reads one \u escape, or two of them that make a pair, from the place behind a backslash; 0 bytes read means
// malformed.
std::size_t unescape_unicode(std::string_view at, std::string& out) {
  const auto unit = hex4(at.substr(1));
  if (!unit) return 0;
  if (*unit < 0xd800 || *unit > 0xdfff) {
    append_utf8(*unit, out);
    return 5;
  }
  if (*unit > 0xdbff || at.substr(5, 2) != "\\u") return 0;
  const auto low = hex4(at.substr(7));
  if (!low || *low < 0xdc00 || *low > 0xdfff) return 0;
  append_utf8(0x10000 + ((*unit - 0xd800) << 10) + (*low - 0xdc00), out);
  return 11;
}

std::string printable(char c) {
  return std::string("'") + c + "' (code " + std::to_string(static_cast<unsigned char>(c)) + ")";
}

}  // namespace

void append_utf8(std::uint32_t code_point, std::string& out) {
  const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80 | ((code_point >> shift) & 0x3f)); };
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xc0 | (code_point >> 6));
    tail(0);
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xe0 | (code_point >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | (code_point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

bool unescape_json(std::string_view content, std::string& out) {
  for (std::size_t i = 0; i < content.size();) {
    const auto slash = std::min(content.find('\\', i), content.size());
    out.append(content, i, slash - i);
    i = slash + 1;
    if (slash == content.size()) break;
    if (i == content.size()) return false;
    if (content[i] == 'u') {
      const std::size_t read = unescape_unicode(content.substr(i), out);
      if (read == 0) return false;
      i += read;
    } else {
      const char c = simple_escape(content[i++]);
      if (c == 0) return false;
      out += c;
    }
  }
  return true;
}

std::string show_place(std::string_view input, std::size_t offset) {
  constexpr std::size_t kWindowBytes = 72;
  offset = std::min(offset, input.size());
  const auto before = input.substr(0, offset);
  const auto line = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  const auto line_begin = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  const auto column = offset - line_begin + 1;
  const auto window_begin = column > kWindowBytes / 2 ? offset - kWindowBytes / 2 : line_begin;
  std::string shown(
      input.substr(window_begin, std::min(input.find('\n', offset), window_begin + kWindowBytes) - window_begin));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return "line " + std::to_string(line) + ", column " + std::to_string(column) + "\n  " + shown + "\n  " +
         std::string(offset - window_begin, ' ') + "^";
}

void JsonCursor::reset(std::string_view input) {
  input_ = input;
  at_ = token_begin_ = 0;
  expect_ = Expect::value;
  in_object_.clear();
}

Token JsonCursor::fail(std::string reason, std::size_t at) {
  reason_ = std::move(reason);
  token_begin_ = std::min(at, input_.size());
  at_ = input_.size();
  expect_ = Expect::nothing;
  return Token::error;
}

Token JsonCursor::fail_unexpected(std::string_view expected) {
  if (at_end()) {
    return fail(in_object_.empty()  ? "No content to map due to end-of-input"
                : in_object_.back() ? "Unexpected end-of-input: expected close marker for Object"
                                    : "Unexpected end-of-input: expected close marker for Array",
                at_);
  }
  return fail("Unexpected character (" + printable(input_[at_]) + "): " + std::string(expected), at_);
}

void JsonCursor::skip_space() {
  while (!at_end() && (input_[at_] == ' ' || input_[at_] == '\t' || input_[at_] == '\n' || input_[at_] == '\r')) ++at_;
}

Token JsonCursor::next() {
  skip_space();
  token_begin_ = at_;
  if (expect_ == Expect::nothing) return Token::end;
  if (at_end()) return in_object_.empty() ? Token::end : fail_unexpected("");
  const bool in_object = !in_object_.empty() && in_object_.back();
  if (expect_ == Expect::colon_value) {
    if (input_[at_] != ':') return fail_unexpected("was expecting a colon to separate field name and value");
    ++at_;
    skip_space();
    token_begin_ = at_;
    return value();
  }
  const char closing = in_object ? '}' : ']';
  const bool may_close =
      expect_ == Expect::name_or_end || expect_ == Expect::value_or_end || expect_ == Expect::comma_or_end;
  if (may_close && input_[at_] == closing) return close(in_object ? Token::end_object : Token::end_array);
  if (expect_ == Expect::comma_or_end) {
    if (input_[at_] != ',') {
      return fail_unexpected(in_object ? "was expecting comma to separate Object entries"
                                       : "was expecting comma to separate Array entries");
    }
    ++at_;
    skip_space();
    token_begin_ = at_;
  }
  if (!in_object) return value();
  if (at_end() || input_[at_] != '"') return fail_unexpected("was expecting double-quote to start field name");
  return string_token(Token::field_name);
}

Token JsonCursor::value() {
  if (at_end()) return fail_unexpected("");
  const char c = input_[at_];
  if (c == '{') return open(Token::start_object, true);
  if (c == '[') return open(Token::start_array, false);
  if (c == '"') return string_token(Token::string);
  if (c == '-' || is_digit(c)) return number_token();
  if (is_word_byte(c)) return word_token();
  return fail_unexpected("expected a valid value " + std::string(kWords));
}

Token JsonCursor::open(Token token, bool is_object) {
  if (in_object_.size() == kJsonDepthMax) {
    return fail("Document nesting depth (1001) exceeds the maximum allowed (1000)", at_);
  }
  in_object_.push_back(is_object);
  text_ = input_.substr(at_++, 1);
  expect_ = is_object ? Expect::name_or_end : Expect::value_or_end;
  return token;
}

Token JsonCursor::close(Token token) {
  in_object_.pop_back();
  text_ = input_.substr(at_++, 1);
  expect_ = in_object_.empty() ? Expect::nothing : Expect::comma_or_end;
  return token;
}

Token JsonCursor::string_token(Token kind) {
  const std::size_t begin = at_ + 1;
  bool escaped = false;
  std::size_t end = begin;
  for (; end < input_.size() && input_[end] != '"'; ++end) {
    if (static_cast<unsigned char>(input_[end]) < 0x20) {
      return fail("Illegal unquoted character ((CTRL-CHAR, code " +
                      std::to_string(static_cast<unsigned char>(input_[end])) +
                      ")): has to be escaped using backslash to be included in string value",
                  end);
    }
    if (input_[end] == '\\') {
      escaped = true;
      ++end;
    }
  }
  if (end >= input_.size())
    return fail("Unexpected end-of-input: was expecting closing quote for a string value", input_.size());
  text_ = input_.substr(begin, end - begin);
  if (const std::size_t at = find_invalid_utf8(text_); at < text_.size()) return fail("Invalid UTF-8", begin + at);
  if (escaped) {
    scratch_.clear();
    if (!unescape_json(text_, scratch_)) return fail("Unrecognized character escape in a string value", begin);
    text_ = scratch_;
  }
  at_ = end + 1;
  expect_ = kind == Token::field_name ? Expect::colon_value
            : in_object_.empty()      ? Expect::nothing
                                      : Expect::comma_or_end;
  return kind;
}

Token JsonCursor::number_token() {
  const std::size_t begin = at_;
  const auto digits = [&] {
    const std::size_t from = at_;
    while (!at_end() && is_digit(input_[at_])) ++at_;
    return at_ - from;
  };
  if (input_[at_] == '-') ++at_;
  const bool leading_zero = !at_end() && input_[at_] == '0';
  const std::size_t whole = digits();
  if (whole == 0) return fail_unexpected("Expected digit (0-9) to follow minus sign, for valid numeric value");
  if (leading_zero && whole > 1) return fail("Invalid numeric value: Leading zeroes not allowed", begin);
  if (!at_end() && input_[at_] == '.') {
    ++at_;
    if (digits() == 0) return fail_unexpected("Decimal point not followed by a digit");
  }
  if (!at_end() && (input_[at_] == 'e' || input_[at_] == 'E')) {
    ++at_;
    if (!at_end() && (input_[at_] == '+' || input_[at_] == '-')) ++at_;
    if (digits() == 0) return fail_unexpected("Exponent indicator not followed by a digit");
  }
  if (!at_end() && is_word_byte(input_[at_])) return fail_unexpected("Expected space separating root-level values");
  text_ = input_.substr(begin, at_ - begin);
  expect_ = in_object_.empty() ? Expect::nothing : Expect::comma_or_end;
  return Token::number;
}

Token JsonCursor::word_token() {
  const std::size_t begin = at_;
  while (!at_end() && is_word_byte(input_[at_])) ++at_;
  text_ = input_.substr(begin, at_ - begin);
  expect_ = in_object_.empty() ? Expect::nothing : Expect::comma_or_end;
  if (text_ == "true") return Token::literal_true;
  if (text_ == "false") return Token::literal_false;
  if (text_ == "null") return Token::literal_null;
  return fail("Unrecognized token '" + std::string(text_) + "': was expecting " + std::string(kWords), begin);
}

}  // namespace millrace

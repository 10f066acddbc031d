// JSON token by token, in document order.
//
// Threads: one thread an object. Cost: no care is taken. Errors: Refused, thrown at the first byte that is not JSON.
#pragma once

#include <unicode/unistr.h>
#include <unicode/ustring.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::reference {

// Thrown by what reads; parse() and parse_event() turn it into their answer.
struct Refused {
  std::string reason;
};

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

inline int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

inline bool is_utf8(std::string_view bytes) {
  std::int32_t units = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strFromUTF8(nullptr, 0, &units, bytes.data(), static_cast<std::int32_t>(bytes.size()), &error);
  return error != U_INVALID_CHAR_FOUND;
}

inline std::string utf8(const icu::UnicodeString& text) {
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

}  // namespace millrace::reference

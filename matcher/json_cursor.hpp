// Reads JSON token by token, as strictly as AWS reads a pattern, and says what is wrong in its words.
//
// What comes behind the outermost closing bracket is never read. Text views stay valid until the next call.
//
// Threads: one thread an object.
// Cost:    linear; a string without escapes is a view into the input.
// Errors:  Token::error once; reason() and offset() then say what and where. Nesting is bounded by kJsonDepthMax.
// Source:  the messages of the Jackson parser that AWS's compiler uses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

// LIMIT: levels of nesting, in patterns and events alike; the bound of AWS's own parser.
constexpr std::size_t kJsonDepthMax = 1000;

enum class Token : std::uint8_t {
  start_object,
  end_object,
  start_array,
  end_array,
  field_name,
  string,
  number,
  literal_true,
  literal_false,
  literal_null,
  end,
  error,
};

class JsonCursor {
 public:
  void reset(std::string_view input);

  Token next();
  std::string_view text() const {
    return text_;
  }  // unescaped content of a string or field name, else the token's own text
  std::size_t offset() const { return token_begin_; }  // bytes from the start of the input to the token or the error
  const std::string& reason() const { return reason_; }

 private:
  Token fail(std::string reason, std::size_t at);
  Token fail_unexpected(std::string_view expected);
  Token value();
  Token open(Token token, bool is_object);
  Token close(Token token);
  Token string_token(Token kind);
  Token number_token();
  Token word_token();
  void skip_space();
  bool at_end() const { return at_ >= input_.size(); }

  enum class Expect : std::uint8_t { value, name_or_end, value_or_end, comma_or_end, colon_value, nothing };

  std::string_view input_;
  std::size_t at_ = 0;
  std::size_t token_begin_ = 0;
  Expect expect_ = Expect::value;
  std::vector<bool> in_object_;  // the open brackets
  std::string_view text_;
  std::string scratch_;
  std::string reason_;
};

// Appends one code point as UTF-8.
void append_utf8(std::uint32_t code_point, std::string& out);

// The content of a JSON string, without its quotes, unescaped; false if an escape is malformed or a surrogate stands
// alone.
bool unescape_json(std::string_view content, std::string& out);

// "line 2, column 14" and the line itself with a caret under the place.
std::string show_place(std::string_view input, std::size_t offset);

}  // namespace millrace

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
#include <optional>
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
  bool failed_in_string() const { return in_string_; }  // of an error: whoever wants no string need not read so far

 private:
  enum class Expect : std::uint8_t { value, comma, nothing };
  struct Open {
    bool is_object;
    std::size_t begin;
  };
  struct Ahead {
    Token token;
    std::size_t begin;
    std::string_view text;
  };

  Token fail(std::string reason, std::size_t at);
  Token fail_unexpected(std::string_view expected);
  Token fail_number(std::size_t at, std::string_view expected);
  Token fail_not_standard(std::string_view word);
  Token fail_end();
  Token fail_end_between();
  Token fail_close(char closing);
  bool fail_escape(std::size_t at);
  Token name();
  Token take_ahead();
  Token value();
  Token open(Token token, bool is_object);
  Token close(char closing);
  Token string_token(Token kind);
  Token number_token();
  Token literal(Token token, std::string_view word);
  Token word_token();
  void expect_behind_value();
  bool skip_space();
  bool fail_between();
  bool at_end() const { return at_ >= input_.size(); }
  bool in_object() const { return !open_.empty() && open_.back().is_object; }
  std::string container() const;

  std::string_view input_;
  std::size_t at_ = 0;
  std::size_t token_begin_ = 0;
  Expect expect_ = Expect::value;
  std::vector<Open> open_;      // brackets
  std::optional<Ahead> ahead_;  // the value behind a name
  bool in_string_ = false;      // the last value read was a string, or an error in one
  std::string_view text_;
  std::string name_, string_;  // unescaped
  std::string reason_;
};

}  // namespace millrace

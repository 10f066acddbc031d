// Places and characters of a pattern's text as a reason names them: in AWS's words, or for people with a caret.
//
// Threads: pure. Cost: linear in the text. Errors: none; bytes that are no UTF-8 are shown as U+FFFD.
// Source:  the messages of the Jackson parser that AWS's compiler uses; it counts in UTF-16.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace {

// The character that begins at `at`, and how many bytes it has. REQUIRES: a byte there.
struct Character {
  std::uint32_t code_point = 0;
  std::size_t bytes = 0;

  bool may_begin_word() const;  // as a Java identifier
  bool may_be_in_word() const;
  std::string describe() const;  // "'x' (code 120)"
};
Character character_at(std::string_view text, std::size_t at);

// "[Source: (String)"…"; line: 1, column: 6]"
std::string describe_source(std::string_view text, std::size_t offset);

// The text with `?` for each lone half of a character, as Java writes them (LoneSurrogates).
std::string without_lone_surrogates(std::string_view text);

// "line 2, column 14" and the line itself with a caret under the place.
std::string show_place(std::string_view text, std::size_t offset);

}  // namespace millrace

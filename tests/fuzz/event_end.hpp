// Where an event's text ends. The oracle, like AWS, reads up to the closing brace; our reader wants nothing behind it.
#pragma once

#include <string_view>

namespace millrace::fuzz {

// Something other than white space stands behind the outermost closing bracket.
inline bool has_trailing_text(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && depth > 0 && --depth == 0) {
      return text.find_first_not_of(" \t\r\n", i + 1) != std::string_view::npos;
    }
  }
  return false;
}

}  // namespace millrace::fuzz

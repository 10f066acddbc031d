// The escapes of JSON strings.
//
// Threads: pure. Cost: linear. Errors: said by what is returned.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace {

// Appends one code point as UTF-8.
void append_utf8(std::uint32_t code_point, std::string& out);

// Halves of a character beyond the basic plane that stand alone, which UTF-8 has no bytes for: an event with one is
// bad; in a pattern it is three bytes that no event has.
enum class LoneSurrogates : std::uint8_t { refused, kept };

// The content of a JSON string, without its quotes, unescaped; false if an escape is malformed or refused.
bool unescape_json(std::string_view content, std::string& out, LoneSurrogates lone = LoneSurrogates::refused);

char simple_escape(
    char c);            // what a backslash and this character stand for; 0 for none but \u, which takes four digits
int hex_digit(char c);  // its value; -1 if it is none

}  // namespace millrace

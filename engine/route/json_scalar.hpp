// The scalars of JSON that are no strings: numbers of any size, true, false and null.
//
// Threads: pure. Cost: about a nanosecond. Errors: a null pointer.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace millrace {

// The place behind the number that begins at `at`, or behind as much of it as is one; null if none does.
const char* json_number_end(const char* at, const char* end);

// The place behind the scalar that begins at `at`, as above. PERF: most are positive integers.
inline const char* json_scalar_end(const char* at, const char* end) {
  if (at < end && *at <= '9') {
    const char* behind = at;
    if (*at != '0')
      while (behind < end && *behind >= '0' && *behind <= '9') ++behind;
    const bool goes_on = behind < end && (*behind == '.' || (*behind | 0x20) == 'e');
    return behind > at && !goes_on ? behind : json_number_end(at, end);
  }
  const auto begins_with = [&](const char* four) { return std::memcmp(at, four, 4) == 0; };
  const auto bytes = end - at;
  if (bytes >= 4 && (begins_with("true") || begins_with("null"))) return at + 4;
  return bytes >= 5 && begins_with("fals") && at[4] == 'e' ? at + 5 : nullptr;
}

// The grammar of a JSON number.
inline bool is_json_number(std::string_view text) {
  const char* const end = text.data() + text.size();
  return json_number_end(text.data(), end) == end && !text.empty();
}

}  // namespace millrace

// Decodes a JSON string of base64 piece by piece, up to its quote.
//
// Threads: one thread an object. Cost: a table's worth of comparisons a byte. Errors: characters that mean nothing in
// base64 are read over; has_trailing_text() tells what stands behind the string. Source: RFC 4648.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace {

class Base64 {
 public:
  // Decodes `bytes` characters in place; how many bytes they stand for.
  std::size_t decode(char* text, std::size_t bytes);

  // Something stands behind the payload that would be lost.
  bool has_trailing_text() const { return trailing_; }

 private:
  std::uint32_t bits_ = 0;
  unsigned place_ = 0;  // characters of the group of four so far
  bool escape_ = false, done_ = false, trailing_ = false;
};

}  // namespace millrace

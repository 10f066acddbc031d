// Finds where a JSON value ends without reading it: only quotes, backslashes and brackets count. Can be stopped at any byte
// and gone on with.
//
// Threads: one thread an object. Cost: about 0.15 ns a byte with SSE2. Errors: none; what does not balance does not end.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace {

class JsonScan {
 public:
  // Starts before a value's opening bracket, or inside of `depth` open ones.
  void restart(std::uint32_t depth = 0) {
    *this = {};
    depth_ = depth;
  }

  // Goes on at data[from]; returns the place behind the bracket that closes depth `until`, or `bytes` if it is not there.
  std::size_t find_close(const char* data, std::size_t from, std::size_t bytes, std::uint32_t until = 0);

  bool closed() const { return closed_; }
  std::uint32_t depth() const { return depth_; }

 private:
  bool take(char c, std::uint32_t until);

  std::uint32_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool closed_ = false;
};

}  // namespace millrace

// Finds where a JSON value ends without reading it: only quotes, backslashes and brackets count. Can be stopped at any
// byte and gone on with.
//
// Four things give a broken value away before it swallows its neighbours: a bracket that closes one of the other kind,
// one that opens where no value can begin, which is what a missing bracket looks like, a string behind which no value
// can go on, which is what a missing quote looks like, and a backslash outside of strings.
//
// Threads: one thread an object. Cost: about 0.15 ns a byte. Errors: malformed(); what does not balance does not end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/ingest/structure.hpp"

namespace millrace {

// LIMIT: levels, beyond which it is malformed; far deeper than a record may be, and what hostile text costs at most
// each time that it is gone through again.
constexpr std::size_t kScanDepthMax = 4096;

// A bit each: is it an object's? PERF: a vector<bool> costs some cycles a bracket more.
class OpenBrackets {
 public:
  std::size_t depth() const { return depth_; }
  bool innermost() const { return (last_ & 1) != 0; }
  void clear() {
    depth_ = 0;
    outer_.clear();
  }
  void push(bool is_object) {
    if (depth_ > 0 && depth_ % 64 == 0) outer_.push_back(last_);
    last_ = last_ << 1 | std::uint64_t{is_object};
    ++depth_;
  }
  void pop() {
    last_ >>= 1;
    if (--depth_ == 0 || depth_ % 64 != 0) return;
    last_ = outer_.back();
    outer_.pop_back();
  }

 private:
  std::uint64_t last_ = 0;  // up to 64, the innermost lowest
  std::size_t depth_ = 0;
  std::vector<std::uint64_t> outer_;
};

class JsonScan {
 public:
  // Starts before a value's opening bracket, or inside an object.
  void restart(bool inside_object = false) {
    open_.clear();
    if (inside_object) open_.push(true);
    strings_ = {};
    closed_ = malformed_ = false;
    before_ = ',';
  }

  // Goes on at data[from]; returns the place behind the bracket that closes the value, or `bytes` if it is not there,
  // or the place that is malformed.
  std::size_t find_close(const char* data, std::size_t from, std::size_t bytes);

  bool closed() const { return closed_; }
  bool in_string() const { return strings_.in_string != 0; }
  bool malformed() const { return malformed_; }
  bool too_deep() const { return depth() > kScanDepthMax; }  // which is malformed too
  std::size_t depth() const { return open_.depth(); }

 private:
  bool take(const char* begin, const char* at);
  char before(const char* begin, const char* at) const;

  StructureFinder finder_ = structure_finders().front();
  OpenBrackets open_;
  StringState strings_;  // behind what was gone through
  bool closed_ = false;
  bool malformed_ = false;
  char before_ = ',';  // the last byte that is no white space, of what was gone through
};

}  // namespace millrace

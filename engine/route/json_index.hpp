// simdjson's structural index over a block of records: where every bracket, colon, comma and first byte of a value is.
//
// Threads: one thread an object. Cost: about 0.08 ns a byte with AVX-512; memory 4 bytes a byte of the largest block.
// Errors:  build() says false if the block as a whole has invalid UTF-8, a control character in a string, or a string
// that
//          does not end; index its records one by one then.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace millrace {

constexpr std::size_t kJsonPaddingBytes = simdjson::SIMDJSON_PADDING;

class JsonIndex {
 public:
  // REQUIRES: kJsonPaddingBytes readable bytes behind the block.
  bool build(const char* data, std::size_t bytes);

  // Ascending offsets; the one behind the last is the block's size.
  const std::uint32_t* begin() const { return parser_->structural_indexes.get(); }
  const std::uint32_t* end() const { return begin() + parser_->n_structural_indexes; }

 private:
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser_;
  std::size_t capacity_bytes_ = 0;
};

}  // namespace millrace

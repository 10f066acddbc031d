#include "engine/route/json_index.hpp"

#include <algorithm>
#include <bit>
#include <new>

namespace millrace {

bool JsonIndex::build(const char* data, std::size_t bytes) {
  constexpr std::size_t kCapacityMin = std::size_t{1} << 16;
  if (bytes > capacity_bytes_) {
    capacity_bytes_ = std::max(std::bit_ceil(bytes), kCapacityMin);
    if (simdjson::get_active_implementation()->create_dom_parser_implementation(capacity_bytes_, 1, parser_))
      throw std::bad_alloc();
  }
  return parser_ && parser_->stage1(reinterpret_cast<const std::uint8_t*>(data), bytes,
                                    simdjson::stage1_mode::regular) == simdjson::SUCCESS;
}

}  // namespace millrace

#include "engine/uuid.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <cstdint>

namespace millrace {

std::string uuid_from(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  std::array<std::uint8_t, 16> raw;
  for (unsigned i = 0; i < 8; ++i) {
    raw[i] = static_cast<std::uint8_t>(hash.high64 >> (56 - 8 * i));
    raw[8 + i] = static_cast<std::uint8_t>(hash.low64 >> (56 - 8 * i));
  }
  raw[6] = static_cast<std::uint8_t>((raw[6] & 0x0f) | 0x80);
  raw[8] = static_cast<std::uint8_t>((raw[8] & 0x3f) | 0x80);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += kHex[raw[i] >> 4];
    out += kHex[raw[i] & 15];
  }
  return out;
}

}  // namespace millrace

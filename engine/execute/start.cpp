#include "engine/execute/start.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>

namespace millrace {

void Tally::add(const Tally& other) {
  files += other.files;
  records += other.records;
  routed += other.routed;
  matched_events += other.matched_events;
  matches += other.matches;
  starts += other.starts;
  bytes += other.bytes;
  for (const auto& [reason, count] : other.not_delivered) not_delivered[reason] += count;
  for (const auto& [reason, count] : other.bad) bad[reason] += count;
}

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

std::string execution_name(const std::string& rule, const std::string& target, const std::string& event_id) {
  constexpr std::size_t kEventPartMax = 80 - 1 - 36;
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
  };
  const bool usable =
      !event_id.empty() && event_id.size() <= kEventPartMax && std::all_of(event_id.begin(), event_id.end(), allowed);
  // Lengths keep apart what would read the same side by side.
  const std::string key =
      std::to_string(rule.size()) + ' ' + std::to_string(target.size()) + ' ' + rule + target + event_id;
  return (usable ? event_id : uuid_from(event_id)) + "_" + uuid_from(key);
}

}  // namespace millrace

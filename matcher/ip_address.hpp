// IP addresses as rules and events write them: IPv4 in decimal octets, IPv6 in hexadecimal groups.
//
// Invariants:
//   I1  An IPv4 and an IPv6 address never compare equal; an IPv4-mapped IPv6 text (::ffff:a00:1) reads as the IPv4
//   address. I2  Text is never resolved: no name service is asked.
//
// Threads: pure functions. Cost: linear in the text. Errors: nullopt, or a reason.
// Source:  event-ruler 2.0.1, CIDR and the JDK's literal parsers ("010.0.0.1" is 10.0.0.1; a dotted IPv6 tail is no
// address).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace millrace {

struct IpAddress {
  bool is_v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // the first 4 are used by IPv4; the rest stay zero
  bool operator==(const IpAddress&) const = default;
};

struct IpBlock {
  IpAddress base;          // host bits are zero
  std::uint8_t bits = 32;  // of the network part
};

// Addresses of one family in order; a block is a closed range of them, up to last_of() it.
using V4Key = std::uint32_t;
__extension__ using V6Key = unsigned __int128;
template <typename Key>
Key key_of(const IpAddress& address) {
  Key key = 0;
  for (std::size_t i = 0; i < sizeof(Key); ++i) key = static_cast<Key>(key << 8) | address.bytes[i];
  return key;
}
IpAddress last_of(const IpBlock& block);

std::optional<IpAddress> parse_ip(std::string_view text);

// "10.0.0.0/8", or the reason in AWS's words why it is none.
std::variant<IpBlock, std::string> parse_cidr(std::string_view text);

IpAddress network_of(const IpAddress& address, unsigned bits);

inline bool block_contains(const IpBlock& block, const IpAddress& address) {
  return block.base.is_v6 == address.is_v6 && network_of(address, block.bits) == block.base;
}

}  // namespace millrace

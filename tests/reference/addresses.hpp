// IPv4 and IPv6 addresses and the networks that hold them (1.9).
//
// Threads: pure. Cost: no care is taken. Errors: Refused, for a network that is none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/reference/json.hpp"
#include "tests/reference/reference.hpp"

namespace millrace::reference {

inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t end = text.find(separator); end != std::string_view::npos; end = text.find(separator)) {
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.push_back(text);
  return parts;
}

// The value of one or more digits, unless it exceeds `max`.
inline std::optional<std::uint64_t> parse_group(std::string_view digits, unsigned base, std::uint64_t max) {
  if (digits.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : digits) {
    const int digit = hex_value(c);
    if (digit < 0 || static_cast<unsigned>(digit) >= base) return std::nullopt;
    value = value * base + static_cast<unsigned>(digit);
    if (value > max) return std::nullopt;
  }
  return value;
}

inline std::optional<Address> parse_ipv4(std::string_view text) {
  // LIMIT: Java takes leading zeros in an octet, but no more than 15 characters in all.
  if (text.size() > 15) return std::nullopt;
  Address bytes;
  for (std::string_view part : split(text, '.')) {
    const auto octet = parse_group(part, 10, 255);
    if (!octet) return std::nullopt;
    bytes.push_back(static_cast<std::uint8_t>(*octet));
  }
  return bytes.size() == 4 ? std::optional(bytes) : std::nullopt;
}

inline std::optional<Address> parse_ipv6_groups(std::string_view text) {
  Address bytes;
  if (text.empty()) return bytes;
  for (std::string_view part : split(text, ':')) {
    const auto group = parse_group(part, 16, 0xFFFF);
    if (!group) return std::nullopt;
    bytes.push_back(static_cast<std::uint8_t>(*group >> 8));
    bytes.push_back(static_cast<std::uint8_t>(*group & 0xFF));
  }
  return bytes;
}

inline std::optional<Address> parse_ipv6(std::string_view text) {
  const std::size_t gap = text.find("::");
  const auto head = parse_ipv6_groups(text.substr(0, gap));
  if (gap == std::string_view::npos) return head && head->size() == 16 ? head : std::nullopt;
  const auto tail = parse_ipv6_groups(text.substr(gap + 2));
  if (!head || !tail || head->size() + tail->size() > 14) return std::nullopt;  // "::" is at least one group
  Address bytes = *head;
  bytes.resize(16 - tail->size());
  bytes.insert(bytes.end(), tail->begin(), tail->end());
  return bytes;
}

inline std::optional<Address> parse_address(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return parse_ipv4(text);
  const auto address = parse_ipv6(text);
  const Address mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (!address || !std::equal(mapped.begin(), mapped.end(), address->begin())) return address;
  return Address(address->begin() + 12, address->end());
}

// Tells which of its two reasons AWS gives for a text that is not an address.
inline bool looks_like_address(std::string_view text) {
  const auto hex_or_colon = [](char c) { return c == ':' || hex_value(c) >= 0; };
  const auto all_digits = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), is_digit);
  };
  if (text.find(':') != std::string_view::npos) return std::all_of(text.begin(), text.end(), hex_or_colon);
  const auto parts = split(text, '.');
  return parts.size() == 4 && std::all_of(parts.begin(), parts.end(), all_digits);
}

// The operand of Java's Integer.parseInt: an optional sign and digits.
inline int parse_mask_bits(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto bits = parse_group(text, 10, std::numeric_limits<int>::max());
  if (!bits) throw Refused{"Malformed CIDR, mask bits must be an integer"};
  return negative ? -static_cast<int>(*bits) : static_cast<int>(*bits);
}

inline Network parse_cidr(std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);  // as Java's String.split does
  const auto parts = split(text, '/');
  if (parts.size() != 2) throw Refused{"Malformed CIDR, one '/' required"};
  const int bits = parse_mask_bits(parts[1]);
  if (bits < 0) throw Refused{"Malformed CIDR, mask bits must not be negative"};
  const auto base = parse_address(parts[0]);
  if (!base) {
    const char* problem = looks_like_address(parts[0]) ? "Invalid IP address: " : "Nonstandard IP address: ";
    throw Refused{problem + std::string(parts[0])};
  }
  if (base->size() == 4 && bits > 31) throw Refused{"IPv4 mask bits must be < 32"};
  if (bits > 127) throw Refused{"IPv6 mask bits must be < 128"};
  return {*base, static_cast<std::size_t>(bits)};
}

inline bool contains(const Network& network, const Address& address) {
  if (network.base.size() != address.size()) return false;
  for (std::size_t bit = 0; bit < network.prefix_bits; ++bit) {
    const unsigned difference = network.base[bit / 8] ^ address[bit / 8];
    if ((difference >> (7 - bit % 8)) & 1U) return false;
  }
  return true;
}

}  // namespace millrace::reference

#include "matcher/ip_address.hpp"

#include <algorithm>
#include <charconv>

namespace millrace {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool looks_like_v4(std::string_view text) {
  const bool any_empty = text.starts_with('.') || text.ends_with('.') || text.find("..") != std::string_view::npos;
  return !any_empty && std::count(text.begin(), text.end(), '.') == 3 &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
}

bool looks_like_v6(std::string_view text) {
  return text.find(':') != std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return hex_value(c) >= 0 || c == ':'; });
}

std::optional<IpAddress> parse_v4(std::string_view text) {
  constexpr std::size_t kV4TextBytesMax = 15;
  if (text.size() > kV4TextBytesMax) return {};
  IpAddress out;
  std::size_t octet = 0;
  unsigned value = 0;
  bool digits = false;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && is_digit(text[i])) {
      value = value * 10 + static_cast<unsigned>(text[i] - '0');
      digits = true;
    } else if ((i == text.size() || text[i] == '.') && digits && value <= 255 && octet < 4) {
      out.bytes[octet++] = static_cast<std::uint8_t>(value);
      value = 0;
      digits = false;
    } else {
      return {};
    }
  }
  return octet == 4 ? std::optional(out) : std::nullopt;
}

// Reads groups up to the end or to "::"; false if a group is malformed.
bool read_groups(std::string_view& text, std::array<std::uint16_t, 8>& groups, std::size_t& count) {
  count = 0;
  while (!text.empty()) {
    unsigned value = 0;
    std::size_t digits = 0;
    while (digits < text.size() && value <= 0xffff && hex_value(text[digits]) >= 0) {
      value = value * 16 + static_cast<unsigned>(hex_value(text[digits++]));
    }
    if (digits == 0 || value > 0xffff || count == groups.size()) return false;
    groups[count++] = static_cast<std::uint16_t>(value);
    text.remove_prefix(digits);
    if (text.empty() || text.starts_with("::")) return true;
    if (text[0] != ':' || text.size() == 1) return false;
    text.remove_prefix(1);
  }
  return true;
}

IpAddress without_mapping(IpAddress address) {
  const auto& b = address.bytes;
  const bool mapped =
      std::all_of(b.begin(), b.begin() + 10, [](auto v) { return v == 0; }) && b[10] == 0xff && b[11] == 0xff;
  if (!mapped) return address;
  IpAddress v4;
  std::copy(b.begin() + 12, b.end(), v4.bytes.begin());
  return v4;
}

std::optional<IpAddress> parse_v6(std::string_view text) {
  std::array<std::uint16_t, 8> head{}, tail{};
  std::size_t head_count = 0, tail_count = 0;
  if (!text.starts_with("::") && !read_groups(text, head, head_count)) return {};
  if (text.starts_with("::")) {
    text.remove_prefix(2);
    if (!read_groups(text, tail, tail_count) || !text.empty() || head_count + tail_count > 7) return {};
  } else if (head_count != 8) {
    return {};
  }
  std::copy(tail.begin(), tail.begin() + static_cast<std::ptrdiff_t>(tail_count),
            head.end() - static_cast<std::ptrdiff_t>(tail_count));
  IpAddress out{.is_v6 = true};
  for (std::size_t i = 0; i < head.size(); ++i) {
    out.bytes[2 * i] = static_cast<std::uint8_t>(head[i] >> 8);
    out.bytes[2 * i + 1] = static_cast<std::uint8_t>(head[i]);
  }
  return without_mapping(out);
}

std::string malformed(std::string_view what) { return "Malformed CIDR, " + std::string(what); }

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
  if (text.empty() || (hex_value(text[0]) < 0 && text[0] != ':')) return {};
  const auto v4 = parse_v4(text);
  return v4 ? v4 : parse_v6(text);
}

IpAddress network_of(const IpAddress& address, unsigned bits) {
  IpAddress out{.is_v6 = address.is_v6};
  const std::size_t whole = bits / 8;
  std::copy_n(address.bytes.begin(), whole, out.bytes.begin());
  if (bits % 8 != 0) out.bytes[whole] = static_cast<std::uint8_t>(address.bytes[whole] & (0xff00u >> (bits % 8)));
  return out;
}

std::variant<IpBlock, std::string> parse_cidr(std::string_view text) {
  // Java's split drops empty pieces at the end, so "10.0.0.0/" has one piece.
  while (text.ends_with('/')) text.remove_suffix(1);
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || text.find('/', slash + 1) != std::string_view::npos) {
    return malformed("one '/' required");
  }
  const std::string_view address_text = text.substr(0, slash);
  std::string_view bits_text = text.substr(slash + 1);
  if (bits_text.size() > 1 && bits_text[0] == '+' && bits_text[1] != '-') bits_text.remove_prefix(1);
  int bits = 0;
  const auto end = std::from_chars(bits_text.data(), bits_text.data() + bits_text.size(), bits);
  if (end.ec != std::errc{} || end.ptr != bits_text.data() + bits_text.size())
    return malformed("mask bits must be an integer");
  if (bits < 0) return malformed("mask bits must not be negative");
  const auto address = parse_ip(address_text);
  if (!address) {
    const bool ip_like = looks_like_v4(address_text) || looks_like_v6(address_text);
    return (ip_like ? "Invalid IP address: " : "Nonstandard IP address: ") + std::string(address_text);
  }
  if (!address->is_v6 && bits > 31) return "IPv4 mask bits must be < 32";
  if (address->is_v6 && bits > 127) return "IPv6 mask bits must be < 128";
  return IpBlock{network_of(*address, static_cast<unsigned>(bits)), static_cast<std::uint8_t>(bits)};
}

IpAddress last_of(const IpBlock& block) {
  IpAddress out = block.base;
  const std::size_t bytes = block.base.is_v6 ? 16 : 4;
  for (std::size_t i = 0; i < bytes; ++i) {
    const std::size_t network_bits = block.bits <= 8 * i ? 0 : std::min<std::size_t>(block.bits - 8 * i, 8);
    out.bytes[i] |= static_cast<std::uint8_t>(0xff >> network_bits);
  }
  return out;
}

}  // namespace millrace

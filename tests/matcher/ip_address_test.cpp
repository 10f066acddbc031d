// Addresses and networks, as text.
#include "matcher/ip_address.hpp"

#include <catch2/catch.hpp>

namespace millrace {
namespace {

TEST_CASE("texts of one address are one address", "[matcher]") {
  const auto [a, b] = GENERATE(table<std::string, std::string>({
      {"10.0.0.1", "010.0.0.1"},
      {"10.0.0.1", "::ffff:a00:1"},
      {"::1", "0:0:0:0:0:0:0:1"},
      {"::1", "::01"},
      {"2001:db8::1", "2001:DB8:0::1"},
      {"::", "0::0"},
      {"1::", "1:0:0:0:0:0:0:0"},
  }));
  INFO(a << " " << b);
  REQUIRE(parse_ip(a));
  CHECK(parse_ip(a) == parse_ip(b));
}

TEST_CASE("what only looks like an address is none", "[matcher]") {
  for (const auto text : {"",
                          "10.0.0.256",
                          "10.1",
                          "10.0.0.1.2",
                          " 10.0.0.1",
                          "10.0.0.1 ",
                          "10.0.0.1/32",
                          "1..2.3",
                          "08:23",
                          "12:30",
                          "::ffff:10.0.0.1",
                          "fe80::1%eth0",
                          "1::2::3",
                          "1:2:3:4:5:6:7",
                          "1:2:3:4:5:6:7:8:9",
                          "1:2:3:4:5:6:7:8::",
                          "12345::",
                          ":1",
                          "1:",
                          ":::",
                          "g::",
                          "-1.0.0.0",
                          "+1.0.0.0"}) {
    INFO(text);
    CHECK_FALSE(parse_ip(text));
  }
}

TEST_CASE("a network holds the addresses with its leading bits, of its family only", "[matcher]") {
  const auto [network, address, inside] = GENERATE(table<std::string, std::string, bool>({
      {"10.0.0.99/24", "10.0.0.0", true},
      {"10.0.0.99/24", "10.0.0.255", true},
      {"10.0.0.99/24", "10.0.1.0", false},
      {"10.0.0.0/31", "10.0.0.1", true},
      {"10.0.0.0/31", "10.0.0.2", false},
      {"0.0.0.0/0", "255.255.255.255", true},
      {"0.0.0.0/0", "::1", false},
      {"::/0", "1.2.3.4", false},
      {"::/0", "ffff::", true},
      {"10.0.0.0/8", "0a12:3456::", false},
      {"2001::/16", "32.1.5.6", false},
      {"2001:db8::/33", "2001:db8:7fff::", true},
      {"2001:db8::/33", "2001:db8:8000::", false},
      {"10.0.0.0/8", "::ffff:a00:1", true},
      {"10.0.0.0/+8", "10.1.1.1", true},
      {"10.0.0.0/08", "10.1.1.1", true},
  }));
  INFO(network << " " << address);
  const auto block = parse_cidr(network);
  REQUIRE(std::holds_alternative<IpBlock>(block));
  CHECK(block_contains(std::get<IpBlock>(block), *parse_ip(address)) == inside);
}

TEST_CASE("a text that is no network is refused in AWS's words", "[matcher]") {
  const auto [text, reason] = GENERATE(table<std::string, std::string>({
      {"10.0.0.0", "Malformed CIDR, one '/' required"},
      {"10.0.0.0/1/2", "Malformed CIDR, one '/' required"},
      {"10.0.0.0/x", "Malformed CIDR, mask bits must be an integer"},
      {"10.0.0.0/-1", "Malformed CIDR, mask bits must not be negative"},
      {"10.0.0.0/32", "IPv4 mask bits must be < 32"},
      {"::1/128", "IPv6 mask bits must be < 128"},
      {"xx/8", "Nonstandard IP address: xx"},
      {"10.0.0.256/8", "Invalid IP address: 10.0.0.256"},
  }));
  const auto refused = parse_cidr(text);
  REQUIRE(std::holds_alternative<std::string>(refused));
  CHECK(std::get<std::string>(refused) == reason);
}

}  // namespace
}  // namespace millrace

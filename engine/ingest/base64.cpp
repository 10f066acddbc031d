#include "engine/ingest/base64.hpp"

#include <string_view>
#include <utility>

namespace millrace {
namespace {

// What closes the payload's object, and escaped line ends.
constexpr std::string_view kBehind = "=\"} \t\r\n\\nr";

int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

}  // namespace

std::size_t Base64::decode(char* text, std::size_t bytes) {
  std::size_t out = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    const char c = text[i];
    if (done_) {
      trailing_ |= kBehind.find(c) == std::string_view::npos;
    } else if (c == '"' || c == '=') {
      done_ = true;
    } else if (std::exchange(escape_, c == '\\') && c != '/') {
      continue;  // \n and the like mean nothing in base64
    } else if (const int value = value_of(c); value >= 0) {
      bits_ = bits_ << 6 | static_cast<std::uint32_t>(value);
      place_ = (place_ + 1) % 4;
      if (place_ != 1) text[out++] = static_cast<char>(bits_ >> (place_ == 0 ? 0 : 8 - 2 * place_) & 0xff);
    }
  }
  return out;
}

}  // namespace millrace

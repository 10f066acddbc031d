#include "engine/route/json_scalar.hpp"

namespace millrace {

const char* json_number_end(const char* at, const char* end) {
  const auto digits = [&] {
    const char* const from = at;
    while (at < end && *at >= '0' && *at <= '9') ++at;
    return at > from;
  };
  if (at < end && *at == '-') ++at;
  if (at < end && *at == '0') {
    ++at;
  } else if (!digits()) {
    return nullptr;
  }
  if (at < end && *at == '.' && (++at, !digits())) return nullptr;
  if (at < end && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at < end && (*at == '+' || *at == '-')) ++at;
    if (!digits()) return nullptr;
  }
  return at;
}

}  // namespace millrace

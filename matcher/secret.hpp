// A number that neither rules nor events can know, to key hashes with. Threads: any. Cost: a system call.
#pragma once

#include <cstdint>
#include <random>

namespace millrace {

inline std::uint64_t fresh_secret() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

}  // namespace millrace

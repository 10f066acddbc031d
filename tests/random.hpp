// The random choices of a property test. The seed is fixed, or MILLRACE_TEST_SEED; a test that fails prints it.
//
// Threads: one thread an object.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <random>
#include <vector>

namespace millrace::test {

inline std::uint64_t seed_of_run() {
  const char* given = std::getenv("MILLRACE_TEST_SEED");
  return given == nullptr ? 20240229 : std::strtoull(given, nullptr, 10);
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::size_t below(std::size_t end) { return static_cast<std::size_t>(engine_() % end); }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <typename T>
  const T& of(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }
  const char* of(std::initializer_list<const char*> choices) { return choices.begin()[below(choices.size())]; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace millrace::test

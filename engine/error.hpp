// How the engine says that something failed: a sentence for people, in the order what, where, found, expected, likely
// fix.
//
// Threads: plain values.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace millrace {

struct Failure {
  std::string message;
};

// The subset of std::expected<T, Failure> in use, so that it can become an alias once every compiler here has it.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Failure failure) : state_(std::in_place_index<1>, std::move(failure)) {}

  explicit operator bool() const noexcept { return state_.index() == 0; }
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const Failure& failure() const { return std::get<1>(state_); }

 private:
  std::variant<T, Failure> state_;
};

}  // namespace millrace

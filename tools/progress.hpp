// Says on stderr how a replay is getting on: a line that renews itself on a terminal, a plain line every 10 s
// elsewhere.
//
// Threads: one thread an object.
#pragma once

#include <chrono>
#include <cstdint>

#include "engine/execute/start.hpp"

namespace millrace::tools {

class Progress {
 public:
  Progress(bool quiet, std::uint64_t input_bytes);
  void show(const Tally& tally);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  bool quiet_, terminal_, drawn_ = false;
  std::uint64_t input_bytes_;  // as read, where known; 0 otherwise
  Clock::time_point begin_ = Clock::now(), shown_ = begin_;
};

}  // namespace millrace::tools

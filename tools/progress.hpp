// Says on stderr how a replay is getting on: a line that renews itself on a terminal, a plain line every 10 s
// elsewhere.
//
// Threads: one thread an object.
#pragma once

#include <chrono>

#include "engine/execute/start.hpp"

namespace millrace::tools {

class Progress {
 public:
  explicit Progress(bool quiet);
  void show(const Tally& tally, std::uint64_t stored_bytes);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  bool quiet_, terminal_, drawn_ = false;
  Clock::time_point begin_ = Clock::now(), shown_ = begin_;
};

}  // namespace millrace::tools

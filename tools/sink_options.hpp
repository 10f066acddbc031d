// The options of sinks, which replay and `executions retry` share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "engine/execute/dead_letters.hpp"
#include "tools/command.hpp"

namespace millrace::tools {

class SinkArguments {
 public:
  void add_to(CLI::App& command);
  void add_resume_to(CLI::App& command);

  SinkOptions options(const std::atomic<int>& stop) const;
  const std::string& name() const { return to_; }
  bool resume() const { return resume_; }
  bool accept_changes() const { return accept_changes_; }
  bool has_idle_checkpoint() const { return !checkpoint_.empty() && !resume_; }
  // Of a sink that could not be made: wrong usage, or could not run.
  int status_of_failure() const;

  const std::string& dead_letters() const { return dead_letters_; }
  std::vector<std::string> files() const;  // that are written

 private:
  std::string file_of_sink() const;

  std::string to_ = "local", endpoint_url_, dead_letters_, checkpoint_;
  double start_rate_ = 0;
  unsigned in_flight_ = 64;
  std::chrono::milliseconds drain_timeout_{10'000}, request_timeout_{10'000}, retry_base_{100};
  bool resume_ = false, accept_changes_ = false;
};

// Starts that failed: into the dead-letter file, or the first of each kind named on stderr.
class FailedStarts {
 public:
  std::optional<Failure> open(const std::string& path, bool append);
  std::optional<Failure> take(const Start& start, const Outcome& outcome);
  std::optional<Failure> finish() { return letters_.finish(); }
  const std::map<std::string, std::uint64_t>& by_code() const { return by_code_; }

 private:
  DeadLetters letters_;
  std::map<std::string, std::uint64_t> by_code_;
};

}  // namespace millrace::tools

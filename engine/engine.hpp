// The front door of the engine: configure a replay, run it, read its report.
//
// run() owns the threads: one reader, N workers, and the executor on the caller's thread. The reader cuts large inputs
// into blocks, but hands small ones over whole and large plain files of lines in stretches, which workers read; a
// worker routes blocks; the executor restores input order, numbers what workers read, and feeds the sink. On a stop the
// reader stops first, what is in flight is drained, and the summary says what was done.
//
// Threads: run() once, on one thread; `stop` may be set from a signal handler.
// Cost:    memory is bounded by the blocks in flight, 2 x workers + 6 of about 400 KiB, and the rule set.
// Errors:  run() fails only if it could not run or its sink was lost; bad records and unreadable inputs are in the
// summary.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/error.hpp"
#include "engine/execute/sink.hpp"
#include "engine/execute/start.hpp"
#include "engine/ingest/inputs.hpp"
#include "engine/ingest/pacer.hpp"
#include "engine/ingest/record_reader.hpp"
#include "engine/route/router.hpp"
#include "engine/rules/live_rules.hpp"

namespace millrace {

constexpr unsigned kThreadsMax = 256;  // LIMIT: of workers; more than any machine this is meant for has

struct ReplayConfig {
  std::shared_ptr<const LiveRules> rules;  // REQUIRES: loaded with router_paths(), as every later set
  std::vector<std::string> inputs;
  InputFilter filter;
  Pace pace;
  RouteOptions route;
  unsigned threads = 1;         // workers
  bool resume = false;          // go on where the sink says, and tell it how far this run came
  bool accept_changes = false;  // of rules and finished inputs, when resuming
  std::size_t record_bytes_max = kRecordBytesMaxDefault;
};

struct ReplayReport {
  Tally tally;
  std::uint64_t started = 0, duplicates = 0, failed = 0, abandoned = 0;  // starts, by what became of them
  std::map<std::string, std::uint64_t> failures;                         // failed ones, by code
  std::uint64_t files_passed_over = 0;                                   // in directories, unlike logs
  std::string first_passed_over;
  std::uint64_t inputs_resumed = 0;  // that an earlier run had begun or finished
  bool stopped = false;              // by `stop`, before the input's end
  double seconds = 0;
};

// Of a replay that is resumed: is this record, or what was told of an input as a whole (number 0), told again?
using IsToldAgain = std::function<bool(const std::string& input, std::uint64_t number)>;

struct ReplayHooks {
  // Once, before anything is read of the inputs; a Failure ends the run.
  std::function<std::optional<Failure>(const IsToldAgain&)> on_resume;
  // In input order, before the position passes it; a Failure ends the run.
  std::function<std::optional<Failure>(const Reject&)> on_reject;
  // After each batch, and now and then while none comes; `stored_bytes`: of all inputs together, 0 where unknown.
  std::function<void(const Tally& so_far, std::uint64_t stored_bytes)> on_progress;
  // Of each start that failed; a Failure ends the run.
  std::function<std::optional<Failure>(const Start&, const Outcome&)> on_failed;
};

Result<ReplayReport> replay(const ReplayConfig& config, Sink& sink, const ReplayHooks& hooks,
                            const std::atomic<int>& stop);

}  // namespace millrace

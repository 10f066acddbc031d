// Takes batches from the workers in any order, restores the order of the input, and hands the starts to the sink.
//
// Shape. A batch has the sequence number of the work it came from. The executor hands over what belongs to the current
// sequence as it comes and keeps the rest; a worker whose sequence is not the current one waits while kBatchesAheadMax
// batches are kept, so nothing grows. The current sequence never waits, so neither do all.
//
// Threads: submit() from any thread; run() on one. Errors: a sink's failure ends run() and makes submit() say false.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "engine/execute/sink.hpp"
#include "engine/execute/start.hpp"

namespace millrace {

constexpr std::size_t kBatchesAheadMax =
    64;  // LIMIT: batches kept for later sequences; a batch is at most a block's starts

class Executor {
 public:
  using OnBatch = std::function<void(const StartBatch&)>;

  Executor(Sink& sink, OnBatch on_batch) : sink_(sink), on_batch_(std::move(on_batch)) {}

  // False once the sink has failed.
  bool submit(StartBatch batch);

  // Returns when `sequences` sequences are done, or with the sink's failure. The count is known once close() was
  // called.
  std::optional<Failure> run();
  void close(std::uint64_t sequences);

 private:
  std::optional<StartBatch> next_batch();

  Sink& sink_;
  OnBatch on_batch_;
  std::mutex mutex_;
  std::condition_variable arrived_, advanced_;
  std::map<std::uint64_t, std::deque<StartBatch>> kept_;
  std::size_t kept_count_ = 0;
  std::uint64_t current_ = 0;
  std::optional<std::uint64_t> sequences_;
  bool failed_ = false;
};

}  // namespace millrace

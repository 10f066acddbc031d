#include "engine/engine.hpp"

#include <concurrentqueue/blockingconcurrentqueue.h>

#include <chrono>
#include <semaphore>
#include <thread>

#include "engine/execute/executor.hpp"
#include "engine/ingest/inputs.hpp"

namespace millrace {
namespace {

// A small input is one piece of work; a worker reads it and does all the rest. LIMIT: as stored.
constexpr std::uint64_t kSmallInputBytes = std::uint64_t{1} << 20;

struct Work {
  enum Kind : std::uint8_t { block, file, quit } kind = quit;
  std::uint64_t sequence = 0;
  Block content;
  std::string path;
};

StartBatch empty_batch(std::uint64_t sequence, bool last) {
  StartBatch batch;
  batch.sequence = sequence;
  batch.last = last;
  return batch;
}

StartBatch opened_input(std::uint64_t sequence, bool last) {
  StartBatch batch = empty_batch(sequence, last);
  batch.tally.files = 1;
  return batch;
}

class Replay {
 public:
  Replay(const ReplayConfig& config, Sink& sink, const ReplayHooks& hooks, const std::atomic<int>& stop)
      : config_(config),
        hooks_(hooks),
        stop_(stop),
        free_places_(2 * static_cast<std::ptrdiff_t>(config.threads) + 4),
        executor_(sink, [this](const StartBatch& batch) { note(batch); }) {}

  Result<ReplayReport> run() {
    const auto begin = std::chrono::steady_clock::now();
    const InputList inputs = list_inputs(config_.inputs);
    for (const auto& failure : inputs.failures) reject_input(failure);
    if (inputs.files.empty()) return Failure{inputs.failures.empty() ? "no input" : inputs.failures.front()};
    std::vector<std::thread> workers;
    for (unsigned i = 0; i < config_.threads; ++i) workers.emplace_back([this] { work(); });
    std::thread reader([&] { read(inputs.files); });
    const auto failure = executor_.run();
    if (failure) abandoned_ = true;
    reader.join();
    for (auto& worker : workers) worker.join();
    if (failure) return *failure;
    report_.stopped = stop_ != 0;
    report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return report_;
  }

 private:
  bool stopping() const { return stop_ != 0 || abandoned_; }

  void reject_input(const std::string& sentence) {
    ++report_.tally.records;
    ++report_.tally.bad["unreadable"];
    if (hooks_.on_reject) hooks_.on_reject({"unreadable", sentence, sentence.substr(0, sentence.find(": ")), "", 0, 0});
  }

  void note(const StartBatch& batch) {
    report_.tally.add(batch.tally);
    report_.started += batch.starts.size();
    if (hooks_.on_reject) {
      for (const Reject& reject : batch.rejects) hooks_.on_reject(reject);
    }
    if (hooks_.on_progress) hooks_.on_progress(report_.tally);
  }

  void read(const std::vector<InputFile>& files) {
    std::uint64_t sequence = 0;
    for (const InputFile& file : files) {
      if (stopping()) break;
      if (file.bytes > 0 && file.bytes <= kSmallInputBytes) {
        put({Work::file, sequence++, {}, file.path});
      } else {
        read_large(file.path, sequence);
      }
    }
    for (unsigned i = 0; i < config_.threads; ++i) work_.enqueue({});
    executor_.close(sequence);
  }

  void read_large(const std::string& path, std::uint64_t& sequence) {
    RecordReader reader(path, config_.record_bytes_max, &stop_);
    executor_.submit(opened_input(sequence++, true));
    bool empty = true;
    for (Block block; !stopping() && reader.next(block);) {
      if (stopping()) block.bad.clear();  // what a stop cuts short is not bad
      empty = empty && block.input_bytes == 0 && block.bad.empty();
      put({Work::block, sequence++, std::move(block), {}});
    }
    if (!empty || stopping()) return;
    // Nothing is lost, so nothing is counted; but who names an empty file should hear of it.
    StartBatch notice = empty_batch(sequence++, true);
    notice.rejects.push_back({"empty", path + ": is empty", path, "", 0, 0});
    executor_.submit(std::move(notice));
  }

  // Waits for a place, so that a slow sink stops the reader.
  void put(Work work) {
    free_places_.acquire();
    work_.enqueue(std::move(work));
  }

  void work() {
    Router router(config_.rules, config_.route);
    for (;;) {
      Work work;
      work_.wait_dequeue(work);
      if (work.kind == Work::quit) return;
      if (work.kind == Work::file) {
        work_on_file(router, work);
      } else {
        submit(router, work.content, empty_batch(work.sequence, true));
      }
      free_places_.release();
    }
  }

  void work_on_file(Router& router, const Work& work) {
    RecordReader reader(work.path, config_.record_bytes_max);
    executor_.submit(opened_input(work.sequence, false));
    for (Block block; !stopping() && reader.next(block);) submit(router, block, empty_batch(work.sequence, false));
    executor_.submit(empty_batch(work.sequence, true));
  }

  void submit(Router& router, const Block& block, StartBatch batch) {
    batch.rules = config_.rules;
    batch.tally.bytes = block.input_bytes;
    router.route(block, batch);
    for (const BadStretch& bad : block.bad) {
      ++batch.tally.records;
      ++batch.tally.bad[bad.kind];
      batch.rejects.push_back({bad.kind,
                               *block.input + ": record " + std::to_string(bad.number) + " at byte " +
                                   std::to_string(bad.offset) + ": " + bad.reason,
                               *block.input, bad.text, bad.offset, bad.number});
    }
    executor_.submit(std::move(batch));
  }

  const ReplayConfig& config_;
  const ReplayHooks& hooks_;
  const std::atomic<int>& stop_;
  std::atomic<bool> abandoned_ = false;
  std::counting_semaphore<> free_places_;
  moodycamel::BlockingConcurrentQueue<Work> work_;
  Executor executor_;
  ReplayReport report_;
};

}  // namespace

Result<ReplayReport> replay(const ReplayConfig& config, Sink& sink, const ReplayHooks& hooks,
                            const std::atomic<int>& stop) {
  return Replay(config, sink, hooks, stop).run();
}

}  // namespace millrace

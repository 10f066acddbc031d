#include "engine/engine.hpp"

#include <concurrentqueue/concurrentqueue.h>

#include <chrono>
#include <set>
#include <thread>
#include <utility>

#include "engine/execute/executor.hpp"
#include "engine/ingest/inputs.hpp"
#include "engine/work_queue.hpp"

namespace millrace {
namespace {

// Small inputs are one piece of work together; a worker reads them and does all the rest. LIMIT: of one as stored; and
// of a piece of work.
constexpr std::uint64_t kSmallInputBytes = std::uint64_t{1} << 20;
constexpr std::size_t kSmallInputsMax = 64;

// A worker's batch is handed on when it has so many starts and rejects, or comes from so many bytes.
constexpr std::size_t kBatchItems = 512;
constexpr std::uint64_t kBatchBytes = std::uint64_t{1} << 20;

// PERF: a worker finds its next one for every millisecond of work.
constexpr std::uint64_t kStretchBytes = std::uint64_t{4} << 20;

// Read by the reader before it tries again whether all that is left are lines. PERF: what workers had read behind
// something else is thrown away.
constexpr std::size_t kBlocksBetweenStretches = 64;

constexpr std::size_t kSparesMax = 16;  // LIMIT: blocks' memory that waits to be used again

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
        work_(config.threads),
        sink_(sink),
        pacer_(config.pace.is_any() ? std::make_unique<Pacer>(config.pace) : nullptr),
        executor_(
            sink, [this](const StartBatch& batch, std::span<const Outcome> outcomes) { return note(batch, outcomes); },
            [this] { show_progress(); }) {}

  Result<ReplayReport> run() {
    const auto begin = std::chrono::steady_clock::now();
    const std::shared_ptr<const RuleSet> rules = config_.rules->get();
    if (auto failure = check_rules(*rules, sink_)) return *failure;
    auto point = sink_.resume(rules->fingerprint());
    if (!point) return point.failure();
    resume_point_ = std::move(*point);
    const InputList inputs = list_inputs(config_.inputs, config_.filter);
    if (auto failure = check_finished(inputs.files)) return *failure;
    if (inputs.files.empty()) return Failure{no_input(inputs)};
    if (auto failure = resume_rejects(inputs)) return *failure;
    report_.files_passed_over = inputs.passed_over;
    report_.first_passed_over = inputs.first_passed_over;
    for (const auto& failure : inputs.failures) {
      if (auto lost = reject_input(failure)) return *lost;
    }
    for (const InputFile& file : inputs.files) {
      const auto known = resume_point_.inputs.find(file.path);
      if (known == resume_point_.inputs.end() || !known->second.finished) stored_bytes_ += file.bytes;
    }
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

  std::string no_input(const InputList& inputs) const {
    if (!inputs.failures.empty()) return inputs.failures.front().sentence();
    if (config_.inputs.empty()) return "no input";
    return "no input: --account, --region, --since or --until leave no folder of " + config_.inputs.front();
  }

  std::optional<Failure> reject_input(const InputFailure& failure) {
    ++report_.tally.records;
    ++report_.tally.bad["unreadable"];
    if (!hooks_.on_reject) return {};
    return hooks_.on_reject({"unreadable", failure.why, failure.path, "", 0, 0});
  }

  // What lies behind the position is told again, and of inputs that are not this replay's nothing is.
  std::optional<Failure> resume_rejects(const InputList& inputs) const {
    if (!config_.resume || !hooks_.on_resume) return {};
    std::set<std::string> told;
    for (const InputFile& file : inputs.files) told.insert(file.path);
    for (const InputFailure& failure : inputs.failures) told.insert(failure.path);
    return hooks_.on_resume([&](const std::string& input, std::uint64_t number) {
      const auto known = resume_point_.inputs.find(input);
      if (known == resume_point_.inputs.end()) return told.contains(input);
      return !known->second.finished && (number == 0 || number > known->second.records_done);
    });
  }

  // An input that was done must still be what it was: its starts are not made again.
  std::optional<Failure> check_finished(const std::vector<InputFile>& files) const {
    std::set<std::string> named;
    for (const InputFile& file : files) {
      if (!named.insert(file.path).second && config_.resume)
        return Failure{"--resume: " + file.path + " is named twice, and there is one position for it; name it once"};
    }
    if (config_.accept_changes) return {};
    for (const auto& [path, progress] : resume_point_.inputs) {
      if (!named.contains(path))
        return Failure{"--resume: " + path + (progress.finished ? " was finished" : " was begun") +
                       " and is no longer among the inputs; --accept-changes goes on"};
    }
    for (const InputFile& file : files) {
      const auto known = resume_point_.inputs.find(file.path);
      if (known == resume_point_.inputs.end()) continue;
      const bool is_pipe = file.bytes == 0 && file.modified_ns == 0;
      const bool same = known->second.bytes == file.bytes && known->second.modified_ns == file.modified_ns;
      if (known->second.finished && is_pipe)
        return Failure{"--resume: " + file.path +
                       " was read to its end, and what comes from it now cannot be told from "
                       "what came then; --accept-changes goes on without reading it again"};
      if (known->second.finished && !same)
        return Failure{"--resume: " + file.path +
                       " has changed since it was finished; --accept-changes goes on without reading it again"};
      // What was begun may have grown, as a log does.
      if (!known->second.finished && !same && (file.bytes <= known->second.bytes || begins_otherwise(known->second)))
        return Failure{"--resume: " + file.path +
                       " is not what it was when the replay stopped; --accept-changes goes on " + "behind record " +
                       std::to_string(known->second.records_done) + " of it"};
    }
    return {};
  }

  static bool begins_otherwise(const InputProgress& known) {
    return known.head != 0 && head_of(known.path, known.bytes) != known.head;
  }

  std::optional<Failure> note(const StartBatch& batch, std::span<const Outcome> outcomes) {
    report_.tally.add(batch.tally);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      const Outcome& outcome = outcomes[i];
      report_.started += outcome.kind == OutcomeKind::started;
      report_.duplicates += outcome.kind == OutcomeKind::duplicate;
      report_.abandoned += outcome.kind == OutcomeKind::abandoned;
      if (outcome.kind != OutcomeKind::failed) continue;
      ++report_.failed;
      ++report_.failures[outcome.error.code];
      if (!hooks_.on_failed) continue;
      if (auto failure = hooks_.on_failed(batch.starts[i], outcome)) return failure;
    }
    for (const Reject& reject : batch.rejects) {
      if (!hooks_.on_reject) break;
      if (auto failure = hooks_.on_reject(reject)) return failure;
    }
    show_progress();
    return {};
  }

  void show_progress() const {
    if (hooks_.on_progress) hooks_.on_progress(report_.tally, stored_bytes_);
  }

  void read(const std::vector<InputFile>& files) {
    std::uint64_t sequence = 0, small_bytes = 0;
    std::vector<SmallInput> small;
    const auto put_small = [&] {
      if (!small.empty()) work_.put({.kind = Work::files, .sequence = sequence++, .small = std::exchange(small, {})});
      small_bytes = 0;
    };
    for (const InputFile& file : files) {
      if (stopping()) break;
      const auto known = resume_point_.inputs.find(file.path);
      const bool begun = known != resume_point_.inputs.end();
      report_.inputs_resumed += begun;
      if (begun && known->second.finished) continue;
      const std::uint64_t skipped = begun ? known->second.records_done : 0;
      if (file.bytes > 0 && file.bytes <= kSmallInputBytes && !config_.pace.is_any()) {
        if (small.size() == kSmallInputsMax || small_bytes + file.bytes > kSmallInputBytes) put_small();
        small.push_back({file, skipped});
        small_bytes += file.bytes;
      } else {
        put_small();
        read_large(file, skipped, sequence);
      }
    }
    put_small();
    if (pacer_) {
      pacer_->finish(stop_, [&](Block paced) {
        work_.put({.kind = Work::block, .sequence = sequence++, .content = std::move(paced)});
      });
    }
    work_.close();
    executor_.close(sequence);
  }

  void read_large(InputFile file, std::uint64_t skipped, std::uint64_t& sequence) {
    if (config_.resume) file.head = head_of(file.path, file.bytes);
    RecordReader reader(file.path, config_.record_bytes_max, &stop_, skipped);
    executor_.submit(opened_input(sequence++, true));
    std::shared_ptr<Numbering> numbering;  // once workers have read of it
    const Pacer::Put put_block = [&](Block block) {
      work_.put({.kind = Work::block,
                 .sequence = sequence++,
                 .content = std::move(block),
                 .input = file,
                 .numbering = numbering});
    };
    if (pacer_) pacer_->begin_input(skipped);
    bool empty = true;
    std::uint64_t records_done = skipped;
    std::size_t blocks_in_order = 1;  // before workers may read
    for (Block block; !stopping() && (spares_.try_dequeue(block.text), reader.next(block));) {
      if (stopping()) break;  // what a stop cuts short is not bad, and is read again
      empty = empty && block.input_bytes == 0 && block.bad.empty();
      records_done = block.records_done;
      if (pacer_) {
        pacer_->take(std::move(block), stop_, put_block);
        continue;
      }
      put_block(std::move(block));
      if (--blocks_in_order > 0) continue;
      blocks_in_order = kBlocksBetweenStretches;
      if (const auto from = reader.lines_from(); from && *from + kStretchBytes < reader.plain_file_bytes()) {
        if (!numbering) numbering = std::make_shared<Numbering>(Numbering{std::exchange(records_done, 0)});
        let_workers_read(reader, *from, file, numbering, sequence);
      }
    }
    if (pacer_) pacer_->end_input(stop_, put_block);
    if (stopping()) return;
    StartBatch end = empty_batch(sequence++, true);
    end.numbering = numbering;
    if (reader.opened()) add_progress(end, file, numbering ? 0 : records_done, true);
    // Nothing is lost, so nothing is counted; but who names an empty file should hear of it.
    if (empty) end.rejects.push_back({"empty", "is empty", file.path, "", 0, 0});
    executor_.submit(std::move(end));
  }

  // Hands out what is left of a file of lines but for its end, or as far as it is lines.
  void let_workers_read(RecordReader& reader, std::uint64_t from, const InputFile& file,
                        const std::shared_ptr<Numbering>& numbering, std::uint64_t& sequence) {
    LinesFile lines = reader.lines_file();
    const std::uint64_t bytes = reader.plain_file_bytes();
    for (; from + kStretchBytes < bytes && from < lines.irregular_from() && !stopping(); from += kStretchBytes)
      work_.put({.kind = Work::stretch,
                 .sequence = sequence++,
                 .lines = {&lines, from, from + kStretchBytes},
                 .input = file,
                 .numbering = numbering});
    work_.wait_for_all();
    reader.go_on_at(std::min(from, lines.irregular_from()));
  }

  void add_progress(StartBatch& batch, const InputFile& file, std::uint64_t records, bool finished) const {
    if (config_.resume)
      batch.progress.push_back({file.path, file.bytes, file.modified_ns, records, finished, file.head});
  }

  void work() {
    std::shared_ptr<const RuleSet> rules;
    std::optional<Router> router;
    Memory memory;
    while (auto work = work_.take()) {
      if (auto live = config_.rules->get(); live != rules) {
        rules = std::move(live);
        router.emplace(rules, config_.route);
      }
      if (work->kind == Work::files) work_on_files(*router, *work, memory);
      if (work->kind == Work::block) work_on_block(*router, *work);
      if (work->kind == Work::stretch) work_on_stretch(*router, *work, memory.block);
      work_.done();
    }
  }

  // Of a worker, kept from one piece of work to the next.
  struct Memory {
    Block block;
    std::string buffer;  // of a small input
  };

  void work_on_block(Router& router, Work& work) {
    StartBatch batch = empty_batch(work.sequence, true);
    batch.numbering = work.numbering;
    add_block(router, work.content, batch);
    if (spares_.size_approx() < kSparesMax) spares_.enqueue(std::move(work.content.text));
    batch.numbered = work.content.records_done;
    submit(std::move(batch), work);
  }

  void work_on_stretch(Router& router, const Work& work, Block& block) {
    const auto next_batch = [&] {
      StartBatch batch = empty_batch(work.sequence, false);
      batch.numbering = work.numbering;
      batch.guessed = true;
      return batch;
    };
    StartBatch batch = next_batch();
    LinesReader reader(*work.lines.lines, work.lines.begin, work.lines.end);
    while (reader.next(batch.numbered, block)) {
      batch.numbered = block.records_done;
      add_block(router, block, batch);
      if (batch.items() >= kBatchItems) submit(std::exchange(batch, next_batch()), work);
    }
    batch.irregular = reader.irregular();
    batch.last = true;
    submit(std::move(batch), work);
  }

  void submit(StartBatch batch, const Work& work) {
    add_progress(batch, work.input, batch.numbered, false);
    executor_.submit(std::move(batch));
  }

  void work_on_files(Router& router, const Work& work, Memory& memory) {
    StartBatch batch = empty_batch(work.sequence, false);
    for (const SmallInput& input : work.small) {
      if (stopping()) break;
      work_on_file(router, input, memory, batch);
    }
    batch.last = true;
    batch.cut_short = stopping();
    executor_.submit(std::move(batch));
  }

  void work_on_file(Router& router, const SmallInput& input, Memory& memory, StartBatch& batch) {
    RecordReader reader(input.file.path, config_.record_bytes_max, nullptr, input.skipped, std::move(memory.buffer));
    ++batch.tally.files;
    std::uint64_t records_done = input.skipped;
    bool more = true;
    while (!stopping() && (more = reader.next(memory.block))) {
      records_done = memory.block.records_done;
      add_block(router, memory.block, batch);
      if (batch.items() < kBatchItems && batch.tally.bytes < kBatchBytes) continue;
      add_progress(batch, input.file, records_done, false);
      executor_.submit(std::exchange(batch, empty_batch(batch.sequence, false)));
    }
    memory.buffer = reader.release();
    if (reader.opened()) add_progress(batch, input.file, records_done, !more);
  }

  void add_block(Router& router, const Block& block, StartBatch& batch) {
    batch.rules = router.rules();
    batch.tally.bytes += block.input_bytes;
    batch.tally.stored_bytes += block.stored_bytes;
    batch.tally.digests += block.digests;
    batch.tally.notices += block.notices;
    const auto rejected = static_cast<std::ptrdiff_t>(batch.rejects.size());
    router.route(block, batch);
    for (const BadStretch& bad : block.bad) {
      ++batch.tally.records;
      ++batch.tally.bad[bad.kind];
      batch.rejects.push_back({bad.kind, bad.reason, *block.input, bad.text, bad.offset, bad.number});
    }
    if (!block.bad.empty())
      std::stable_sort(batch.rejects.begin() + rejected, batch.rejects.end(),
                       [](const Reject& a, const Reject& b) { return a.number < b.number; });
  }

  const ReplayConfig& config_;
  const ReplayHooks& hooks_;
  const std::atomic<int>& stop_;
  std::atomic<bool> abandoned_ = false;
  WorkQueue work_;
  Sink& sink_;
  ResumePoint resume_point_;
  std::uint64_t stored_bytes_ = 0;
  std::unique_ptr<Pacer> pacer_;
  moodycamel::ConcurrentQueue<std::string> spares_;  // memory of blocks that are done
  Executor executor_;
  ReplayReport report_;
};

}  // namespace

Result<ReplayReport> replay(const ReplayConfig& config, Sink& sink, const ReplayHooks& hooks,
                            const std::atomic<int>& stop) {
  return Replay(config, sink, hooks, stop).run();
}

}  // namespace millrace

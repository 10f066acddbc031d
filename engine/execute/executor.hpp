// Takes batches from the workers in any order, restores the order of the input, and hands the starts to the sink.
//
// Shape. A batch has the sequence number of the work it came from. The executor takes what belongs to the current
// sequence as it comes and keeps the rest; a worker waits while kBytesAheadMax of starts and rejects are kept, or, if
// its sequence is not the current one, kBatchesAheadMax batches, so nothing grows. The next batch never waits, so
// neither do all. Batches in order make a group, as large as the sink likes, which is handed over at once; commits
// follow every group or kCommitPause.
//
// A sink may settle a group behind another that still waits: its starts are reported then, and only their position
// waits for those in front.
//
// Invariant: on_done() hears of every start once, after the sink has it, before its position is committed.
//
// Threads: submit() from any thread; run() on one. Errors: a sink's failure ends run() and makes submit() say false.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/execute/sink.hpp"
#include "engine/execute/start.hpp"

namespace millrace {

constexpr std::size_t kBatchesAheadMax =
    64;  // LIMIT: batches kept for later sequences; a batch is at most a block's starts
// LIMIT: of starts and rejects in batches that are kept, and in those of one group: half of what a replay may take.
constexpr std::size_t kBytesAheadMax = std::size_t{48} << 20, kGroupBytesMax = std::size_t{48} << 20;
constexpr std::size_t kGroupBatchesMax = 256;    // LIMIT: batches of one group, however few their starts
constexpr std::size_t kGroupStartsFirst = 1024;  // so that a short run, too, is soon durable
// PERF: woken for each batch, a worker pays for it and the executor costs a core's time (one gzip file: a tenth).
constexpr std::chrono::milliseconds kNap{2};
constexpr std::size_t kBatchesToWakeFor = 16;
constexpr std::chrono::milliseconds kIdlePause{200};      // between two calls that it waits for batches
constexpr std::chrono::milliseconds kGroupPause{50};      // that a group waits for more
constexpr std::chrono::milliseconds kGroupAgeMax{200};    // that its first batch waits, however steadily more come
constexpr std::chrono::milliseconds kCommitPause{1'000};  // between commits that no group asks for
constexpr std::size_t kPendingStartsMax = 16'384;         // LIMIT: with a sink that waits for answers
constexpr std::size_t kHandedGroupsMax = 16'384;          // LIMIT: whose position waits for a group in front

class Executor {
 public:
  // Of each batch: its outcomes, one a start; in order, unless the sink settles later ones first. A Failure ends the
  // run.
  using OnDone = std::function<std::optional<Failure>(const StartBatch&, std::span<const Outcome>)>;

  // Now and then while it waits for batches or for the sink.
  using OnWait = std::function<void()>;

  Executor(
      Sink& sink, OnDone on_done, OnWait on_wait = [] {})
      : sink_(sink), on_done_(std::move(on_done)), on_wait_(std::move(on_wait)) {}

  // False once the run has ended before its time: the sink failed, or a batch was cut short.
  bool submit(StartBatch batch);

  // Returns when `sequences` sequences are done, or with the sink's failure. The count is known once close() was
  // called.
  std::optional<Failure> run();
  void close(std::uint64_t sequences);

 private:
  using Clock = std::chrono::steady_clock;
  enum class Next : std::uint8_t { batch, pause, end };

  // A group that the sink has; once it is settled, how far it brings the position.
  struct Handed {
    std::vector<StartBatch> batches;
    std::vector<const Start*> starts;
    std::vector<Outcome> outcomes;
    std::vector<InputProgress> progress;
    bool settled = false, reached = true;  // reached: no start of it was abandoned
  };

  Next next_batch(StartBatch& batch, bool may_wait);
  std::optional<Failure> hand_over();
  std::optional<Failure> settle_groups();
  std::optional<Failure> report(Handed& group);
  static void note_progress(Handed& group, const StartBatch& batch, std::span<const Outcome> outcomes);
  std::optional<Failure> advance_to(std::size_t pending_max, std::size_t handed_max);
  std::optional<Failure> commit();
  std::optional<Failure> take_all();

  Sink& sink_;
  OnDone on_done_;
  OnWait on_wait_;
  std::mutex mutex_;
  std::condition_variable arrived_, advanced_;
  std::map<std::uint64_t, std::deque<StartBatch>> kept_;
  std::size_t kept_count_ = 0, kept_bytes_ = 0;
  std::uint64_t current_ = 0;
  std::optional<std::uint64_t> sequences_;
  bool ended_ = false;
  bool naps_ = false;  // and is woken for many batches only

  std::vector<StartBatch> group_;
  std::deque<std::unique_ptr<Handed>> handed_;
  Clock::time_point group_begun_;
  std::size_t group_items_ = 0, group_bytes_ = 0, uncommitted_starts_ = 0;
  std::size_t group_starts_max_ = kGroupStartsFirst;  // doubles with each commit, up to what the sink likes
  std::vector<InputProgress> progress_;               // since the last commit
  bool untold_ = false;                               // a batch's outcomes could not be told
  bool reached_ = true;                               // no start was abandoned so far
  Clock::time_point committed_;
};

}  // namespace millrace

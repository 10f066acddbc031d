#include "engine/execute/executor.hpp"

#include <algorithm>

namespace millrace {

bool Executor::submit(StartBatch batch) {
  std::unique_lock lock(mutex_);
  advanced_.wait(lock, [&] { return ended_ || batch.sequence == current_ || kept_count_ < kBatchesAheadMax; });
  if (ended_) return false;
  const bool wanted = batch.sequence == current_;
  kept_[batch.sequence].push_back(std::move(batch));
  ++kept_count_;
  lock.unlock();
  if (wanted) arrived_.notify_one();
  return true;
}

void Executor::close(std::uint64_t sequences) {
  {
    const std::lock_guard lock(mutex_);
    sequences_ = sequences;
  }
  arrived_.notify_one();
}

// Waits no longer than a group that has begun may.
Executor::Next Executor::next_batch(StartBatch& batch) {
  std::unique_lock lock(mutex_);
  const auto ready = [&] { return kept_.contains(current_) || (sequences_ && current_ >= *sequences_); };
  if (group_.empty() && progress_.empty()) {
    arrived_.wait(lock, ready);
  } else if (!arrived_.wait_for(lock, kGroupPause, ready)) {
    return Next::pause;
  }
  const auto found = kept_.find(current_);
  if (found == kept_.end()) return Next::end;
  ended_ = found->second.front().cut_short;
  batch = std::move(found->second.front());
  found->second.pop_front();
  --kept_count_;
  if (found->second.empty()) kept_.erase(found);
  if (batch.last) ++current_;
  lock.unlock();
  advanced_.notify_all();
  return Next::batch;
}

std::optional<Failure> Executor::hand_over() {
  std::vector<const Start*> starts;
  std::vector<Outcome> outcomes, all;
  for (const StartBatch& batch : group_) {
    for (const Start& start : batch.starts) {
      if (start.refused.code == nullptr) starts.push_back(&start);
    }
  }
  outcomes.resize(starts.size());
  if (!starts.empty()) {
    if (auto failure = sink_.write(starts, outcomes)) return failure;
  }
  std::size_t next = 0;
  for (const StartBatch& batch : group_) {
    all.clear();
    for (const Start& start : batch.starts) {
      const bool refused = start.refused.code != nullptr;
      all.push_back(refused ? Outcome{OutcomeKind::failed, start.refused, 0, nullptr} : std::move(outcomes[next++]));
    }
    if (auto failure = on_done_(batch, all)) return failure;
    note_progress(batch, all);
  }
  uncommitted_starts_ += starts.size();
  group_.clear();
  group_starts_ = 0;
  return {};
}

// The position passes no start that was abandoned, nor what comes behind it; of a batch of many inputs, none of these.
void Executor::note_progress(const StartBatch& batch, std::span<const Outcome> outcomes) {
  if (!reached_ || batch.progress.empty()) return;
  const auto abandoned = std::find_if(outcomes.begin(), outcomes.end(),
                                      [](const Outcome& outcome) { return outcome.kind == OutcomeKind::abandoned; });
  reached_ = abandoned == outcomes.end();
  if (!reached_ && batch.progress.size() > 1) return;
  for (InputProgress progress : batch.progress) {
    if (!reached_) {
      progress.finished = false;
      progress.records_done = batch.starts[static_cast<std::size_t>(abandoned - outcomes.begin())].record - 1;
    }
    if (!progress_.empty() && progress_.back().path == progress.path) progress_.pop_back();
    progress_.push_back(std::move(progress));
  }
}

std::optional<Failure> Executor::commit() {
  if (auto failure = sink_.commit(progress_)) return failure;
  group_starts_max_ *= 2;
  progress_.clear();
  uncommitted_starts_ = 0;
  committed_ = Clock::now();
  return {};
}

std::optional<Failure> Executor::take_all() {
  committed_ = Clock::now();
  for (;;) {
    const std::size_t group_starts = std::min(sink_.group_starts(), group_starts_max_);
    StartBatch batch;
    Next next = next_batch(batch);
    if (next == Next::batch) {
      if (batch.cut_short) next = Next::end;
      group_starts_ += batch.starts.size();
      group_.push_back(std::move(batch));
      if (next == Next::batch && group_starts_ < group_starts && group_.size() < kGroupBatchesMax) continue;
    }
    if (auto failure = hand_over()) {
      (void)sink_.commit(progress_);  // what the sink had before is kept, if that can be
      return failure;
    }
    const bool due =
        (sink_.commits_groups() && uncommitted_starts_ >= group_starts) || Clock::now() - committed_ >= kCommitPause;
    if (next == Next::end || due || (next == Next::pause && !progress_.empty())) {
      if (auto failure = commit()) return failure;
    }
    if (next == Next::end) return {};
  }
}

std::optional<Failure> Executor::run() {
  auto failure = take_all();
  if (failure) {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  advanced_.notify_all();
  return failure;
}

}  // namespace millrace

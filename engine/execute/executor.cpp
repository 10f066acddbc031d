#include "engine/execute/executor.hpp"

#include <algorithm>
#include <utility>

namespace millrace {
namespace {

std::size_t memory_of(const StartBatch& batch) {
  std::size_t out = 0;
  for (const Start& start : batch.starts)
    out += sizeof(start) + start.name.size() + start.event_id.size() + start.input.size();
  for (const Reject& reject : batch.rejects)
    out += sizeof(reject) + reject.reason.size() + reject.input.size() + reject.text.size();
  return out;
}

}  // namespace

bool Executor::submit(StartBatch batch) {
  batch.bytes = memory_of(batch);
  std::unique_lock lock(mutex_);
  const auto has_room = [&] {
    const bool is_current = batch.sequence == current_;
    if (is_current && !kept_.contains(current_)) return true;
    return kept_bytes_ < kBytesAheadMax && (is_current || kept_count_ < kBatchesAheadMax);
  };
  advanced_.wait(lock, [&] { return ended_ || has_room(); });
  if (ended_) return false;
  kept_bytes_ += batch.bytes;
  kept_[batch.sequence].push_back(std::move(batch));
  ++kept_count_;
  const bool wanted = kept_.contains(current_) && (!naps_ || kept_count_ >= kBatchesToWakeFor);
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
Executor::Next Executor::next_batch(StartBatch& batch, bool may_wait) {
  std::unique_lock lock(mutex_);
  const auto ready = [&] { return kept_.contains(current_) || (sequences_ && current_ >= *sequences_); };
  if (may_wait && !ready()) {
    naps_ = true;
    arrived_.wait_for(lock, kNap, [&] { return ready() && (sequences_ || kept_count_ >= kBatchesToWakeFor); });
    naps_ = false;
  }
  if (!may_wait) {
    if (!ready()) return Next::pause;
  } else {
    const bool is_idle = group_.empty() && progress_.empty();
    if (!arrived_.wait_for(lock, is_idle ? kIdlePause : kGroupPause, ready)) return Next::pause;
  }
  const auto found = kept_.find(current_);
  if (found == kept_.end()) return Next::end;
  ended_ = found->second.front().cut_short;
  batch = std::move(found->second.front());
  found->second.pop_front();
  --kept_count_;
  kept_bytes_ -= batch.bytes;
  if (found->second.empty()) kept_.erase(found);
  if (batch.last) ++current_;
  lock.unlock();
  batch.number();
  advanced_.notify_all();
  return Next::batch;
}

std::optional<Failure> Executor::hand_over() {
  auto handed = std::make_unique<Handed>();
  handed->batches = std::exchange(group_, {});
  group_items_ = group_bytes_ = 0;
  for (const StartBatch& batch : handed->batches) {
    for (const Start& start : batch.starts) {
      if (start.refused.code == nullptr) handed->starts.push_back(&start);
    }
  }
  handed->outcomes.resize(handed->starts.size());
  handed_.push_back(std::move(handed));
  if (!handed_.back()->starts.empty()) {
    if (auto failure = sink_.write(handed_.back()->starts, handed_.back()->outcomes)) return failure;
  }
  return settle_groups();
}

std::optional<Failure> Executor::settle_groups() {
  const auto is_pending = [](const Outcome& outcome) { return outcome.kind == OutcomeKind::pending; };
  for (const auto& group : handed_) {
    if (group->settled || std::any_of(group->outcomes.begin(), group->outcomes.end(), is_pending)) continue;
    if (auto failure = report(*group)) return failure;
  }
  for (; !handed_.empty() && handed_.front()->settled; handed_.pop_front()) {
    if (!reached_) continue;
    for (InputProgress& progress : handed_.front()->progress) {
      if (!progress_.empty() && progress_.back().path == progress.path) progress_.pop_back();
      progress_.push_back(std::move(progress));
    }
    reached_ = handed_.front()->reached;
  }
  return {};
}

std::optional<Failure> Executor::report(Handed& group) {
  std::vector<Outcome> all;
  std::size_t next = 0;
  for (const StartBatch& batch : group.batches) {
    all.clear();
    for (const Start& start : batch.starts) {
      const bool refused = start.refused.code != nullptr;
      all.push_back(refused ? Outcome{OutcomeKind::failed, start.refused, 0, nullptr}
                            : std::move(group.outcomes[next++]));
    }
    if (auto failure = on_done_(batch, all)) {
      untold_ = true;
      return failure;
    }
    note_progress(group, batch, all);
  }
  uncommitted_starts_ += group.starts.size();
  group.settled = true;
  group.batches = {};
  group.starts = {};
  group.outcomes = {};
  return {};
}

// The position passes no start that was abandoned, nor what comes behind it; of a batch of many inputs, none of these.
void Executor::note_progress(Handed& group, const StartBatch& batch, std::span<const Outcome> outcomes) {
  if (!group.reached) return;
  const auto abandoned = std::find_if(outcomes.begin(), outcomes.end(),
                                      [](const Outcome& outcome) { return outcome.kind == OutcomeKind::abandoned; });
  group.reached = abandoned == outcomes.end();
  if (!group.reached && batch.progress.size() > 1) return;
  for (InputProgress progress : batch.progress) {
    if (!group.reached) {
      progress.finished = false;
      progress.records_done = batch.starts[static_cast<std::size_t>(abandoned - outcomes.begin())].record - 1;
    }
    if (!group.progress.empty() && group.progress.back().path == progress.path) group.progress.pop_back();
    group.progress.push_back(std::move(progress));
  }
}

// Lets the sink work until so few starts are pending, and so few groups wait.
std::optional<Failure> Executor::advance_to(std::size_t pending_max, std::size_t handed_max) {
  while (sink_.pending() > pending_max || handed_.size() > handed_max) {
    sink_.advance();
    on_wait_();
    if (auto failure = settle_groups()) return failure;
    if (sink_.commits_groups() && Clock::now() - committed_ >= kCommitPause) {
      if (auto failure = commit()) return failure;
    }
  }
  return {};
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
    const bool busy = sink_.pending() > 0;
    StartBatch batch;
    Next next = next_batch(batch, !busy);
    if (next == Next::pause) {
      on_wait_();
      if (!busy && group_.empty() && progress_.empty()) continue;
    }
    if (next == Next::batch) {
      if (batch.cut_short) next = Next::end;
      if (group_.empty()) group_begun_ = Clock::now();
      group_items_ += batch.items();
      group_bytes_ += batch.bytes;
      group_.push_back(std::move(batch));
      const bool may_wait =
          group_items_ < group_starts && group_bytes_ < kGroupBytesMax && group_.size() < kGroupBatchesMax;
      if (next == Next::batch && may_wait && Clock::now() - group_begun_ < kGroupAgeMax) continue;
    }
    auto failure = group_.empty() ? std::nullopt : hand_over();
    if (!failure && next == Next::pause && busy) {
      sink_.advance();
      failure = settle_groups();
    }
    if (!failure) failure = next == Next::end ? advance_to(0, 0) : advance_to(kPendingStartsMax, kHandedGroupsMax);
    if (failure) {
      // What the sink had before is kept, if that can be; not if it has starts that the position does not pass.
      if (!untold_) (void)sink_.commit(progress_);
      return failure;
    }
    const bool due =
        (sink_.commits_groups() && uncommitted_starts_ >= group_starts) || Clock::now() - committed_ >= kCommitPause;
    if (next == Next::end || due || (next == Next::pause && !busy && !progress_.empty())) {
      if ((failure = commit())) return failure;
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

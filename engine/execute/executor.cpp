#include "engine/execute/executor.hpp"

namespace millrace {

bool Executor::submit(StartBatch batch) {
  std::unique_lock lock(mutex_);
  advanced_.wait(lock, [&] { return failed_ || batch.sequence == current_ || kept_count_ < kBatchesAheadMax; });
  if (failed_) return false;
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

std::optional<StartBatch> Executor::next_batch() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [&] { return kept_.contains(current_) || (sequences_ && current_ >= *sequences_); });
  const auto found = kept_.find(current_);
  if (found == kept_.end()) return {};
  StartBatch batch = std::move(found->second.front());
  found->second.pop_front();
  --kept_count_;
  if (found->second.empty()) kept_.erase(found);
  if (batch.last) ++current_;
  lock.unlock();
  advanced_.notify_all();
  return batch;
}

std::optional<Failure> Executor::run() {
  std::optional<Failure> failure;
  while (auto batch = next_batch()) {
    failure = sink_.write(batch->starts);
    if (failure) break;
    on_batch_(*batch);
  }
  if (!failure) failure = sink_.finish();
  if (failure) {
    const std::lock_guard lock(mutex_);
    failed_ = true;
  }
  advanced_.notify_all();
  return failure;
}

}  // namespace millrace

#include "engine/work_queue.hpp"

#include <utility>

namespace millrace {
namespace {

constexpr std::size_t kPiledUp = 3;  // blocks that wait; fewer are worked off before another worker is there

}  // namespace

WorkQueue::WorkQueue(unsigned workers)
    : places_(2 * std::size_t{workers} + 6),
      enough_((places_ + 1) / 2),
      free_(places_),
      awake_(workers),
      workers_(workers) {}

void WorkQueue::put(Work work) {
  std::unique_lock lock(mutex_);
  if (free_ == 0) freed_.wait(lock, [&] { return free_ >= enough_; });
  --free_;
  const bool is_block = work.kind == Work::block;
  waiting_.push_back(std::move(work));
  if (awake_ == 0 || !is_block || waiting_.size() >= kPiledUp) wake_one();
}

void WorkQueue::wake_one() {
  if (awake_ == workers_) return;
  ++awake_;
  ++calls_;
  woken_.notify_one();
}

std::optional<Work> WorkQueue::take() {
  std::unique_lock lock(mutex_);
  while (waiting_.empty() && !closed_) {
    --awake_;
    woken_.wait(lock, [&] { return calls_ > 0; });
    --calls_;
  }
  if (waiting_.empty()) return {};
  Work work = std::move(waiting_.front());
  waiting_.pop_front();
  return work;
}

void WorkQueue::done() {
  const std::lock_guard lock(mutex_);
  if (++free_ == enough_ || free_ == places_) freed_.notify_one();
}

void WorkQueue::wait_for_all() {
  std::unique_lock lock(mutex_);
  freed_.wait(lock, [&] { return free_ == places_; });
}

void WorkQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  while (awake_ < workers_) wake_one();
}

}  // namespace millrace

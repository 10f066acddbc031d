// Who works on what, and when another worker is woken.
#include "engine/work_queue.hpp"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <latch>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace millrace {
namespace {

constexpr auto kLongEnough = std::chrono::milliseconds(200);  // for a worker that was woken to have come

Work piece(Work::Kind kind, std::uint64_t sequence) { return {.kind = kind, .sequence = sequence}; }

TEST_CASE("every piece of work is done once, and a bounded number is on its way", "[engine]") {
  constexpr unsigned kWorkers = 3;
  constexpr std::uint64_t kPieces = 20000;
  WorkQueue queue(kWorkers);
  std::atomic<std::size_t> on_the_way = 0, most = 0;
  std::vector<std::vector<std::uint64_t>> taken(kWorkers);
  std::vector<std::thread> workers;
  for (auto& mine : taken) {
    workers.emplace_back([&] {
      while (const auto work = queue.take()) {
        mine.push_back(work->sequence);
        --on_the_way;
        queue.done();
      }
    });
  }
  for (std::uint64_t i = 0; i < kPieces; ++i) {
    if (i % 1000 == 500) {
      queue.wait_for_all();
      CHECK(on_the_way == 0);
    }
    most = std::max(most.load(), ++on_the_way);
    queue.put(piece(i % 7 == 0 ? Work::stretch : Work::block, i));
  }
  queue.close();
  for (auto& worker : workers) worker.join();
  std::set<std::uint64_t> all;
  std::size_t count = 0;
  for (const auto& mine : taken) {
    CHECK(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
    count += mine.size();
  }
  CHECK(count == kPieces);
  CHECK(all.size() == kPieces);
  CHECK(most <= 2 * kWorkers + 7);
}

// One worker holds a block until it is told to go on; says what the other one had taken by then.
std::vector<std::uint64_t> taken_by_another(const std::vector<Work::Kind>& behind) {
  WorkQueue queue(2);
  std::latch held(1), go_on(1);
  std::mutex mutex;
  std::vector<std::uint64_t> by_another;
  bool went_on = false;
  const auto work = [&] {
    while (const auto taken = queue.take()) {
      if (taken->sequence == 0) {
        held.count_down();
        go_on.wait();
      } else {
        const std::lock_guard lock(mutex);
        if (!went_on) by_another.push_back(taken->sequence);
      }
      queue.done();
    }
  };
  std::thread first(work), second(work);
  std::this_thread::sleep_for(kLongEnough);  // both wait
  queue.put(piece(Work::block, 0));
  held.wait();
  for (std::size_t i = 0; i < behind.size(); ++i) queue.put(piece(behind[i], i + 1));
  std::this_thread::sleep_for(kLongEnough);
  {
    const std::lock_guard lock(mutex);
    went_on = true;
  }
  go_on.count_down();
  queue.wait_for_all();
  queue.close();
  first.join();
  second.join();
  return by_another;
}

TEST_CASE("another worker is woken by blocks that pile up, and by what workers read themselves", "[engine]") {
  CHECK(taken_by_another({Work::block, Work::block}).empty());
  CHECK(taken_by_another({Work::block, Work::block, Work::block}) == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(taken_by_another({Work::stretch}) == std::vector<std::uint64_t>{1});
  CHECK(taken_by_another({Work::files}) == std::vector<std::uint64_t>{1});
}

}  // namespace
}  // namespace millrace

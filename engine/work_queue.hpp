// The work of a replay on its way from the reader to the workers.
//
// Shape. Pieces in the reader's order: a block that the reader has cut, lines of a large input, or small inputs whole.
// A fixed number of places bounds the pieces that wait or are worked on; a reader that finds none free waits until half
// of them are. Blocks wake one worker, and another when they pile up; what a worker reads itself wakes one each.
//
// Threads: put(), wait_for_all() and close() from one thread; take() and done() from any.
// Cost:    a mutex a call. PERF: woken for each piece, the reader would cost two changes of context for every 40 us of
//          work; a worker woken for each block takes the core of the thread that unpacks.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/execute/start.hpp"
#include "engine/ingest/block.hpp"
#include "engine/ingest/inputs.hpp"
#include "engine/ingest/lines_file.hpp"

namespace millrace {

struct SmallInput {
  InputFile file;
  std::uint64_t skipped = 0;  // records that an earlier run had done
};

// Lines of a large input, which a worker reads itself.
struct Stretch {
  LinesFile* lines = nullptr;
  std::uint64_t begin = 0, end = 0;
};

struct Work {
  enum Kind : std::uint8_t { block, stretch, files } kind = block;
  std::uint64_t sequence = 0;
  Block content = {};
  Stretch lines = {};
  InputFile input = {};                            // of the block or the lines
  std::shared_ptr<Numbering> numbering = nullptr;  // of the input
  std::vector<SmallInput> small = {};
};

class WorkQueue {
 public:
  explicit WorkQueue(unsigned workers);

  void put(Work work);         // waits for a place
  std::optional<Work> take();  // waits for work; nothing once the queue is closed and empty
  void done();                 // with what was taken: its place is free
  void wait_for_all();         // until all that was put is done
  void close();

 private:
  void wake_one();

  const std::size_t places_, enough_;
  std::mutex mutex_;
  std::condition_variable freed_, woken_;
  std::deque<Work> waiting_;
  std::size_t free_;
  unsigned awake_;  // workers that work or have been told to
  const unsigned workers_;
  unsigned calls_ = 0;  // to workers that have not come yet
  bool closed_ = false;
};

}  // namespace millrace

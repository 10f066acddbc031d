// Hands records on at a pace: so many a second, or as their event times say; and in the order of these times, if asked.
//
// Records of one second are spread evenly over it; those outside of --since and --until take no time. Sorting is by a
// bounded window, since log files are about a fifth out of order, by minutes: a record that comes later than its window
// is handed on at once.
//
// Threads: one thread an object, the reader's, which it puts to sleep. Cost: a parse and a copy of each record; memory
// within kSortBytesMax and a second's records. Errors: none; a record without a time goes with the one before it.
#pragma once

#include <simdjson.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "engine/ingest/block.hpp"

namespace millrace {

struct Pace {
  double records_per_second = 0;  // 0: not by rate
  double speed = 0;               // event seconds in a second; 0: not by event time
  bool sort = false;
  std::string since = {}, until = {};  // event times as RouteOptions has them; what lies outside is not paced

  bool is_any() const { return records_per_second > 0 || speed > 0 || sort; }
};

constexpr std::size_t kSortBytesMax = std::size_t{64} << 20;  // LIMIT: held to sort; some 50,000 records

constexpr std::size_t kSecondBytesMax = std::size_t{16}
                                        << 20;  // LIMIT: held to be spread over their second; the rest follows

class Pacer {
 public:
  using Put = std::function<void(Block)>;

  explicit Pacer(Pace pace);

  // At an input's beginning; records up to number `skipped` will not come.
  void begin_input(std::uint64_t skipped) { last_number_ = skipped; }
  // Once `stop` is set, nothing is put any more.
  void take(Block block, const std::atomic<int>& stop, const Put& put);
  // At an input's end: hands on what is held, unless it waits to be sorted with the next input's.
  void end_input(const std::atomic<int>& stop, const Put& put);
  void finish(const std::atomic<int>& stop, const Put& put);

 private:
  using Clock = std::chrono::steady_clock;
  struct Held {
    std::shared_ptr<const std::string> input;
    std::string text;
    RecordRef ref;
    std::int64_t second = 0;
  };

  struct HeldBad {
    std::shared_ptr<const std::string> input;
    BadStretch stretch;
  };

  static std::size_t bytes_of(const Held& held);
  // Of its eventTime, or of an event's time, since 1970; the last record's if it has none.
  std::int64_t second_of(std::string_view record);
  bool is_paced(const Held& held) const { return held.second >= since_ && held.second < until_; }
  void hold(Held held, const std::atomic<int>& stop, const Put& put);
  void release_oldest(const std::atomic<int>& stop, const Put& put);
  void order(Held held, const std::atomic<int>& stop, const Put& put);
  void release_waiting(const std::atomic<int>& stop, const Put& put);
  void release_second(const std::atomic<int>& stop, const Put& put);
  void emit(Held held, Clock::time_point due, const std::atomic<int>& stop, const Put& put);
  void flush(const Put& put);
  void take_bad(HeldBad bad, const std::atomic<int>& stop, const Put& put);
  void put_bad(HeldBad bad, const Put& put);
  void go_on_with(const std::shared_ptr<const std::string>& input, const Put& put);
  static void wait_until(Clock::time_point due, const std::atomic<int>& stop);

  Pace pace_;
  std::int64_t since_, until_;  // whole seconds
  simdjson::dom::parser parser_;
  std::multimap<std::int64_t, Held> window_;  // by second; those of one second in the order they came
  std::size_t window_bytes_ = 0;
  std::size_t second_bytes_ = 0;
  std::deque<Held> second_;  // records of the second that is being collected
  std::deque<HeldBad> bad_;  // that stand behind a record which waits
  Block out_;
  std::uint64_t paced_ = 0;        // records, by rate
  std::uint64_t last_number_ = 0;  // of the record put last
  std::int64_t last_second_ = 0, first_second_ = 0;
  Clock::time_point begin_, tick_end_;
  bool begun_ = false;
};

}  // namespace millrace

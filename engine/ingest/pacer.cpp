#include "engine/ingest/pacer.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <thread>

#include "engine/ingest/record_reader.hpp"
#include "engine/route/string_index.hpp"

namespace millrace {
namespace {

constexpr std::size_t kBadStretchesMax = 1024;  // LIMIT: held at once

using namespace std::chrono_literals;

constexpr auto kTick = 10ms;  // records due within it are put together

int number_at(std::string_view text, std::size_t at, std::size_t digits) {
  int out = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    out = out * 10 + text[i] - '0';
  }
  return out;
}

// Since 1970, of YYYY-MM-DDTHH:MM:SS and whatever follows.
std::optional<std::int64_t> second_of_time(std::string_view time) {
  constexpr std::size_t kTimeBytes = 19;
  if (time.size() < kTimeBytes) return {};
  const int year = number_at(time, 0, 4), month = number_at(time, 5, 2), day = number_at(time, 8, 2);
  const int hour = number_at(time, 11, 2), minute = number_at(time, 14, 2), second = number_at(time, 17, 2);
  const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok() || hour < 0 || minute < 0 || second < 0) return {};
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((static_cast<std::int64_t>(days) * 24 + hour) * 60 + minute) * 60 + second;
}

}  // namespace

Pacer::Pacer(Pace pace)
    : pace_(std::move(pace)),
      since_(second_of_time(pace_.since).value_or(std::numeric_limits<std::int64_t>::min())),
      until_(second_of_time(pace_.until).value_or(std::numeric_limits<std::int64_t>::max() - 1) +
             (pace_.until.find('.') != std::string::npos)) {}

std::int64_t Pacer::second_of(std::string_view record) {
  simdjson::dom::object event;
  std::string_view time;
  if (parser_.parse(record.data(), record.size(), false).get(event)) return last_second_;
  const bool is_event = event["detail-type"].error() == simdjson::SUCCESS;
  if (event[is_event ? "time" : "eventTime"].get(time)) return last_second_;
  return second_of_time(time).value_or(last_second_);
}

void Pacer::take(Block block, const std::atomic<int>& stop, const Put& put) {
  std::vector<BadStretch> bad = std::exchange(block.bad, {});
  auto next_bad = bad.begin();
  for (const RecordRef& ref : block.records) {
    for (; next_bad != bad.end() && next_bad->number < ref.number; ++next_bad)
      take_bad({block.input, std::move(*next_bad)}, stop, put);
    const std::string_view text = block.record(ref);
    last_second_ = second_of(text);
    hold({block.input, std::string(text), ref, last_second_}, stop, put);
  }
  for (; next_bad != bad.end(); ++next_bad) take_bad({block.input, std::move(*next_bad)}, stop, put);
  if (stop != 0) return;
  if (second_.empty() && window_.empty()) flush(put);
  // Bytes and digests are not paced, and say nothing of how far the records have come.
  block.records.clear();
  block.text.clear();
  block.text_bytes = 0;
  block.records_done = last_number_;
  put(std::move(block));
}

// What is no record is not paced; it is counted in its place, so that a stop leaves it on one side of the position.
void Pacer::take_bad(HeldBad bad, const std::atomic<int>& stop, const Put& put) {
  if (bad_.size() >= kBadStretchesMax) release_waiting(stop, put);
  second_.empty() ? put_bad(std::move(bad), put) : bad_.push_back(std::move(bad));
}

void Pacer::put_bad(HeldBad bad, const Put& put) {
  go_on_with(bad.input, put);
  out_.records_done = std::max(out_.records_done, bad.stretch.number);
  out_.bad.push_back(std::move(bad.stretch));
}

// A block is of one input.
void Pacer::go_on_with(const std::shared_ptr<const std::string>& input, const Put& put) {
  if (out_.input != input || out_.text.size() >= kBlockBytes || out_.bad.size() >= kBadStretchesMax) flush(put);
  out_.input = input;
}

std::size_t Pacer::bytes_of(const Held& held) {
  constexpr std::size_t kNodeBytes = 64;  // of the map that it is kept in
  return held.text.size() + sizeof(Held) + kNodeBytes;
}

void Pacer::hold(Held held, const std::atomic<int>& stop, const Put& put) {
  if (!pace_.sort) return order(std::move(held), stop, put);
  window_bytes_ += bytes_of(held);
  const std::int64_t second = held.second;
  window_.emplace(second, std::move(held));
  while (window_bytes_ > kSortBytesMax) release_oldest(stop, put);
}

void Pacer::release_oldest(const std::atomic<int>& stop, const Put& put) {
  auto oldest = window_.extract(window_.begin());
  window_bytes_ -= bytes_of(oldest.mapped());
  order(std::move(oldest.mapped()), stop, put);
}

// By event time, a record waits until its whole second is known.
void Pacer::order(Held held, const std::atomic<int>& stop, const Put& put) {
  if (pace_.speed > 0) {
    const bool is_next = !second_.empty() && second_.front().second != held.second;
    if (is_next || second_bytes_ > kSecondBytesMax) release_second(stop, put);
    second_bytes_ += bytes_of(held);
    second_.push_back(std::move(held));
    return;
  }
  if (pace_.records_per_second == 0 || !is_paced(held)) return emit(std::move(held), {}, stop, put);
  if (!begun_) begin_ = tick_end_ = Clock::now();
  begun_ = true;
  const double seconds = static_cast<double>(paced_++) / pace_.records_per_second;
  emit(std::move(held), begin_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds)),
       stop, put);
}

void Pacer::release_second(const std::atomic<int>& stop, const Put& put) {
  second_bytes_ = 0;
  if (second_.empty()) return;
  if (!is_paced(second_.front())) {
    for (; !second_.empty(); second_.pop_front()) emit(std::move(second_.front()), {}, stop, put);
    return;
  }
  if (!begun_) {
    begun_ = true;
    begin_ = tick_end_ = Clock::now();
    first_second_ = second_.front().second;
  }
  const auto count = static_cast<double>(second_.size());
  const auto elapsed = static_cast<double>(std::max<std::int64_t>(0, second_.front().second - first_second_));
  for (double i = 0; !second_.empty(); second_.pop_front(), ++i) {
    const std::chrono::duration<double> after((elapsed + i / count) / pace_.speed);
    emit(std::move(second_.front()), begin_ + std::chrono::duration_cast<Clock::duration>(after), stop, put);
  }
}

void Pacer::emit(Held held, Clock::time_point due, const std::atomic<int>& stop, const Put& put) {
  if (stop != 0) return;
  if (due > tick_end_) {
    flush(put);
    wait_until(due, stop);
    if (stop != 0) return;
    tick_end_ = due + kTick;
  }
  const auto is_before = [&](const HeldBad& bad) {
    return bad.input != held.input || bad.stretch.number < held.ref.number;
  };
  for (; !bad_.empty() && is_before(bad_.front()); bad_.pop_front()) put_bad(std::move(bad_.front()), put);
  go_on_with(held.input, put);
  held.ref.begin = static_cast<std::uint32_t>(out_.text.size());
  out_.text += held.text;
  out_.text += '\n';
  out_.records.push_back(held.ref);
  out_.records_done = held.ref.number;
}

void Pacer::flush(const Put& put) {
  if (out_.records.empty() && out_.bad.empty()) return;
  last_number_ = out_.records_done;
  out_.text_bytes = out_.text.size();
  out_.text.append(kJsonPaddingBytes, ' ');
  put(std::exchange(out_, {}));
}

void Pacer::wait_until(Clock::time_point due, const std::atomic<int>& stop) {
  constexpr auto kLook = 50ms;
  while (stop == 0 && Clock::now() < due) std::this_thread::sleep_until(std::min(due, Clock::now() + kLook));
}

void Pacer::end_input(const std::atomic<int>& stop, const Put& put) {
  if (pace_.sort) return;
  release_waiting(stop, put);
  if (stop == 0) flush(put);
}

void Pacer::release_waiting(const std::atomic<int>& stop, const Put& put) {
  release_second(stop, put);
  for (; !bad_.empty() && stop == 0; bad_.pop_front()) put_bad(std::move(bad_.front()), put);
}

void Pacer::finish(const std::atomic<int>& stop, const Put& put) {
  while (!window_.empty() && stop == 0) release_oldest(stop, put);
  pace_.sort = false;
  end_input(stop, put);
}

}  // namespace millrace

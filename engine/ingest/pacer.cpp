#include "engine/ingest/pacer.hpp"

#include <algorithm>
#include <thread>

#include "engine/ingest/record_reader.hpp"
#include "engine/route/text_scan.hpp"

namespace millrace {
namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 10ms;  // records due within it are put together

// The content of the string behind the first such key.
std::string_view string_behind(std::string_view text, std::string_view key) {
  const auto at = text.find(key);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + key.size());
  const auto quote = text.find_first_not_of(" \t\r\n:");
  if (quote == std::string_view::npos || text[quote] != '"') return {};
  text.remove_prefix(quote + 1);
  return text.substr(0, text.find('"'));
}

int number_at(std::string_view text, std::size_t at, std::size_t digits) {
  int out = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    out = out * 10 + text[i] - '0';
  }
  return out;
}

}  // namespace

std::int64_t event_second(std::string_view record, std::int64_t otherwise) {
  constexpr std::size_t kTimeBytes = 19;  // YYYY-MM-DDTHH:MM:SS
  std::string_view time = string_behind(record, "\"eventTime\"");
  if (time.empty()) time = string_behind(record, "\"time\"");
  if (time.size() < kTimeBytes) return otherwise;
  const int year = number_at(time, 0, 4), month = number_at(time, 5, 2), day = number_at(time, 8, 2);
  const int hour = number_at(time, 11, 2), minute = number_at(time, 14, 2), second = number_at(time, 17, 2);
  const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok() || hour < 0 || minute < 0 || second < 0) return otherwise;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((static_cast<std::int64_t>(days) * 24 + hour) * 60 + minute) * 60 + second;
}

void Pacer::take(Block block, const std::atomic<int>& stop, const Put& put) {
  for (const RecordRef& ref : block.records) {
    const std::string_view text = block.record(ref);
    last_second_ = event_second(text, last_second_);
    hold({block.input, std::string(text), ref, last_second_}, stop, put);
  }
  if (stop != 0) return;
  // What is no record is not paced, and says nothing of how far the records have come.
  block.records.clear();
  block.text.clear();
  block.text_bytes = 0;
  block.records_done = last_number_;
  put(std::move(block));
}

void Pacer::hold(Held held, const std::atomic<int>& stop, const Put& put) {
  if (!pace_.sort) return order(std::move(held), stop, put);
  window_bytes_ += held.text.size();
  const std::int64_t second = held.second;
  window_.emplace(second, std::move(held));
  while (window_bytes_ > kSortBytesMax) release_oldest(stop, put);
}

void Pacer::release_oldest(const std::atomic<int>& stop, const Put& put) {
  auto oldest = window_.extract(window_.begin());
  window_bytes_ -= oldest.mapped().text.size();
  order(std::move(oldest.mapped()), stop, put);
}

// By event time, a record waits until its whole second is known.
void Pacer::order(Held held, const std::atomic<int>& stop, const Put& put) {
  if (pace_.speed > 0) {
    if (!second_.empty() && second_.front().second != held.second) release_second(stop, put);
    second_.push_back(std::move(held));
    return;
  }
  if (!begun_) begin_ = tick_end_ = Clock::now();
  begun_ = true;
  const double seconds = pace_.records_per_second > 0 ? static_cast<double>(emitted_) / pace_.records_per_second : 0;
  emit(std::move(held), begin_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds)),
       stop, put);
}

void Pacer::release_second(const std::atomic<int>& stop, const Put& put) {
  if (second_.empty()) return;
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
  if (!out_.records.empty() && (out_.input != held.input || out_.text.size() >= kBlockBytes)) flush(put);
  out_.input = held.input;
  held.ref.begin = static_cast<std::uint32_t>(out_.text.size());
  out_.text += held.text;
  out_.text += '\n';
  out_.records.push_back(held.ref);
  last_number_ = out_.records_done = held.ref.number;
  ++emitted_;
}

void Pacer::flush(const Put& put) {
  if (out_.records.empty()) return;
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
  release_second(stop, put);
  flush(put);
  last_number_ = 0;
}

void Pacer::finish(const std::atomic<int>& stop, const Put& put) {
  while (!window_.empty() && stop == 0) release_oldest(stop, put);
  release_second(stop, put);
  if (stop == 0) flush(put);
}

}  // namespace millrace

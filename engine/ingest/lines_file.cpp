#include "engine/ingest/lines_file.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/ingest/line.hpp"
#include "engine/route/string_index.hpp"

namespace millrace {
namespace {

// Read behind a stretch at once, for the end of its last line. PERF: most lines are shorter.
constexpr std::size_t kTailBytes = std::size_t{8} << 10;

}  // namespace

void LinesFile::note_irregular(std::uint64_t offset) {
  std::uint64_t known = irregular_from();
  while (offset < known && !irregular_from_.compare_exchange_weak(known, offset, std::memory_order_acq_rel)) {
  }
}

bool LinesReader::next(std::uint64_t numbered, Block& block) {
  if (irregular_ || base_ + at_ >= end_) return false;
  std::string text = std::move(block.text);
  block = {};
  block.input = file_.name_;
  block.records_done = numbered;
  if (!std::exchange(begun_, true)) find_first(text);
  take_lines(text, block);
  const std::uint64_t done = std::min(base_ + at_, end_);
  block.input_bytes = block.stored_bytes = done - std::exchange(accounted_, done);
  block.text_bytes = bytes_;
  block.next_read = next_read_;
  block.text = std::move(text);
  return true;
}

// Behind the first line break; a line that began in front of the stretch is not its own.
void LinesReader::find_first(std::string& text) {
  while (base_ + at_ < end_) {
    if (!read_more(text)) return stop_at(at_);
    const auto newline = std::string_view(text.data(), bytes_).find('\n', at_);
    at_ = newline == std::string_view::npos ? bytes_ : newline + 1;
    if (newline != std::string_view::npos) return;
  }
}

void LinesReader::take_lines(std::string& text, Block& block) {
  while (base_ + at_ < end_ && !irregular_ && !block.is_full()) {
    const auto* const newline = static_cast<const char*>(std::memchr(text.data() + at_, '\n', bytes_ - at_));
    if (newline == nullptr) {
      if (!block.records.empty()) return;
      if (bytes_ - at_ > file_.record_bytes_max_ + kAroundRecordBytesMax || !read_more(text)) stop_at(at_);
      continue;
    }
    const auto end = static_cast<std::size_t>(newline - text.data());
    const Line line = read_line({text.data(), bytes_}, at_, end);
    if (line.end - line.begin > file_.record_bytes_max_ || line.may_be_container) return stop_at(at_);
    if (line.begin < line.end)
      block.records.push_back({static_cast<std::uint32_t>(line.begin),
                               static_cast<std::uint32_t>(line.end - line.begin), base_ + line.begin,
                               ++block.records_done});
    at_ = end + 1;
  }
}

// Reads on behind what is left, which moves to the front.
bool LinesReader::read_more(std::string& text) {
  bytes_ -= at_;
  std::memmove(text.data(), text.data() + at_, bytes_);
  base_ += std::exchange(at_, 0);
  const std::uint64_t from = base_ + bytes_;
  const std::uint64_t wanted = std::max<std::uint64_t>(kTailBytes, bytes_) + (from < end_ ? end_ - from : 0);
  const std::size_t more = std::min<std::uint64_t>(wanted, kBlockBytes);
  const std::size_t needed = bytes_ + more + kJsonPaddingBytes;
  if (text.size() < needed) text.resize(needed);
  const std::size_t got = file_.source_.read_at(from, text.data() + bytes_, more);
  bytes_ += got;
  next_read_ = hint_.prepare(from + got, kBlockBytes);
  std::memset(text.data() + bytes_, ' ', kJsonPaddingBytes);
  return got > 0;
}

void LinesReader::stop_at(std::size_t place) {
  irregular_ = true;
  at_ = place;
  file_.note_irregular(base_ + place);
}

}  // namespace millrace

#include "engine/ingest/record_reader.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "engine/ingest/header.hpp"
#include "engine/ingest/line.hpp"
#include "engine/ingest/object_members.hpp"
#include "engine/ingest/resync.hpp"
#include "engine/route/event_reader.hpp"
#include "engine/route/json_scalar.hpp"
#include "engine/route/text_scan.hpp"

namespace millrace {
namespace {

// LIMIT: looked at behind a brace for what makes it a record's.
constexpr std::size_t kRecordStartBytes = 64;
constexpr std::size_t kBadTextBytes = 1024;  // LIMIT: of an unreadable stretch that is kept to show
// LIMIT: of an object that is looked into to tell whether it is a record; and looks: some, and one for so many bytes.
constexpr std::size_t kLookedIntoBytesMax = std::size_t{64} << 10;
constexpr std::uint64_t kLooksMin = 4096, kBytesALook = 256;
// LIMIT: gone through again at an input's end for records behind one that does not balance.
constexpr std::size_t kRescanBytesMax = std::size_t{64} << 20;

constexpr const char* kNoMember = "is not JSON: expected , or } behind the array of records";

// Never shrinks: what is there need not be filled again.
void grow(std::string& text, std::size_t bytes) {
  if (text.size() < bytes) text.resize(bytes);
}

// Behind a value that is no object, or behind the text, where the value may go on; nullopt if it is none.
std::optional<std::size_t> end_of_value(std::string_view text, std::size_t at) {
  if (text[at] == '"' || text[at] == '[') {
    ObjectMembers value(text, at, true);
    const ObjectMembers::Step skipped = value.skip_value();
    if (skipped == ObjectMembers::malformed) return {};
    return skipped == ObjectMembers::need_more ? text.size() : value.at();
  }
  const std::size_t end = std::min(text.find_first_of(",]} \t\r\n", at), text.size());
  const bool is_value = end == text.size() || json_scalar_end(text.data() + at, text.data() + end) == text.data() + end;
  return is_value ? std::optional(end) : std::nullopt;
}

}  // namespace

RecordReader::RecordReader(std::string path, std::size_t record_bytes_max, const std::atomic<int>* stop,
                           std::uint64_t skipped, std::string memory)
    : name_(std::make_shared<const std::string>(path)),
      source_(path, stop),
      stop_(stop),
      record_bytes_max_(record_bytes_max),
      buffer_(std::move(memory)),
      skipped_(skipped) {
  if (stop != nullptr && source_.is_compressed()) ahead_ = std::make_unique<ReadAhead>(source_);
}

bool RecordReader::next(Block& block) {
  if (mode_ == Mode::done) return false;
  spare_ = std::move(block.text);
  block = {};
  block.input = name_;
  if (numbers_restart_) numbered_ = 0;
  for (;;) {
    Progress progress = Progress::going;
    while (progress == Progress::going && mode_ != Mode::done && !block.is_full()) progress = step(block);
    const bool full = block.is_full() || (at_ >= kBlockBytes && !block.records.empty());
    if (progress == Progress::flush || mode_ == Mode::done || full) break;
    if (!block.records.empty() && (!ahead_ && source_.would_wait()))
      break;  // who reads a pipe should have what has come
    if (!read_more(block)) {
      if (stop_ != nullptr && *stop_ != 0) mode_ = Mode::done;
      if (mode_ == Mode::start && !std::exchange(looked_at_end_, true)) continue;
      if (mode_ != Mode::done && at_input_end(block)) mode_ = goes_on_behind_damage() ? Mode::start : Mode::done;
      break;
    }
  }
  finish_block(block);
  return true;
}

std::optional<std::uint64_t> RecordReader::lines_from() const {
  const bool between_lines = mode_ == Mode::lines && behind_newline_ && numbered_ >= skipped_;
  return between_lines && source_.plain_file_bytes() > 0 ? std::optional(base_ + keep_) : std::nullopt;
}

void RecordReader::go_on_at(std::uint64_t offset) {
  char in_front = 0;
  source_.seek(offset - 1);
  (void)source_.read(&in_front, 1);
  behind_newline_ = in_front == '\n';
  mode_ = behind_newline_ ? Mode::lines : Mode::skip_line;
  base_ = accounted_ = stored_bytes_ = offset;
  buffer_bytes_ = at_ = keep_ = 0;
  skipped_ = 0;
  numbers_restart_ = true;
}

bool RecordReader::read_more(const Block& block) {
  if (input_ended_ || (stop_ != nullptr && *stop_ != 0)) return false;
  // What no record of the block lies in can go: junk, or records that came as strings and are copied out already.
  if (keep_ >= kBlockBytes / 2 && (block.records.empty() || !unwrapped_.empty())) {
    note_front();
    buffer_.erase(0, keep_);
    buffer_bytes_ -= keep_;
    at_ -= keep_;
    base_ += keep_;
    keep_ = 0;
  }
  grow(buffer_, buffer_bytes_ + kBlockBytes + kJsonPaddingBytes);
  char* const to = buffer_.data() + buffer_bytes_;
  const std::size_t got = ahead_ ? ahead_->read(to, kBlockBytes) : source_.read(to, kBlockBytes);
  buffer_bytes_ += got;
  input_ended_ = got == 0;
  return !input_ended_;
}

// What was being read is lost; what comes may begin anywhere.
bool RecordReader::goes_on_behind_damage() {
  if (!source_.go_on_behind_damage()) return false;
  if (ahead_) ahead_ = std::make_unique<ReadAhead>(source_);
  input_ended_ = failure_reported_ = looked_at_end_ = false;
  in_container_ = in_array_of_containers_ = in_no_array_ = false;
  adrift_ = true;
  scan_.restart();
  return true;
}

std::uint64_t RecordReader::stored_bytes_so_far() const {
  if (source_.plain_file_bytes() > 0) return base_ + keep_;
  return ahead_ ? ahead_->stored_bytes() : source_.stored_bytes();
}

// What is kept will stand at the buffer's beginning.
void RecordReader::note_front() {
  before_ = before(keep_);
  if (keep_ > 0) behind_newline_ = buffer_[keep_ - 1] == '\n';
}

// Hands the records' bytes to the block and keeps what is behind them for the next one.
void RecordReader::finish_block(Block& block) {
  if (numbered_ - block.records.size() - block.bad.size() < skipped_) {
    std::erase_if(block.records, [&](const RecordRef& record) { return record.number <= skipped_; });
    std::erase_if(block.bad, [&](const BadStretch& stretch) { return stretch.number <= skipped_; });
  }
  block.records_done = std::max(numbered_, skipped_);
  const std::uint64_t stored_bytes = stored_bytes_so_far();
  block.stored_bytes = stored_bytes - std::exchange(stored_bytes_, stored_bytes);
  block.input_bytes = base_ + keep_ - accounted_;
  accounted_ = base_ + keep_;
  note_front();
  const std::size_t rest_bytes = buffer_bytes_ - keep_;
  std::string rest = std::move(spare_);
  grow(rest, rest_bytes + kJsonPaddingBytes);
  std::memcpy(rest.data(), buffer_.data() + keep_, rest_bytes);
  if (unwrapped_.empty()) {
    block.text_bytes = keep_;
    block.text = std::move(buffer_);
  } else {
    block.text_bytes = unwrapped_.size();
    block.text = std::exchange(unwrapped_, {});
  }
  grow(block.text, block.text_bytes + kJsonPaddingBytes);
  std::memset(block.text.data() + block.text_bytes, ' ', kJsonPaddingBytes);
  buffer_bytes_ = rest_bytes;
  buffer_ = std::move(rest);
  at_ -= keep_;
  base_ += keep_;
  keep_ = 0;
}

RecordReader::Progress RecordReader::step(Block& block) {
  switch (mode_) {
    case Mode::start:
      return start(block);
    case Mode::header:
      return header(block);
    case Mode::elements:
      return elements(block);
    case Mode::remainder:
      return remainder(block);
    case Mode::lines:
      return lines(block);
    case Mode::resync:
      return resync(block);
    case Mode::skip_line:
      return skip_line();
    case Mode::skip_rest:
    case Mode::skip_record:
      return skip_value(block);
    case Mode::done:
      break;
  }
  return Progress::flush;
}

void RecordReader::skip_space(std::string_view also) {
  while (at_ < buffer_bytes_ && (is_json_space(buffer_[at_]) || also.find(buffer_[at_]) != std::string_view::npos))
    ++at_;
  keep_ = at_;
}

RecordReader::Progress RecordReader::start(Block& block) {
  skip_space(adrift_ ? ",]}" : in_array_of_containers_ ? "," : "");
  if (at_ == buffer_bytes_) return Progress::need_more;
  if (buffer_[at_] == ']' && in_array_of_containers_) {
    in_array_of_containers_ = false;
    keep_ = ++at_;
    return Progress::going;
  }
  // Files that were joined may each have brought one.
  if (buffer_[at_] == kByteOrderMark[0]) {
    if (buffer_bytes_ - at_ < kByteOrderMark.size() && !input_ended_) return Progress::need_more;
    if (std::string_view(buffer_.data() + at_, buffer_bytes_ - at_).starts_with(kByteOrderMark)) {
      keep_ = at_ += kByteOrderMark.size();
      return Progress::going;
    }
  }
  if (buffer_[at_] >= '0' && buffer_[at_] <= '9') {
    const std::string_view text(buffer_.data() + at_, buffer_bytes_ - at_);
    if (text.size() < kAroundRecordBytesMax && !input_ended_) return Progress::need_more;
    if (behind_timestamp(text) > 0) {
      mode_ = Mode::lines;
      return Progress::going;
    }
  }
  if (!unwrapped_.empty()) return Progress::flush;  // a block's records are all of one kind
  if (buffer_[at_] == '{') {
    const Beginning element = element_at(at_);
    if (element == Beginning::unknown) return Progress::need_more;
    mode_ = Mode::header;
    if (const char* const wrapped_in = wrapper_of(element)) {
      if (!block.records.empty()) return mode_ = Mode::start, Progress::flush;
      enter(at_, wrapped_in, false);
      in_container_ = false;
      in_no_array_ = true;
    }
  } else if (buffer_[at_] == '[') {
    keep_ = ++at_;
    mode_ = Mode::elements;
    in_container_ = skip_elements_ = adrift_ = in_no_array_ = array_is_known_ = false;
    wrapped_in_ = nullptr;
    scan_.restart();
  } else {
    return lose_sync(block, "not_json", "is not JSON: expected { or [");
  }
  return Progress::going;
}

RecordReader::Progress RecordReader::enter(std::size_t behind_bracket, const char* wrapped_in, bool control) {
  keep_ = at_ = behind_bracket;
  mode_ = Mode::elements;
  in_container_ = array_is_known_ = true;
  adrift_ = in_no_array_ = false;
  skip_elements_ = control;
  wrapped_in_ = wrapped_in;
  scan_.restart();
  return Progress::going;
}

// Of an object that may be an element without its array.
Beginning RecordReader::element_at(std::size_t at) const {
  const Beginning element = wraps({buffer_.data() + at, buffer_bytes_ - at});
  return element == Beginning::unknown && (input_ended_ || record_too_large(at)) ? Beginning::nothing : element;
}

RecordReader::Progress RecordReader::header(Block& block) {
  const std::string_view text = text_of_record(at_);
  const Header found = read_header(text, at_ + 1, false);
  const auto newline = text.find('\n', at_);
  if (found.kind == Header::container) {
    if (found.wrapped_in != nullptr && !block.records.empty()) return Progress::flush;
    return enter(found.end, found.wrapped_in, found.control);
  }
  if (found.kind == Header::record) {
    // One record a line, if the line ends where the object does.
    std::size_t behind = found.end;
    while (behind < text.size() && (text[behind] == ' ' || text[behind] == '\t' || text[behind] == '\r')) ++behind;
    if (behind == text.size() && !input_ended_ && !record_too_large(at_)) return Progress::need_more;
    const bool holds_none = found.digest || found.notice;
    if (behind < text.size() && newline == behind && !holds_none) {
      no_container_at_ = base_ + at_;
      mode_ = Mode::lines;
      return Progress::going;
    }
    if (found.end - at_ > record_bytes_max_) return skip_record(block, at_);
    block.digests += found.digest;
    block.notices += found.notice;
    if (!holds_none) emit(block, at_, found.end);
    keep_ = at_ = found.end;
    mode_ = Mode::start;
    return Progress::going;
  }
  const std::string_view object = text.substr(at_), line = object.substr(0, newline - at_);
  if (found.kind == Header::malformed) {
    const bool may_hold_records = begins_as(object) != Beginning::record && line.find('{', 1) != std::string_view::npos;
    // A first line that is no record must not cost the lines behind it.
    if (!may_hold_records && newline != std::string_view::npos &&
        line.substr(0, line.find_last_not_of(" \t\r") + 1).ends_with('}')) {
      no_container_at_ = base_ + at_;
      mode_ = Mode::lines;
      return Progress::going;
    }
    if (may_hold_records || newline != std::string_view::npos || input_ended_ || record_too_large(at_))
      return lose_balance(block, at_);
  }
  if (!record_too_large(at_)) return Progress::need_more;
  if (begins_as_element(object)) return skip_record(block, at_);
  return lose_sync(block, "too_large", "is larger than --max-record");
}

RecordReader::Progress RecordReader::elements(Block& block) {
  if (scan_.depth() == 0) {
    skip_space(",");
    if (at_ == buffer_bytes_) return Progress::need_more;
    if (at_ >= kBlockBytes && !block.records.empty()) return Progress::flush;
    if (unwrapped_.size() >= kBlockBytes) return Progress::flush;
    if (in_no_array_) {
      const Beginning element = buffer_[at_] == '{' ? element_at(at_) : Beginning::nothing;
      if (element == Beginning::unknown) return Progress::need_more;
      if (element == Beginning::nothing && !(buffer_[at_] == ']' && in_container_)) {
        in_container_ = in_no_array_ = false;
        mode_ = Mode::start;
        return Progress::going;
      }
    }
    if (buffer_[at_] == ']') {
      keep_ = ++at_;
      in_no_array_ = false;
      mode_ = in_container_ ? Mode::remainder : Mode::start;
      return Progress::going;
    }
    if (buffer_[at_] != '{') return other_element(block);
    const Beginning begins = begins_as({buffer_.data() + at_, buffer_bytes_ - at_});
    if (begins == Beginning::unknown) return Progress::need_more;
    if (begins == Beginning::container) {
      if (in_container_) return leave_array(block);
      in_array_of_containers_ = true;
      mode_ = Mode::start;
      return Progress::going;
    }
    if (begins == Beginning::nothing && !in_container_ && wrapped_in_ == nullptr) {
      const Beginning element = element_at(at_);
      if (element == Beginning::unknown) return Progress::need_more;
      if (wrapper_of(element) != nullptr && !block.records.empty()) return Progress::flush;
      wrapped_in_ = wrapper_of(element);
    }
  }
  at_ = scan_.find_close(buffer_.data(), at_, text_of_record(keep_).size());
  if (scan_.malformed()) return lose_balance(block, keep_);
  if (!scan_.closed() && !record_too_large(keep_)) return Progress::need_more;
  if (at_ - keep_ > record_bytes_max_) return skip_record(block, keep_);
  scan_.restart();
  if (!take_element(block, keep_, at_)) {
    at_ = keep_;
    return leave_array(block);
  }
  keep_ = at_;
  return Progress::going;
}

// False if it is none of the array's, but a record or an event itself.
bool RecordReader::take_element(Block& block, std::size_t begin, std::size_t end) {
  array_is_known_ = true;
  if (wrapped_in_ == nullptr && !skip_elements_) return emit(block, begin, end), true;
  if (!skip_elements_ && emit_wrapped(block, begin, end)) return true;
  if (what_begins({buffer_.data() + begin, end - begin}, {}, true) == Beginning::record) return false;
  if (!skip_elements_) bad(block, "not_a_record", std::string("has no string member ") + wrapped_in_, begin, end);
  return true;
}

// The array was cut short behind its last element: what comes is none of its.
RecordReader::Progress RecordReader::leave_array(Block& block) {
  bad(block, "truncated", "stands where the array of records should have ended", at_, buffer_bytes_);
  in_container_ = skip_elements_ = false;
  adrift_ = true;
  mode_ = Mode::start;
  return Progress::going;
}

// A value that is no object is one bad record; what is no value, or does not end as an element does, loses the way.
RecordReader::Progress RecordReader::other_element(Block& block) {
  constexpr const char* kReason = "is not a record: expected an object in the array";
  const std::string_view text(buffer_.data(), buffer_bytes_);
  if (const auto end = end_of_value(text, at_)) {
    const std::size_t next = std::min(text.find_first_not_of(" \t\r\n", *end), text.size());
    const bool is_small = next - at_ <= record_bytes_max_;
    if (is_small && next == text.size() && !input_ended_) return Progress::need_more;
    if (is_small && next < text.size() && (text[next] == ',' || text[next] == ']')) {
      bad(block, "not_a_record", kReason, at_, *end);
      keep_ = at_ = *end;
      return Progress::going;
    }
  }
  return lose_sync(block, "not_a_record", kReason);
}

// What stands behind an array: other members of its object, one of which may hold records too.
RecordReader::Progress RecordReader::remainder(Block& block) {
  if (!unwrapped_.empty() || (!block.records.empty() && wrapped_in_ != nullptr)) return Progress::flush;
  const Header found = read_header(text_of_record(at_), at_, true);
  if (found.kind == Header::container) {
    if (found.wrapped_in != nullptr && !block.records.empty()) return Progress::flush;
    return enter(found.end, found.wrapped_in, found.control);
  }
  if (found.kind == Header::record) {
    keep_ = at_ = found.end;
    mode_ = Mode::start;
    return Progress::going;
  }
  if (found.kind == Header::malformed) return lose_sync(block, "not_json", kNoMember);
  if (!record_too_large(at_)) return Progress::need_more;
  scan_.restart(true);
  mode_behind_ = Mode::start;
  mode_ = Mode::skip_rest;
  return Progress::going;
}

// What is too large is bad.
RecordReader::Progress RecordReader::skip_record(Block& block, std::size_t begin) {
  bad(block, "too_large", "is larger than --max-record", begin, buffer_bytes_);
  scan_.restart();
  keep_ = at_ = begin;
  mode_behind_ = mode_ == Mode::elements ? Mode::elements : Mode::start;
  mode_ = Mode::skip_record;
  return Progress::going;
}

// No record begins in what is too large to be kept, but behind a line break within a string, which none can have.
RecordReader::Progress RecordReader::skip_value(Block& block) {
  bool broken = false;
  while (!broken && !scan_.closed() && at_ < buffer_bytes_) {
    const auto newline = std::string_view(buffer_.data(), buffer_bytes_).find('\n', at_);
    keep_ = at_ = scan_.find_close(buffer_.data(), at_, std::min(newline, buffer_bytes_ - 1) + 1);
    broken = scan_.malformed() || (newline != std::string_view::npos && scan_.in_string());
  }
  if (!broken && !scan_.closed()) return Progress::need_more;
  const std::size_t place = scan_.malformed() ? at_ - 1 : at_;
  if (broken && mode_ == Mode::skip_rest) bad(block, "not_json", kNoMember, place, buffer_bytes_);
  mode_ = mode_behind_;
  if (broken) return look_from(place);
  scan_.restart();
  return Progress::going;
}

RecordReader::Progress RecordReader::lines(Block& block) {
  if (keep_ >= kBlockBytes && !block.records.empty()) return Progress::flush;
  const auto* newline = static_cast<const char*>(std::memchr(buffer_.data() + at_, '\n', buffer_bytes_ - at_));
  const std::size_t end = newline == nullptr ? buffer_bytes_ : static_cast<std::size_t>(newline - buffer_.data());
  if (newline == nullptr && !input_ended_) {
    at_ = buffer_bytes_;
    if (buffer_bytes_ - keep_ <= record_bytes_max_ + kAroundRecordBytesMax) return Progress::need_more;
  }
  const Line line = read_line({buffer_.data(), buffer_bytes_}, keep_, end);
  if (line.may_be_container && base_ + line.begin != no_container_at_) {
    keep_ = at_ = line.begin;
    mode_ = Mode::start;
    return Progress::going;
  }
  if (line.end - line.begin > record_bytes_max_) {
    bad(block, "too_large", "is larger than --max-record", keep_, end);
    keep_ = at_ = end;
    mode_ = Mode::skip_line;
    return Progress::going;
  }
  keep_ = at_ = newline == nullptr ? end : end + 1;
  if (line.begin < line.end) emit(block, line.begin, line.end);
  return newline == nullptr ? Progress::need_more : Progress::going;
}

RecordReader::Progress RecordReader::skip_line() {
  const auto* newline = static_cast<const char*>(std::memchr(buffer_.data() + at_, '\n', buffer_bytes_ - at_));
  keep_ = at_ = newline == nullptr ? buffer_bytes_ : static_cast<std::size_t>(newline - buffer_.data()) + 1;
  if (newline == nullptr) return Progress::need_more;
  mode_ = Mode::lines;
  return Progress::going;
}

// The last byte before the buffer's `at` that is no white space.
char RecordReader::before(std::size_t at) const {
  while (at > 0) {
    if (!is_json_space(buffer_[--at])) return buffer_[at];
  }
  return before_;
}

// Finds the next brace that is sure to be a record's, or, where no array is open, one that begins a line.
RecordReader::Progress RecordReader::resync(const Block& block) {
  const std::string_view text(buffer_.data(), buffer_bytes_);
  for (;; ++at_) {
    at_ = std::min(text.find('{', at_), text.size());
    keep_ = at_;
    const std::string_view from = text.substr(at_, kLookedIntoBytesMax);
    if (from.size() < kRecordStartBytes && !input_ended_) return Progress::need_more;
    if (from.empty()) return Progress::need_more;
    const bool begins_line = at_ > 0 ? text[at_ - 1] == '\n' : behind_newline_;
    const char in_front = before(at_);
    if (in_front == ':' && !begins_line) continue;  // a member's value, such as the detail of a broken event
    const bool stands_alone = begins_line && in_front != ',' && in_front != '[' && in_front != ':';
    const Beginning found = stands_alone && adrift_ ? Beginning::record : look_at(from);
    if (found == Beginning::unknown) return Progress::need_more;
    if (found == Beginning::nothing) continue;
    if (const char* const wrapped_in = wrapper_of(found)) {
      mode_ = Mode::resync;
      if (!block.records.empty() && unwrapped_.empty()) return Progress::flush;
      enter(at_, wrapped_in, false);
      in_no_array_ = true;  // perhaps
      return Progress::going;
    }
    const bool is_wrapped = found == Beginning::wrapped;
    if (!unwrapped_.empty() && !is_wrapped) {  // a block's records are all of one kind
      mode_ = Mode::resync;
      return Progress::flush;
    }
    adrift_ |= found == Beginning::container;  // no element of an array, but another one
    if (adrift_) in_array_of_containers_ = false;
    mode_ = adrift_ ? Mode::start : Mode::elements;
    if (!is_wrapped) wrapped_in_ = nullptr;
    scan_.restart();
    return Progress::going;
  }
}

Beginning RecordReader::look_at(std::string_view from) {
  const Awaited awaited{adrift_ ? nullptr : wrapped_in_, adrift_, looks_ < kLooksMin + (base_ + at_) / kBytesALook};
  const Beginning found = what_begins(from, awaited, input_ended_ || from.size() == kLookedIntoBytesMax);
  looks_ += awaited.may_look_inside && found != Beginning::record;
  return found;
}

RecordReader::Progress RecordReader::lose_sync(Block& block, const char* kind, std::string reason) {
  bad(block, kind, std::move(reason), at_, buffer_bytes_);
  return look_from(at_ + 1);
}

// Of a value whose end cannot be found. What is too deep was one value so far, in which nothing else begins.
RecordReader::Progress RecordReader::lose_balance(Block& block, std::size_t begin) {
  scan_.restart();
  const std::size_t end = scan_.find_close(buffer_.data(), begin, buffer_bytes_);
  if (scan_.too_deep()) {
    bad(block, "too_deep", kTooDeep, begin, end);
    return look_from(end);
  }
  bad(block, "not_json", scan_.malformed() ? "is not JSON: its brackets or quotes do not balance" : "is not JSON",
      begin, buffer_bytes_);
  return look_from(begin + 1);
}

RecordReader::Progress RecordReader::look_from(std::size_t place) {
  keep_ = at_ = place;
  // Outside of an array nobody knows what brackets are open; a bracket alone makes none.
  if (mode_ != Mode::elements || !array_is_known_) adrift_ = true;
  if (adrift_) in_container_ = in_array_of_containers_ = false;
  mode_ = Mode::resync;
  return Progress::going;
}

// What is left when the input ends is a record's beginning, or the input itself was cut short. Says false if there is
// more to find for another block.
bool RecordReader::at_input_end(Block& block) {
  if (mode_ == Mode::header && header(block) != Progress::need_more) return false;
  if (mode_ == Mode::resync && resync(block) != Progress::need_more) return false;
  const bool failed = !source_.failure().empty() && !failure_reported_;
  if (mode_ == Mode::lines && !failed) {
    while (keep_ < buffer_bytes_) {
      if (block.is_full() || lines(block) == Progress::flush || mode_ != Mode::lines) return false;
    }
  }
  const bool between_elements = in_no_array_ && keep_ >= buffer_bytes_;
  const bool inside = mode_ == Mode::header || (mode_ == Mode::elements && !between_elements) ||
                      mode_ == Mode::remainder || mode_ == Mode::skip_rest || in_array_of_containers_;
  const std::size_t begin = std::min(keep_, buffer_bytes_);
  if (failed) {
    bad(block, source_.failure_kind(), source_.failure(), begin, buffer_bytes_);
    failure_reported_ = true;
  } else if (inside) {
    bad(block, "truncated",
        begin < buffer_bytes_ ? "ends in the middle of a record" : "ends in the middle of the records", begin,
        buffer_bytes_);
  }
  if (inside && begin < buffer_bytes_) {
    // The cut may only seem to be one: records may stand behind a record whose quotes or brackets do not balance.
    at_ = begin + 1;
    rescanned_ += buffer_bytes_ - begin;
    if (rescanned_ <= kRescanBytesMax && resync(block) != Progress::need_more) return false;
  }
  keep_ = buffer_bytes_;
  return true;
}

void RecordReader::emit(Block& block, std::size_t begin, std::size_t end) {
  block.records.push_back(
      {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end - begin), base_ + begin, ++numbered_});
}

bool RecordReader::emit_wrapped(Block& block, std::size_t begin, std::size_t end) {
  simdjson::dom::element element;
  std::string_view text;
  const bool ok =
      !parser_.parse(buffer_.data() + begin, end - begin).get(element) && !element[wrapped_in_].get_string().get(text);
  if (!ok) return false;
  const std::size_t at = unwrapped_.size();
  unwrapped_ += text;
  unwrapped_ += '\n';
  block.records.push_back(
      {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(text.size()), base_ + begin, ++numbered_});
  return true;
}

void RecordReader::bad(Block& block, const char* kind, std::string reason, std::size_t begin, std::size_t end) {
  block.bad.push_back({kind, std::move(reason), base_ + begin, ++numbered_,
                       buffer_.substr(begin, std::min(end - begin, kBadTextBytes))});
}

}  // namespace millrace

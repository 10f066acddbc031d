// Cuts one input into records, whatever holds them, in blocks of bounded size.
//
// Containers, told by content: {"Records": […]}, a bare array, one record a line, records one behind the other; those
// that hold records as strings: {"logEvents": [{"message"}]} and {"events": [{"message"}]} of CloudWatch Logs (control
// messages skipped), {"Events": [{"CloudTrailEvent"}]} of lookup-events; and arrays of these. A byte order mark is
// skipped.
//
// A stretch that is no record is reported as one bad record; reading goes on at the next line, or, where there are no
// lines, at the next brace that begins a record, an event, a container, or an element that wraps a record (resync).
//
// Invariants: I1 what next() finds does not depend on how the source cuts its reads, but for the last bytes before
//                damage in gzip data, of which ISA-L gives more or fewer;
//             I2 memory stays under record_bytes_max + 3 blocks, whatever the input.
//
// Threads: one thread an object. Cost: lines at memchr's speed, other containers about 0.15 ns a byte.
// Errors:  in Block::bad. Source: CloudTrail and CloudWatch Logs formats, aws lookup-events.
#pragma once

#include <simdjson.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/ingest/block.hpp"
#include "engine/ingest/byte_source.hpp"
#include "engine/ingest/json_scan.hpp"
#include "engine/ingest/lines_file.hpp"
#include "engine/ingest/read_ahead.hpp"
#include "engine/ingest/resync.hpp"

namespace millrace {

// LIMIT: EventBridge's own limit for one event.
constexpr std::size_t kRecordBytesMaxDefault = std::size_t{1} << 20;

class RecordReader {
 public:
  // `stop`, if any, ends the wait for a pipe's bytes, and compressed input is unpacked ahead then. Records up to number
  // `skipped` are read over. PERF: `memory`, which release() gives back, spares filling it with zeros for every small
  // file.
  RecordReader(std::string path, std::size_t record_bytes_max, const std::atomic<int>* stop = nullptr,
               std::uint64_t skipped = 0, std::string memory = {});
  std::string release() { return std::move(buffer_); }

  // Replaces `block` by the next one, whose memory it uses again; false at the end, which leaves it. A block may hold
  // bad stretches only.
  bool next(Block& block);

  bool opened() const { return source_.opened(); }

  // Where the reader stands, if that is between lines of a plain file.
  std::optional<std::uint64_t> lines_from() const;
  std::uint64_t plain_file_bytes() const { return source_.plain_file_bytes(); }
  LinesFile lines_file() const { return {name_, source_, record_bytes_max_}; }

  // Goes on at the first line that begins at `offset` or behind it. From here on numbers begin at 1 in each block.
  void go_on_at(std::uint64_t offset);

 private:
  enum class Mode { start, header, elements, remainder, skip_rest, lines, resync, skip_line, skip_record, done };
  enum class Progress { going, need_more, flush };

  Progress step(Block& block);
  Progress start(Block& block);
  Progress header(Block& block);
  Progress elements(Block& block);
  Progress other_element(Block& block);
  bool take_element(Block& block, std::size_t begin, std::size_t end);
  Progress leave_array(Block& block);
  Progress enter(std::size_t behind_bracket, const char* wrapped_in, bool control);
  Beginning element_at(std::size_t at) const;
  Progress remainder(Block& block);
  Progress lines(Block& block);
  Progress resync(const Block& block);
  Beginning look_at(std::string_view from);
  char before(std::size_t at) const;
  void note_front();
  Progress skip_line();
  Progress skip_record(Block& block, std::size_t begin);
  Progress skip_value(Block& block);
  bool at_input_end(Block& block);
  void finish_block(Block& block);
  bool read_more(const Block& block);
  bool goes_on_behind_damage();

  void emit(Block& block, std::size_t begin, std::size_t end);
  bool emit_wrapped(Block& block, std::size_t begin, std::size_t end);
  void bad(Block& block, const char* kind, std::string reason, std::size_t begin, std::size_t end);
  Progress lose_sync(Block& block, const char* kind, std::string reason);
  Progress lose_balance(Block& block, std::size_t begin);
  Progress look_from(std::size_t place);
  void skip_space(std::string_view also = "");
  std::uint64_t stored_bytes_so_far() const;
  bool record_too_large(std::size_t begin) const { return buffer_bytes_ - begin > record_bytes_max_; }
  // The buffer as far as it takes to tell that a record is too large; what is behind must not count (I1).
  std::string_view text_of_record(std::size_t begin) const {
    return {buffer_.data(), std::min(buffer_bytes_, begin + record_bytes_max_ + 1)};
  }

  std::shared_ptr<const std::string> name_;
  ByteSource source_;
  std::unique_ptr<ReadAhead> ahead_;  // of the source, if it is worth a thread
  const std::atomic<int>* stop_;
  std::size_t record_bytes_max_;

  std::string buffer_;  // of which buffer_bytes_ are input
  std::string spare_;   // memory of the block to come
  std::size_t buffer_bytes_ = 0;
  std::size_t at_ = 0;          // next byte to look at
  std::size_t keep_ = 0;        // first byte still needed after this block
  std::uint64_t base_ = 0;      // offset of buffer_[0] in the input
  std::uint64_t numbered_ = 0;  // records so far
  std::uint64_t skipped_;
  std::uint64_t stored_bytes_ = 0;  // reported in blocks so far
  bool behind_newline_ = false;     // what buffer_ begins with
  char before_ = ',';               // the last byte before buffer_ that is no white space
  bool numbers_restart_ = false;    // in each block
  bool input_ended_ = false;
  bool failure_reported_ = false;
  bool looked_at_end_ = false;
  std::size_t rescanned_ = 0;

  Mode mode_ = Mode::start;
  Mode mode_behind_ = Mode::start;  // what is skipped
  JsonScan scan_;
  bool in_container_ = false;                          // the array is a member of an object
  bool array_is_known_ = false;                        // by its key, or by an element
  bool in_array_of_containers_ = false;                // or they are its elements
  bool in_no_array_ = false;                           // elements stand one behind the other
  std::uint64_t no_container_at_ = ~std::uint64_t{0};  // in the input: a line that looks like a container's
  bool adrift_ = false;                                // sync was lost outside of an array
  std::uint64_t looks_ = 0;                            // into objects, while finding the way again
  bool skip_elements_ = false;                         // a control message
  const char* wrapped_in_ = nullptr;                   // member of an element that holds the record as a string
  std::string unwrapped_;                              // records of this block, if they came as strings
  std::uint64_t accounted_ = 0;                        // input bytes reported in blocks so far
  simdjson::dom::parser parser_;
};

}  // namespace millrace

// A plain file of one record a line, which workers read themselves, each a stretch of it at a time.
//
// Shape.   file  [ stretch | stretch | … ]     stretch  [ block | block | … ]
//          A line belongs to the stretch in which it begins.
//
// PERF: text that another thread has read comes from that one's cache, which costs a worker as much as to read it
// itself; two workers are 1.9 times as fast as one, and were 1.5 (bench/ingest).
//
// Invariant: the stretches in front of irregular_from() hold what a RecordReader finds there.
//
// Threads: a LinesFile is shared, and outlived by its source; a LinesReader is one thread's.
// Cost:    a copy by the kernel, and memchr; a block and a record of memory for each reader.
// Errors:  none: what is no line, or larger than a record may be, and a file's end are left to the RecordReader.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/ingest/block.hpp"
#include "engine/ingest/byte_source.hpp"

namespace millrace {

class LinesFile {
 public:
  LinesFile(std::shared_ptr<const std::string> name, const ByteSource& source, std::size_t record_bytes_max)
      : name_(std::move(name)), source_(source), record_bytes_max_(record_bytes_max) {}

  // The first place found so far where something else begins; the largest number where nothing does.
  std::uint64_t irregular_from() const { return irregular_from_.load(std::memory_order_acquire); }

 private:
  friend class LinesReader;
  void note_irregular(std::uint64_t offset);

  const std::shared_ptr<const std::string> name_;
  const ByteSource& source_;
  const std::size_t record_bytes_max_;
  std::atomic<std::uint64_t> irregular_from_ = ~std::uint64_t{0};
};

class LinesReader {
 public:
  // Of the lines that begin in [begin, end). REQUIRES: 0 < begin < end.
  LinesReader(LinesFile& file, std::uint64_t begin, std::uint64_t end)
      : file_(file),
        hint_(file.source_.hint_at(begin - 1, end - begin + 1)),
        end_(end),
        base_(begin - 1),
        accounted_(begin) {}

  // Replaces `block` by the next lines, numbered from behind `numbered` on, and uses its memory again; false at the
  // end, which may be where something else begins.
  bool next(std::uint64_t numbered, Block& block);
  bool irregular() const { return irregular_; }

 private:
  void find_first(std::string& text);
  void take_lines(std::string& text, Block& block);
  bool read_more(std::string& text);
  void stop_at(std::size_t place);

  LinesFile& file_;
  const ReadHint hint_;
  const char* next_read_ = nullptr;
  const std::uint64_t end_;
  std::uint64_t base_;       // place in the file of text[0]; the text lies in the block
  std::size_t at_ = 0;       // in the text, where the next line begins
  std::size_t bytes_ = 0;    // of the text
  std::uint64_t accounted_;  // bytes up to here are in the blocks so far
  bool begun_ = false, irregular_ = false;
};

}  // namespace millrace

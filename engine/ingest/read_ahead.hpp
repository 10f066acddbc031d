// Unpacks an input beside whoever reads it: one thread more, a few chunks ahead.
//
// Shape. A ring of kChunks chunks of kChunkBytes; the thread fills the next free one, read() empties the oldest.
//
// Threads: read() and stored_bytes() from one thread; the source belongs to this object's thread until read() says 0.
// Cost:    a copy of what is unpacked, 2 MiB of memory. PERF: unpacking is most of the work of reading a large
//          compressed file, and framing its records most of the rest (bench/ingest).
// Errors:  those of the source, which may be asked once read() said 0.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

#include "engine/ingest/byte_source.hpp"

namespace millrace {

class ReadAhead {
 public:
  explicit ReadAhead(ByteSource& source);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  std::size_t read(char* out, std::size_t bytes);
  std::uint64_t stored_bytes() const { return stored_bytes_; }  // of what read() has given

 private:
  static constexpr std::size_t kChunks = 4, kChunkBytes = std::size_t{512} << 10;
  struct Chunk {
    std::unique_ptr<char[]> text;
    std::size_t bytes = 0;
    std::uint64_t stored_bytes = 0;
  };

  void run();

  ByteSource& source_;
  std::array<Chunk, kChunks> chunks_;
  std::mutex mutex_;
  std::condition_variable filled_changed_;
  std::size_t filled_ = 0;  // chunks that hold something, from oldest_ on
  bool ended_ = false;      // the source, or the reader's wish for more
  std::size_t oldest_ = 0, taken_ = 0;
  std::uint64_t stored_bytes_ = 0;
  std::thread thread_;
};

}  // namespace millrace

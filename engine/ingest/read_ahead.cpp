#include "engine/ingest/read_ahead.hpp"

#include <algorithm>
#include <cstring>

namespace millrace {

ReadAhead::ReadAhead(ByteSource& source) : source_(source) {
  for (Chunk& chunk : chunks_) chunk.text = std::make_unique_for_overwrite<char[]>(kChunkBytes);
  thread_ = std::thread([this] { run(); });
}

ReadAhead::~ReadAhead() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  filled_changed_.notify_all();
  thread_.join();
}

void ReadAhead::run() {
  for (std::size_t next = 0;; next = (next + 1) % kChunks) {
    {
      std::unique_lock lock(mutex_);
      filled_changed_.wait(lock, [&] { return filled_ < kChunks || ended_; });
      if (ended_) return;
    }
    Chunk& chunk = chunks_[next];
    chunk.bytes = 0;
    std::size_t got = 1;
    while (chunk.bytes < kChunkBytes &&
           (got = source_.read(chunk.text.get() + chunk.bytes, kChunkBytes - chunk.bytes)) > 0)
      chunk.bytes += got;
    chunk.stored_bytes = source_.stored_bytes();
    {
      const std::lock_guard lock(mutex_);
      filled_ += chunk.bytes > 0;
      ended_ |= got == 0;
    }
    filled_changed_.notify_all();
    if (got == 0) return;
  }
}

std::size_t ReadAhead::read(char* out, std::size_t bytes) {
  {
    std::unique_lock lock(mutex_);
    filled_changed_.wait(lock, [&] { return filled_ > 0 || ended_; });
    if (filled_ == 0) return 0;
  }
  Chunk& chunk = chunks_[oldest_];
  const std::size_t some = std::min(bytes, chunk.bytes - taken_);
  std::memcpy(out, chunk.text.get() + taken_, some);
  taken_ += some;
  stored_bytes_ = chunk.stored_bytes;
  if (taken_ == chunk.bytes) {
    taken_ = 0;
    oldest_ = (oldest_ + 1) % kChunks;
    {
      const std::lock_guard lock(mutex_);
      --filled_;
    }
    filled_changed_.notify_all();
  }
  return some;
}

}  // namespace millrace

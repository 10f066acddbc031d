// Brings what a thread will read of a file next into its cache while it works on what it has.
//
// PERF: half of what it costs to copy a file from the page cache is waiting for memory. The file is mapped for the
// processor's prefetches only: nothing is read through the mapping, so a file that shrinks cannot fault.
//
// Threads: one thread an object. Cost: a system call for each stretch. Errors: none; where a file cannot be mapped, no
// bytes come earlier.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace {

class ReadHint {
 public:
  // Of `bytes` of the file from `offset` on.
  ReadHint(int file, std::uint64_t offset, std::size_t bytes);
  ~ReadHint();
  ReadHint(const ReadHint&) = delete;
  ReadHint& operator=(const ReadHint&) = delete;

  // Where `bytes` of the file from `offset` on can be prefetched; null if they cannot be.
  const char* prepare(std::uint64_t offset, std::size_t bytes) const;

 private:
  void* mapping_ = nullptr;
  std::uint64_t begin_;
  std::size_t bytes_;
};

// As much as `bytes` from `at` on.
inline void prefetch(const char* at, std::size_t bytes) {
  constexpr std::size_t kLineBytes = 64;
  constexpr int kToRead = 0, kSecondLevel = 2;
  for (std::size_t i = 0; i < bytes; i += kLineBytes) __builtin_prefetch(at + i, kToRead, kSecondLevel);
}

}  // namespace millrace

// The bytes of one input: a file or standard input, decompressed if its first bytes say gzip or zstd.
//
// gzip may have several members, zstd several frames; what is unpacked is read as one text. Checksums are verified.
// Behind a member or a frame that is damaged, what is whole can be had with go_on_behind_damage(); a zstd frame without
// a checksum may seem whole and have taken the next one's beginning with it. What CloudWatch Logs hands to Lambda,
// {"awslogs": {"data": "<base64 of gzip>"}}, is unpacked to what it holds.
//
// Threads: one thread an object but for read_at(). Cost: plain files are read in place; gzip at ISA-L's speed. Memory:
// under 1 MiB. Errors:  read() returns what could be unpacked and then 0 with failure() set: the input's end is lost,
// not its beginning. Source: Decompressor's, RFC 4648 (base64).
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/ingest/read_hint.hpp"

namespace millrace {

class Base64;
class Decompressor;

class ByteSource {
 public:
  // "-" is standard input. `stop`, if any, ends the wait for a pipe's bytes as the input's end would.
  explicit ByteSource(const std::string& path, const std::atomic<int>* stop = nullptr);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // Fills up to `bytes`; 0 at the end or on a failure.
  std::size_t read(char* out, std::size_t bytes);

  // Behind compressed data that failed: goes on at the next member or frame, if there seems to be one.
  bool go_on_behind_damage();

  const std::string& failure() const { return failure_; }     // empty if all went well
  const char* failure_kind() const { return failure_kind_; }  // the reason under which it is counted
  bool opened() const { return fd_ >= 0; }
  bool is_compressed() const { return decompressor_ != nullptr; }
  std::uint64_t stored_bytes() const { return stored_bytes_; }  // read of the input so far
  bool would_wait() const;                                      // a pipe that has nothing to read now

  // Of a file that is read as it stands; 0 for all else. Its bytes may be had from any place, on any thread.
  std::uint64_t plain_file_bytes() const { return decompressor_ || base64_ || fd_ == STDIN_FILENO ? 0 : size_; }
  std::size_t read_at(std::uint64_t offset, char* out, std::size_t bytes) const;  // fewer at the end or on a failure
  ReadHint hint_at(std::uint64_t offset, std::size_t bytes) const { return {fd_, offset, bytes}; }
  void seek(std::uint64_t offset);  // where read() goes on

 private:
  std::size_t read_raw(char* out, std::size_t bytes);
  void fill_raw();
  void choose_decompressor();
  void end_unpacking();
  void fail(const char* kind, std::string why);

  bool wait_for_bytes() const;
  void check_unchanged();

  int fd_ = -1;
  const std::atomic<int>* stop_;
  bool is_named_packed_;
  bool may_wait_ = false;   // a pipe or a terminal
  std::uint64_t size_ = 0;  // of a file when it was opened, and its time
  std::int64_t modified_ns_ = 0;
  bool at_end_ = false;
  std::string failure_;
  const char* failure_kind_ = "";
  std::uint64_t stored_bytes_ = 0;
  std::unique_ptr<Decompressor> decompressor_;
  std::unique_ptr<Base64> base64_;  // what is read is base64 of what is to be unpacked
  std::unique_ptr<char[]> raw_;     // bytes read ahead: [raw_begin_, raw_end_)
  std::size_t raw_size_ = 0, raw_begin_ = 0, raw_end_ = 0;
  std::size_t look_from_ = 0;  // in raw_: where the next member or frame may begin, if this one is damaged
  bool damaged_ = false;
  unsigned damages_ = 0;
};

}  // namespace millrace

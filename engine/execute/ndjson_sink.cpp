// Writes starts as NDJSON, one object a line, in input order. A line is written whole or, if the disk is full,
// reported.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "engine/execute/sink.hpp"

namespace millrace {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 18;  // written at once

std::string whole_path(const std::string& path) { return std::filesystem::absolute(path).lexically_normal().string(); }

class NdjsonSink : public Sink {
 public:
  NdjsonSink(int fd, std::string path, CheckpointFile checkpoint)
      : fd_(fd), path_(std::move(path)), checkpoint_(std::move(checkpoint)) {}
  ~NdjsonSink() override {
    if (fd_ > STDERR_FILENO) ::close(fd_);
  }

  std::size_t group_starts() const override { return 1; }

  std::optional<Failure> write(std::span<const Start* const> starts, std::span<Outcome>) override {
    if (auto failure = cut_to_checkpoint()) return failure;
    for (const Start* start : starts) {
      append(*start);
      if (buffer_.size() >= kBufferBytes) {
        if (auto failure = flush()) return failure;
      }
    }
    // Who reads a pipe should not wait for a buffer to fill; and a group that is kept whole can be resumed behind.
    if (fd_ == STDOUT_FILENO || checkpoint_.kept()) {
      if (auto failure = flush()) return failure;
    }
    group_end_ = file_bytes_;
    return {};
  }

  std::optional<Failure> commit(std::span<const InputProgress> progress) override {
    if (auto failure = cut_to_checkpoint()) return failure;
    if (auto failure = flush()) return failure;
    if (!checkpoint_.kept()) return {};
    file_bytes_ = std::min(file_bytes_, group_end_);
    if (::fdatasync(fd_) != 0) return lost();
    return checkpoint_.save(progress, file_bytes_);
  }

  // What an earlier run wrote behind its last checkpoint is written again.
  Result<ResumePoint> resume(const std::string& rules) override {
    auto point = checkpoint_.resume(rules);
    if (!point || !checkpoint_.kept()) return point;
    const off_t bytes = ::lseek(fd_, 0, SEEK_END);
    if (bytes < 0 || static_cast<std::uint64_t>(bytes) < point->sink_bytes) {
      return Failure{path_ +
                     ": is shorter than its checkpoint says; was it replaced? Remove the checkpoint to "
                     "begin anew"};
    }
    file_bytes_ = group_end_ = point->sink_bytes;
    cut_ = false;
    return point;
  }

 private:
  void append(const Start& start) {
    buffer_ += '{';
    append_start_members(start, buffer_);
    buffer_ += ",\"input\":";
    const std::size_t at = buffer_.size();
    buffer_ += start.input;
    // Valid JSON has line breaks only between its tokens, where a blank says the same.
    for (const char line_break : {'\n', '\r'}) {
      for (auto i = buffer_.find(line_break, at); i != std::string::npos; i = buffer_.find(line_break, i))
        buffer_[i] = ' ';
    }
    buffer_ += "}\n";
  }

  std::optional<Failure> cut_to_checkpoint() {
    if (std::exchange(cut_, true)) return {};
    const auto bytes = static_cast<off_t>(file_bytes_);
    return ::ftruncate(fd_, bytes) == 0 && ::lseek(fd_, bytes, SEEK_SET) == bytes ? std::nullopt : lost();
  }

  std::optional<Failure> lost() const { return Failure{path_ + ": cannot be written: " + std::strerror(errno)}; }

  std::optional<Failure> flush() {
    for (std::size_t done = 0; done < buffer_.size();) {
      const ssize_t written = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        auto failure = lost();
        buffer_.clear();
        return failure;
      }
      done += static_cast<std::size_t>(written);
      file_bytes_ += static_cast<std::uint64_t>(written);
    }
    buffer_.clear();
    return {};
  }

  int fd_;
  std::string path_;
  CheckpointFile checkpoint_;
  std::uint64_t file_bytes_ = 0, group_end_ = 0;
  bool cut_ = true;  // what lies behind file_bytes_ is gone
  std::string buffer_;
};

}  // namespace

Result<std::unique_ptr<Sink>> make_ndjson_sink(const std::string& path, const SinkOptions& options) {
  const bool to_stdout = path == "-";
  auto checkpoint = CheckpointFile::open(options, "ndjson:" + whole_path(path), to_stdout ? "" : path);
  if (!checkpoint) return checkpoint.failure();
  if (to_stdout && options.resume)
    return Failure{"--resume: standard output cannot be cut back to where the replay stopped; use ndjson:FILE"};
  if (to_stdout) return std::unique_ptr<Sink>(new NdjsonSink(STDOUT_FILENO, "standard output", std::move(*checkpoint)));
  // A position in what is written over now would be one in nothing.
  if (!options.resume) ::unlink((path + ".checkpoint").c_str());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (options.resume ? 0 : O_TRUNC), 0666);
  if (fd < 0) return Failure{path + ": cannot be written: " + std::strerror(errno)};
  return std::unique_ptr<Sink>(new NdjsonSink(fd, path, std::move(*checkpoint)));
}

}  // namespace millrace

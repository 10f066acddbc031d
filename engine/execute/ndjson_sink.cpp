// Writes starts as NDJSON, one object a line, in input order. A line is written whole or, if the disk is full,
// reported.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/execute/sink.hpp"
#include "engine/route/envelope.hpp"

namespace millrace {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 18;  // written at once

class NdjsonSink : public Sink {
 public:
  NdjsonSink(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~NdjsonSink() override {
    if (fd_ > STDERR_FILENO) ::close(fd_);
  }

  std::optional<Failure> write(std::span<const Start> starts) override {
    for (const Start& start : starts) {
      append(start);
      if (buffer_.size() >= kBufferBytes) {
        if (auto failure = flush()) return failure;
      }
    }
    // Who reads a pipe should not wait for a buffer to fill.
    return fd_ == STDOUT_FILENO ? flush() : std::nullopt;
  }

  std::optional<Failure> finish() override { return flush(); }

 private:
  void append(const Start& start) {
    member("{\"stateMachineArn\":", start.target->arn);
    member(",\"name\":", start.name);
    member(",\"rule\":", start.rule->name);
    member(",\"target\":", start.target->id);
    member(",\"eventId\":", start.event_id);
    member(",\"eventTime\":", start.event_time);
    buffer_ += ",\"input\":";
    const std::size_t at = buffer_.size();
    buffer_ += start.input;
    // Valid JSON has line breaks only between its tokens, where a blank says the same.
    std::replace_if(
        buffer_.begin() + static_cast<std::ptrdiff_t>(at), buffer_.end(), [](char c) { return c == '\n' || c == '\r'; },
        ' ');
    buffer_ += "}\n";
  }

  void member(std::string_view name, std::string_view value) {
    buffer_ += name;
    append_json_string(value, buffer_);
  }

  std::optional<Failure> flush() {
    for (std::size_t done = 0; done < buffer_.size();) {
      const ssize_t written = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        std::string why = path_ + ": cannot be written: " + std::strerror(errno);
        buffer_.clear();
        return Failure{std::move(why)};
      }
      done += static_cast<std::size_t>(written);
    }
    buffer_.clear();
    return {};
  }

  int fd_;
  std::string path_;
  std::string buffer_;
};

}  // namespace

Result<std::unique_ptr<Sink>> make_ndjson_sink(const std::string& path) {
  if (path == "-") return std::unique_ptr<Sink>(new NdjsonSink(STDOUT_FILENO, "standard output"));
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return Failure{path + ": cannot be written: " + std::strerror(errno)};
  return std::unique_ptr<Sink>(new NdjsonSink(fd, path));
}

}  // namespace millrace

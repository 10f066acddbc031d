#include "engine/ingest/byte_source.hpp"

#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace millrace {
namespace {

constexpr std::size_t kRawBytes = std::size_t{256} << 10;  // read ahead of the decompressor
constexpr std::size_t kMagicBytes = 4;
constexpr std::size_t kLookBytes = 256;  // what tells the containers apart stands within so many

}  // namespace

// Unpacks a stream piece by piece.
class Decompressor {
 public:
  struct Step {
    std::size_t consumed = 0, produced = 0;
    const char* error = nullptr;
  };
  virtual ~Decompressor() = default;
  virtual Step step(const char* in, std::size_t in_bytes, char* out, std::size_t out_bytes) = 0;
  virtual bool complete() const = 0;  // nothing is missing if the input ends here
};

namespace {

class Gzip : public Decompressor {
 public:
  Gzip() { isal_inflate_init(&state_); }

  Step step(const char* in, std::size_t in_bytes, char* out, std::size_t out_bytes) override {
    if (member_done_) {
      // Padding of zeros behind the last member is customary.
      const auto zeros = static_cast<std::size_t>(std::find_if(in, in + in_bytes, [](char c) { return c != 0; }) - in);
      if (zeros > 0) return {.consumed = zeros};
      isal_inflate_reset(&state_);
      member_done_ = false;
    }
    state_.crc_flag = ISAL_GZIP;
    state_.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(in));
    state_.avail_in = static_cast<std::uint32_t>(in_bytes);
    state_.next_out = reinterpret_cast<std::uint8_t*>(out);
    state_.avail_out = static_cast<std::uint32_t>(out_bytes);
    const int status = isal_inflate(&state_);
    member_done_ = state_.block_state == ISAL_BLOCK_FINISH;
    return {in_bytes - state_.avail_in, out_bytes - state_.avail_out,
            status < 0 ? "the gzip data is corrupt" : nullptr};
  }

  bool complete() const override { return member_done_; }

 private:
  inflate_state state_;
  bool member_done_ = false;
};

// Block by block: a call that fails says nothing of what it unpacked before.
class Zstd : public Decompressor {
 public:
  Step step(const char* in, std::size_t in_bytes, char* out, std::size_t out_bytes) override {
    ZSTD_inBuffer input{in, holds_more_ ? 0 : std::min(in_bytes, wanted_bytes()), 0};
    ZSTD_outBuffer output{out, out_bytes, 0};
    left_ = ZSTD_decompressStream(context_.get(), &output, &input);
    holds_more_ = output.pos == out_bytes;
    return {input.pos, output.pos, ZSTD_isError(left_) ? "the zstd data is corrupt" : nullptr};
  }

  bool complete() const override { return left_ == 0; }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  // What zstd asks for is the rest of a block and the next one's header.
  std::size_t wanted_bytes() const {
    constexpr std::size_t kBlockHeaderBytes = 3;
    return left_ > kBlockHeaderBytes ? left_ - kBlockHeaderBytes : std::max<std::size_t>(left_, 1);
  }

  std::unique_ptr<ZSTD_DCtx, Free> context_{ZSTD_createDCtx()};
  std::size_t left_ = 1;
  bool holds_more_ = false;  // perhaps: the room was full
};

}  // namespace

// Decodes a JSON string of base64 piece by piece, up to its quote.
class Base64 {
 public:
  // Decodes `bytes` characters in place; how many bytes they stand for.
  std::size_t decode(char* text, std::size_t bytes) {
    std::size_t out = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      const char c = text[i];
      if (done_) {
        trailing_ |= kBehind.find(c) == std::string_view::npos;
      } else if (c == '"' || c == '=') {
        done_ = true;
      } else if (std::exchange(escape_, c == '\\') && c != '/') {
        continue;  // \n and the like mean nothing in base64
      } else if (const int value = value_of(c); value >= 0) {
        bits_ = bits_ << 6 | static_cast<std::uint32_t>(value);
        place_ = (place_ + 1) % 4;
        if (place_ != 1) text[out++] = static_cast<char>(bits_ >> (place_ == 0 ? 0 : 8 - 2 * place_) & 0xff);
      }
    }
    return out;
  }

  // Something stands behind the payload that would be lost.
  bool has_trailing_text() const { return trailing_; }

 private:
  static int value_of(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
  }

  static constexpr std::string_view kBehind =
      "=\"} \t\r\n\\nr";  // what closes the payload's object, and escaped line ends

  std::uint32_t bits_ = 0;
  unsigned place_ = 0;  // characters of the group of four so far
  bool escape_ = false, done_ = false, trailing_ = false;
};

namespace {

// Where waiting can be stopped, opening does not wait for a pipe's writer either: the reads do.
int open_input(const std::string& path, bool may_stop) {
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | (may_stop ? O_NONBLOCK : 0));
}

// The place of the base64 in what CloudWatch Logs hands to Lambda; 0 if the text does not start like that.
std::size_t find_lambda_data(std::string_view text) {
  std::size_t at = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
  for (const std::string_view token : {"{", "\"awslogs\"", ":", "{", "\"data\"", ":", "\""}) {
    at = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
    if (!text.substr(at).starts_with(token)) return 0;
    at += token.size();
  }
  return at;
}

}  // namespace

ByteSource::ByteSource(const std::string& path, const std::atomic<int>* stop)
    : fd_(path == "-" ? STDIN_FILENO : open_input(path, stop != nullptr)), stop_(stop) {
  struct stat info {};
  if (fd_ < 0 || ::fstat(fd_, &info) != 0) {
    fail("unreadable", std::string("cannot be opened: ") + std::strerror(errno));
  } else if (S_ISDIR(info.st_mode)) {
    fail("unreadable", "is a directory");
  } else {
    may_wait_ = stop_ != nullptr && !S_ISREG(info.st_mode);
    size_ = S_ISREG(info.st_mode) ? static_cast<std::uint64_t>(info.st_size) : 0;
    modified_ns_ = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
    const bool is_small = S_ISREG(info.st_mode) && static_cast<std::uint64_t>(info.st_size) < kRawBytes;
    raw_size_ = is_small ? std::max(static_cast<std::size_t>(info.st_size), kLookBytes) : kRawBytes;
    raw_ = std::make_unique_for_overwrite<char[]>(raw_size_);
    choose_decompressor();
  }
}

ByteSource::~ByteSource() {
  if (fd_ > STDIN_FILENO) ::close(fd_);
}

void ByteSource::fail(const char* kind, std::string why) {
  failure_kind_ = kind;
  failure_ = std::move(why);
  at_end_ = true;
}

bool ByteSource::would_wait() const {
  pollfd asked{fd_, POLLIN, 0};
  return may_wait_ && raw_begin_ == raw_end_ && ::poll(&asked, 1, 0) == 0;
}

// A file may grow while it is read, as a log does; what shrank or was written over was not read as it stood.
void ByteSource::check_unchanged() {
  struct stat info {};
  if (size_ == 0 || ::fstat(fd_, &info) != 0) return;
  const auto size = static_cast<std::uint64_t>(info.st_size);
  const bool touched = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec != modified_ns_;
  if (size < size_ || (touched && size == size_))
    fail("unreadable", size < size_ ? "shrank while it was read" : "was written over while it was read");
}

// False if the wait was stopped.
bool ByteSource::wait_for_bytes() const {
  constexpr int kLookMs = 100;
  pollfd waited{fd_, POLLIN, 0};
  while (*stop_ == 0) {
    if (::poll(&waited, 1, kLookMs) > 0) return true;
  }
  return false;
}

std::size_t ByteSource::read_raw(char* out, std::size_t bytes) {
  if (may_wait_ && !wait_for_bytes()) return 0;
  for (;;) {
    const ssize_t got = ::read(fd_, out, bytes);
    if (got == 0) check_unchanged();
    if (got >= 0) stored_bytes_ += static_cast<std::uint64_t>(got);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EINTR) continue;
    if (errno == EAGAIN && may_wait_) {
      if (wait_for_bytes()) continue;
      return 0;
    }
    fail("unreadable", std::string("cannot be read: ") + std::strerror(errno));
    return 0;
  }
}

namespace {

// Of what begins with a brace: may its first key be Lambda's?
constexpr std::size_t kKeyLookBytes = 16;
bool may_be_lambda(std::string_view text) {
  const auto quote = text.find_first_not_of(" \t\r\n", 1);
  return quote == std::string_view::npos || quote + 8 > text.size() || text.substr(quote, 8) == "\"awslogs";
}

}  // namespace

void ByteSource::choose_decompressor() {
  while (raw_end_ < std::min(kLookBytes, raw_size_)) {
    const std::size_t got = read_raw(raw_.get() + raw_end_, raw_size_ - raw_end_);
    if (got == 0) break;
    raw_end_ += got;
    const std::string_view so_far(raw_.get(), raw_end_);
    const auto first = so_far.find_first_not_of("\xef\xbb\xbf \t\r\n");
    if (raw_end_ < kMagicBytes || first == std::string_view::npos) continue;
    if (so_far[first] != '{' || (so_far.size() >= first + kKeyLookBytes && !may_be_lambda(so_far.substr(first)))) break;
  }
  raw_begin_ = find_lambda_data({raw_.get(), raw_end_});
  if (raw_begin_ > 0) {
    base64_ = std::make_unique<Base64>();
    raw_end_ = raw_begin_ + base64_->decode(raw_.get() + raw_begin_, raw_end_ - raw_begin_);
  }
  const std::string_view begin(raw_.get() + raw_begin_, raw_end_ - raw_begin_);
  if (begin.starts_with("\x1f\x8b")) decompressor_ = std::make_unique<Gzip>();
  const bool is_skippable_frame =
      begin.size() >= kMagicBytes && (begin[0] & 0xf0) == 0x50 && begin.substr(1).starts_with("\x2a\x4d\x18");
  if (begin.starts_with("\x28\xb5\x2f\xfd") || is_skippable_frame) decompressor_ = std::make_unique<Zstd>();
  if (!base64_ || decompressor_) return;
  fail("corrupt", "awslogs.data is not base64 of gzip");
  raw_begin_ = raw_end_ = 0;
}

void ByteSource::fill_raw() {
  raw_begin_ = 0;
  do {
    raw_end_ = read_raw(raw_.get(), raw_size_);
    if (raw_end_ == 0 || !base64_) return;
    raw_end_ = base64_->decode(raw_.get(), raw_end_);
  } while (raw_end_ == 0);
}

std::size_t ByteSource::read(char* out, std::size_t bytes) {
  if (!decompressor_ && raw_begin_ < raw_end_) {
    const std::size_t some = std::min(bytes, raw_end_ - raw_begin_);
    std::memcpy(out, raw_.get() + raw_begin_, some);
    raw_begin_ += some;
    return some;
  }
  if (!decompressor_) return at_end_ ? 0 : read_raw(out, bytes);
  while (!at_end_) {
    if (raw_begin_ == raw_end_) {
      fill_raw();
      if (raw_end_ == 0) {
        // What was cut short may not have given all that it holds.
        const auto held =
            decompressor_->complete() ? Decompressor::Step{} : decompressor_->step(raw_.get(), 0, out, bytes);
        if (held.produced > 0) return held.produced;
        at_end_ = true;
        if (failure_.empty() && !decompressor_->complete()) fail("truncated", "the compressed data is truncated");
        if (failure_.empty() && base64_ && base64_->has_trailing_text())
          fail("corrupt", "what stands behind awslogs.data cannot be read; one payload a file");
        return 0;
      }
    }
    const auto step = decompressor_->step(raw_.get() + raw_begin_, raw_end_ - raw_begin_, out, bytes);
    raw_begin_ += step.consumed;
    if (step.error != nullptr) fail("corrupt", step.error);
    if (step.produced > 0) return step.produced;
  }
  return 0;
}

std::size_t ByteSource::read_at(std::uint64_t offset, char* out, std::size_t bytes) const {
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t got = ::pread(fd_, out + done, bytes - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

void ByteSource::seek(std::uint64_t offset) {
  raw_begin_ = raw_end_ = 0;
  stored_bytes_ = offset;
  if (::lseek(fd_, static_cast<off_t>(offset), SEEK_SET) < 0)
    fail("unreadable", std::string("cannot be read: ") + std::strerror(errno));
}

}  // namespace millrace

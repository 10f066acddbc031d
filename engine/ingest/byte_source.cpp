#include "engine/ingest/byte_source.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "engine/ingest/base64.hpp"
#include "engine/ingest/decompressor.hpp"

namespace millrace {
namespace {

constexpr std::size_t kRawBytes = std::size_t{256} << 10;  // read ahead of the decompressor
constexpr std::size_t kMagicBytes = 4;
constexpr std::size_t kLookBytes = 256;  // what tells the containers apart stands within so many
// LIMIT: gone back behind damage that shows late, to find what begins within it; and damages of an input, beyond which
// it is given up.
constexpr std::size_t kLookBackBytesMax = std::size_t{64} << 10;
constexpr unsigned kDamagesMax = 1000;

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
    : fd_(path == "-" ? STDIN_FILENO : open_input(path, stop != nullptr)),
      stop_(stop),
      is_named_packed_(path.ends_with(".gz") || path.ends_with(".zst")) {
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
    raw_size_ = is_small ? static_cast<std::size_t>(info.st_size) + kLookBytes : kRawBytes;
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

namespace {

// What is named like compressed data and begins with neither may have lost its first bytes.
bool may_be_text(std::string_view begin) {
  return std::all_of(begin.begin(), begin.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x09; });
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
  if (is_packed(begin) || (is_named_packed_ && !may_be_text(begin))) decompressor_ = std::make_unique<Decompressor>();
  if (!base64_ || decompressor_) return;
  fail("corrupt", "awslogs.data is not base64 of gzip");
  raw_begin_ = raw_end_ = 0;
}

// Keeps of what was used as much as may be gone back to.
void ByteSource::fill_raw() {
  const std::size_t kept = std::min({raw_end_, kLookBackBytesMax, raw_size_ - kLookBytes});
  const std::size_t gone = raw_end_ - kept;
  std::memmove(raw_.get(), raw_.get() + gone, kept);
  raw_begin_ = raw_end_ = kept;
  look_from_ -= std::min(look_from_, gone);
  do {
    const std::size_t got = read_raw(raw_.get() + kept, raw_size_ - kept);
    if (got == 0) return;
    raw_end_ += base64_ ? base64_->decode(raw_.get() + kept, got) : got;
  } while (raw_begin_ == raw_end_);
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
    if (raw_begin_ == raw_end_) fill_raw();
    if (raw_begin_ == raw_end_) {
      // What was cut short may not have given all that it holds.
      const auto held = decompressor_->step(raw_.get(), 0, out, bytes);
      if (held.produced > 0) return held.produced;
      end_unpacking();
      return 0;
    }
    const auto step = decompressor_->step(raw_.get() + raw_begin_, raw_end_ - raw_begin_, out, bytes);
    if (step.begins) look_from_ = raw_begin_ + 1;
    raw_begin_ += step.consumed;
    damaged_ = step.error != nullptr;
    if (damaged_) fail("corrupt", step.error);
    if (step.produced > 0) return step.produced;
  }
  return 0;
}

void ByteSource::end_unpacking() {
  at_end_ = true;
  if (!failure_.empty()) return;
  damaged_ = !decompressor_->complete();
  if (damaged_) return fail("truncated", "the compressed data is truncated");
  if (base64_ && base64_->has_trailing_text())
    fail("corrupt", "what stands behind awslogs.data cannot be read; one payload a file");
}

bool ByteSource::go_on_behind_damage() {
  if (!std::exchange(damaged_, false) || ++damages_ > kDamagesMax) return false;
  for (;;) {
    const std::size_t found = find_packed({raw_.get() + look_from_, raw_end_ - look_from_});
    if (found != std::string_view::npos) {
      raw_begin_ = look_from_ + found;
      break;
    }
    look_from_ = std::max(look_from_, raw_end_ - std::min(raw_end_, kPackedHeadBytes - 1));
    fill_raw();
    if (raw_begin_ == raw_end_) return false;
  }
  decompressor_->reset();
  failure_.clear();
  failure_kind_ = "";
  at_end_ = false;
  return true;
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

#include "engine/execute/line_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

namespace millrace {

LineFile::~LineFile() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<Failure> LineFile::lost() const {
  return Failure{path_ + ": cannot be written: " + std::strerror(errno)};
}

std::optional<Failure> LineFile::open(const std::string& path, bool keep) {
  path_ = path;
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) return lost();
  stale_ = !keep;
  return keep ? cut_torn_line() : std::nullopt;
}

// A line that a full disk or a kill cut short is written again, like all behind the position.
std::optional<Failure> LineFile::cut_torn_line() {
  if (!std::filesystem::is_regular_file(path_)) return {};
  std::ifstream file(path_, std::ios::binary);
  std::uintmax_t whole = 0, bytes = 0;
  for (std::string line; std::getline(file, line); whole = file.eof() ? whole : bytes) bytes += line.size() + 1;
  if (file.bad() || bytes == whole) return {};
  return ::ftruncate(fd_, static_cast<off_t>(whole)) == 0 ? std::nullopt : lost();
}

std::optional<Failure> LineFile::append(std::string line) {
  if (auto failure = finish()) return failure;
  line += '\n';
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return lost();
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

// A pipe or a terminal has nothing to cut off.
std::optional<Failure> LineFile::finish() {
  if (fd_ < 0 || !std::exchange(stale_, false)) return {};
  return ::ftruncate(fd_, 0) == 0 || errno == EINVAL ? std::nullopt : lost();
}

}  // namespace millrace

#include "engine/execute/line_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
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
  constexpr std::uintmax_t kPieceBytes = std::uintmax_t{64} << 10;
  std::error_code error;
  if (!std::filesystem::is_regular_file(path_, error)) return {};
  const std::uintmax_t bytes = std::filesystem::file_size(path_, error);
  std::ifstream file(path_, std::ios::binary);
  std::uintmax_t whole = bytes;
  for (std::uintmax_t end = bytes; end > 0 && whole == end;) {
    const std::uintmax_t begin = end - std::min(end, kPieceBytes);
    std::string piece(end - begin, '\0');
    if (!file.seekg(static_cast<std::streamoff>(begin)).read(piece.data(), static_cast<std::streamsize>(piece.size())))
      return {};
    const auto newline = piece.rfind('\n');
    whole = newline == std::string::npos ? begin : begin + newline + 1;
    end = newline == std::string::npos ? begin : 0;
  }
  return whole == bytes || ::ftruncate(fd_, static_cast<off_t>(whole)) == 0 ? std::nullopt : lost();
}

std::optional<Failure> LineFile::keep_only(const std::function<bool(const std::string&)>& is_wanted) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::is_regular_file(path_, error)) return {};
  const fs::path file = fs::canonical(path_, error);
  // Hidden, so that what a kill leaves is not read where a directory of logs holds it.
  const fs::path kept_file = file.parent_path() / ("." + file.filename().string() + ".kept");
  std::ifstream lines(file, std::ios::binary);
  std::ofstream kept(kept_file, std::ios::binary);
  bool all = true;
  for (std::string line; std::getline(lines, line);) {
    if (is_wanted(line)) {
      kept << line << '\n';
    } else {
      all = false;
    }
  }
  kept.close();
  if (!kept) return Failure{kept_file.string() + ": cannot be written: " + std::strerror(errno)};
  if (all) return fs::remove(kept_file, error), std::nullopt;
  fs::rename(kept_file, file, error);
  if (error) return Failure{path_ + ": cannot be written: " + error.message()};
  ::close(fd_);
  return open(path_, true);
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

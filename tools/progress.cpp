#include "tools/progress.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <string>

#include "tools/command.hpp"

namespace millrace::tools {
namespace {

// By the share of the inputs' stored bytes that were read; nothing where it is not known.
std::string time_left(std::uint64_t done, std::uint64_t all, double seconds) {
  if (done == 0 || done > all) return "";
  const double left = seconds * static_cast<double>(all - done) / static_cast<double>(done);
  return fmt::format(", {:.0f} %, {:02}:{:02}:{:02} left", 100 * static_cast<double>(done) / static_cast<double>(all),
                     static_cast<int>(left) / 3600, static_cast<int>(left) / 60 % 60, static_cast<int>(left) % 60);
}

}  // namespace

Progress::Progress(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) != 0) {}

void Progress::show(const Tally& tally, std::uint64_t stored_bytes) {
  const auto now = Clock::now();
  const auto pause = terminal_ ? std::chrono::milliseconds(200) : std::chrono::milliseconds(10'000);
  if (quiet_ || now - shown_ < pause) return;
  shown_ = now;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  std::uint64_t bad = 0;
  for (const auto& [reason, count] : tally.bad) bad += count;
  const std::string line =
      fmt::format("{:.1f} MB, {} records ({:.0f}/s), {} matches, {} starts, {} bad{}",
                  static_cast<double>(tally.bytes) / 1e6, tally.records, static_cast<double>(tally.records) / seconds,
                  tally.matches, tally.starts, bad, time_left(tally.stored_bytes, stored_bytes, seconds));
  say(terminal_ ? "\r\x1b[K" + line : line + "\n");
  drawn_ = terminal_;
}

void Progress::clear() {
  if (drawn_) say("\r\x1b[K");
  drawn_ = false;
}

}  // namespace millrace::tools

// A file of lines that are each in the system's hands when append() returns, so that a killed run leaves whole lines.
//
// What an earlier run left stays until the first line, or the end of a run, says that this one got so far.
//
// Threads: one thread an object. Cost: a system call a line. Errors: sentences with the path.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "engine/error.hpp"

namespace millrace {

class LineFile {
 public:
  LineFile() = default;
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  // `keep`: goes on behind the whole lines that are there.
  std::optional<Failure> open(const std::string& path, bool keep);
  bool is_open() const { return fd_ >= 0; }

  // Of the lines that are there, those that are wanted stay, in their order. All of them do if the run is killed
  // meanwhile.
  std::optional<Failure> keep_only(const std::function<bool(const std::string& line)>& is_wanted);

  // `line`: without its line break.
  std::optional<Failure> append(std::string line);

  // At the end of a run that went well: what an earlier one left is gone even if nothing was appended.
  std::optional<Failure> finish();

 private:
  std::optional<Failure> lost() const;
  std::optional<Failure> cut_torn_line();

  int fd_ = -1;
  bool stale_ = false;  // what is there is an earlier run's
  std::string path_;
};

}  // namespace millrace

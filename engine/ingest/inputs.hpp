// Which files a replay reads, and in which order: those named, in the order given; directories in byte order of their
// paths.
//
// Of a directory, files are read that are named like logs (.json, .ndjson, .jsonl, .gz, .zst) or begin like them; what
// is hidden is not looked at, pipes and sockets are passed over. Of CloudTrail's own key layout no digest files are
// read, and insight files only if they are asked for. There an InputFilter leaves whole folders unopened: by account,
// by region, and by the day of delivery, which is the day of a record or a later one. A file that is named itself is
// always read.
//
// Threads: pure. Cost: a listing of each directory that is not left out, and
// a look at what is not named like logs. Errors: a path that does not exist, a
// directory that cannot be listed; what else there is, is listed all the same.
// Source:  CloudTrail's key layout, AWSLogs/[ORGANIZATION/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/FILE.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/error.hpp"

namespace millrace {

struct InputFile {
  std::string path;         // "-" is standard input
  std::uint64_t bytes = 0;  // as stored; 0 where unknown
  std::int64_t modified_ns = 0;
  std::uint64_t head = 0;  // hash of its beginning, 0 until asked for
};

// LIMIT: of an input's beginning by which it is known again; an array's first records differ by then.
constexpr std::size_t kHeadBytesMax = 4096;

// Of the first kHeadBytesMax of `bytes` bytes of a file, never 0; 0 if there are none or they cannot be read.
std::uint64_t head_of(const std::string& path, std::uint64_t bytes);

// Empty: all.
struct InputFilter {
  std::vector<std::string> accounts, regions;
  std::string since, until;  // event times, as YYYY-MM-DDTHH:MM:SS
  bool insights = false;
  std::vector<std::string> outputs = {};  // of the run itself: not read where a directory holds them
};

// A folder of a day is read if it may hold records of the asked-for time. LIMIT: days that a record may be delivered
// after it was made; CloudTrail takes minutes, for a first insight up to 36 hours.
constexpr int kDeliveryDaysMax = 2;

struct InputFailure {
  std::string path, why;

  std::string sentence() const { return path + ": " + why; }
};

struct InputList {
  std::vector<InputFile> files;
  std::vector<InputFailure> failures;
  std::uint64_t passed_over = 0;  // files in directories that neither are named nor begin like logs, hidden ones aside
  std::string first_passed_over;
};

InputList list_inputs(const std::vector<std::string>& paths, const InputFilter& filter = {});

// The paths in a file, one a line, or ended by NUL bytes if it has any; "-" is standard input.
Result<std::vector<std::string>> read_path_list(const std::string& file, const std::atomic<int>* stop = nullptr);

}  // namespace millrace

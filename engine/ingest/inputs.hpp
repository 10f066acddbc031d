// Which files a replay reads, and in which order: those named, in the order given; directories in byte order of their
// paths.
//
// Of a directory, only files named like logs are read (.json, .ndjson, .jsonl, .gz, .zst), and of CloudTrail's own key
// layout neither digest files nor insight files. A file that is named itself is always read.
//
// Threads: pure. Cost: one directory listing each. Errors: a path that does not exist, a directory that cannot be
// listed. Source:  CloudTrail's key layout, AWSLogs/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/FILE.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace millrace {

struct InputFile {
  std::string path;         // "-" is standard input
  std::uint64_t bytes = 0;  // as stored; 0 where unknown
  std::int64_t modified_ns = 0;
};

struct InputList {
  std::vector<InputFile> files;
  std::vector<std::string> failures;  // sentences
};

InputList list_inputs(const std::vector<std::string>& paths);

}  // namespace millrace

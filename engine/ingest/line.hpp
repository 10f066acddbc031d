// One line of a file that has one record a line.
//
// Threads: pure. Cost: constant but for the white space. Source: NDJSON; CloudWatch Logs' exports to S3 and what
// `aws logs tail` prints, whose lines begin with a time, and with a log stream's name if that is not left out.
#pragma once

#include <cstddef>
#include <string_view>

namespace millrace {

// LIMIT: CloudWatch Logs' own, of a log stream's name.
constexpr std::size_t kLogStreamBytesMax = 512;

// LIMIT: of white space, a byte order mark, a time and a name around a line's record, which are no part of its size.
constexpr std::size_t kAroundRecordBytesMax = kLogStreamBytesMax + 64;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

struct Line {
  std::size_t begin = 0, end = 0;  // of the record in the text, equal if the line is blank
  bool may_be_container = false;   // an object that holds records begins here
};

// The record of the line text[begin, end).
Line read_line(std::string_view text, std::size_t begin, std::size_t end);

// "2023-07-10T12:00:00.000Z {…}", or with a word before the brace: the place of the brace, or 0.
std::size_t behind_timestamp(std::string_view line);

}  // namespace millrace

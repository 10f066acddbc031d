// What a top-level object is: a record, or what holds records in one of its arrays.
//
// An array holds records if its key says so ("Records", "logEvents", "events", "Events"), or if its first element is a
// record or wraps one, whatever its key, which may be damaged.
//
// Threads: pure. Cost: the members up to the array, or all. Source: CloudTrail and CloudWatch Logs formats, aws
// lookup-events.
#pragma once

#include <cstddef>
#include <string_view>

namespace millrace {

// What the members of a top-level object say about it, read as far as needed.
struct Header {
  enum Kind { need_more, record, container, malformed } kind;
  std::size_t end = 0;  // behind the object, or behind the array's bracket
  const char* wrapped_in = nullptr;
  bool control = false;  // a control message of CloudWatch Logs
  bool digest = false;   // CloudTrail's list of log files and their hashes
  bool notice = false;   // that log files were delivered, as CloudTrail tells SNS
};

// `at`: behind the opening brace, or behind a member's value.
Header read_header(std::string_view text, std::size_t at, bool behind_member);

}  // namespace millrace

// What makes a brace a record's beginning, behind a place where the reader has lost its way.
//
// Shape. A record, an event and an element that wraps one are known by their first key where that key begins nothing
// else, and by their members where it may: {"apiVersion": …} is a record if it has an eventSource.
//
// Threads: pure. Cost: the first key, or the object once. Source: CloudTrail, EventBridge and CloudWatch Logs formats.
#pragma once

#include <cstdint>
#include <string_view>

namespace millrace {

enum class Beginning : std::uint8_t {
  nothing,
  record,     // or an event
  wrapped,    // an element that holds a record as a string, in the awaited member
  message,    // one of CloudWatch Logs, where none was awaited
  lookup,     // one of lookup-events, where none was awaited
  container,  // an object that holds records
  unknown,    // until more of the text is there
};

// The member that holds the record of an element of CloudWatch Logs or lookup-events; null of all else.
inline const char* wrapper_of(Beginning element) {
  return element == Beginning::message ? "message" : element == Beginning::lookup ? "CloudTrailEvent" : nullptr;
}

struct Awaited {
  const char* wrapped_in = nullptr;  // member that holds the records as strings, if that is so
  bool anything = false;             // also elements that wrap records: their container's beginning was lost
  bool may_look_inside = true;       // beyond the first key
};

// Of the text from a brace on; `complete`: there is no more of it. REQUIRES: a brace, and 64 bytes unless complete.
Beginning what_begins(std::string_view text, const Awaited& awaited, bool complete);

// Of the text from a brace on: message or lookup, if the object is an element of one by its first key and the string in
// it.
Beginning wraps(std::string_view text);

// Is it a key that records or events have, and hardly anything else?
bool is_of_record(std::string_view key);

// Does the object begin as a record or an event, which hold no others?
bool begins_as_element(std::string_view text);

// What the object is as far as its first key says: a record, a container, or nothing that is known.
Beginning begins_as(std::string_view text);

}  // namespace millrace

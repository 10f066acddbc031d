// The event that EventBridge would have made of a CloudTrail record.
//
// Threads: plain data, pure functions. Cost: no allocation until an event matches.
// Source:  spec of the envelope: EventBridge user guide, events from AWS services via CloudTrail; the sign-in
// detail-type is
//          the one seen on the wire.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace {

// What decides on a record's delivery. Empty where the record has none.
struct RecordHead {
  std::string_view event_source, event_name, event_category;
  bool read_only = false;
};

struct Envelope {
  std::string id;
  std::string_view source, detail_type, account, time, region;
};

enum class ReadOnlyRule : std::uint8_t { name, flag, deliver };  // how read-only management events are told

bool is_read_only_management(const RecordHead& head, ReadOnlyRule rule);

std::string_view detail_type_of(std::string_view event_type);

// "aws." and the service of eventSource; insight events, which have none, are CloudTrail's own.
void append_source(std::string_view event_source, std::string& out);

// A member of a record that event data stores alone hold; EventBridge does not deliver it.
constexpr std::string_view kNotDelivered = "eventContext";

// A record, which is valid JSON, without it.
std::string without_context(std::string_view record);

// The whole event: envelope members in EventBridge's order, `detail` the record's own bytes.
std::string write_event(const Envelope& envelope, std::string_view record);

void append_json_string(std::string_view text, std::string& out);

}  // namespace millrace

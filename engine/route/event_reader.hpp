// Reads one whole event from text into fields, for callers that have a single event and want it checked to the last
// byte.
//
// What is an event: one JSON object in valid UTF-8, nothing but white space around it, at most kJsonDepthMax levels
// deep. A byte order mark, a lone surrogate, a raw control character or trailing text makes it none. A key may come
// twice; both values count.
//
// Threads: one thread an object. Cost: a walk and a look at every byte. Errors: a sentence.
#pragma once

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>

#include "engine/route/walk.hpp"

namespace millrace {

// Of what the validator takes and the walk does not: a level of nesting more.
constexpr const char* kTooDeep = "nests deeper than 1000 levels";

// Why a text is no JSON object; nullopt if it is one. REQUIRES: kJsonPaddingBytes readable bytes behind `text`.
class JsonValidator {
 public:
  std::optional<std::string> refuse(std::string_view text);

  // Is it any JSON value? Copies it for the padding.
  bool is_json(std::string_view text);

  // The value of the last text that was not refused, valid until the next call. Where the text has a number beyond a
  // double's or a 64-bit integer's range, its numbers are all 0.
  simdjson::dom::element root() const { return root_; }

 private:
  simdjson::error_code parse(std::string_view text);
  bool replace_numbers(std::string_view text);

  simdjson::dom::parser parser_{simdjson::SIMDJSON_MAXSIZE_BYTES};
  simdjson::dom::element root_;
  std::string plain_;  // a text with its numbers replaced
};

class EventReader {
 public:
  // Collects into `fields`, which must know the fields of `paths`; both outlive the reader.
  EventReader(const PathTrie& paths, EventFields& fields);

  // Replaces what the fields held; nullopt on success.
  std::optional<std::string> read(std::string_view event, NodeId root = 0);

 private:
  EventFields& fields_;
  StringIndex strings_;
  Walker walker_;
  JsonValidator validator_;
  std::string padded_;
};

}  // namespace millrace

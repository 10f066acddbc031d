// Starts that were given up, one JSON object a line, with the attributes that EventBridge gives a dead letter:
//
//     RULE_ARN, TARGET_ARN, ERROR_CODE, ERROR_MESSAGE, EXHAUSTED_RETRY_CONDITION (if a bound was), RETRY_ATTEMPTS, and
//     the start: stateMachineArn, name, rule, target, eventId, eventTime, input (inputText, a string, if it is no
//     JSON), deadLetterArn and retryPolicy (if the target has them)
//
// Threads: one thread an object. Errors: sentences.
// Source:  EventBridge user guide, dead-letter queues.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/error.hpp"
#include "engine/execute/line_file.hpp"
#include "engine/execute/sink.hpp"
#include "engine/execute/start.hpp"

namespace millrace {

class DeadLetters {
 public:
  // `append`: goes on with what an earlier run wrote.
  std::optional<Failure> open(const std::string& path, bool append) { return file_.open(path, append); }
  bool kept() const { return file_.is_open(); }

  // When it returns, the letter is in the system's hands.
  std::optional<Failure> add(const Start& start, const Outcome& outcome);
  std::optional<Failure> finish() { return file_.finish(); }

 private:
  LineFile file_;
};

// The starts of a dead-letter file; their rules and targets are made from the letters and live here.
struct Redelivery {
  std::vector<std::unique_ptr<Rule>> rules;
  std::vector<Start> starts;
};
Result<Redelivery> read_dead_letters(const std::string& path);

}  // namespace millrace

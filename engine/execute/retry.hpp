// What an answer of StartExecution means, and when to try again: one table, one place.
//
// Clock and chance are the caller's, so that nothing here waits.
//
// Threads: pure. Source: Step Functions' StartExecution errors, EventBridge's retry policy and dead-letter codes,
// botocore's standard retries.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/execute/start.hpp"

namespace millrace {

enum class Verdict : std::uint8_t {
  started,
  duplicate,    // it ran already, under the name that is its own
  retry,        // may pass
  slow_down,    // may pass, and everyone should start less
  credentials,  // read them again, then try once more
  give_up,
};

struct Answer {
  int http_status = 0;  // 0: none came
  bool timed_out = false;
  bool no_such_host = false;
  std::string type;     // the error's name, without what stands before '#' and behind ':'
  std::string message;  // for people
};

struct Judgement {
  Verdict verdict;
  const char* code;  // EventBridge's, null if all is well
};

Judgement judge(const Answer& answer);

// Reads an answer's body; a body that is no error of AWS leaves `type` empty.
void read_error(std::string_view body, Answer& answer);

// The wait before try `attempt` (from 1): anything up to base * 2^(attempt - 1), at most kBackoffMax; `chance` is in
// [0, 1).
constexpr std::chrono::milliseconds kBackoffMax{20'000};
std::chrono::milliseconds backoff(std::chrono::milliseconds base, std::uint32_t attempt, double chance);

// Null if another try is within the policy, else which bound it would break.
const char* exhausted(const RetryPolicy& policy, std::uint32_t attempts, std::chrono::milliseconds age);

}  // namespace millrace

// A start: one execution of one state machine, as a matching rule's target asks for it.
//
// Threads: plain data; moves with its batch from a worker to the executor.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rules/rule_set.hpp"

namespace millrace {

// What became of a start that did not run. Codes are those of EventBridge's dead letters; null: nothing is wrong.
struct StartError {
  const char* code = nullptr;
  std::string message;
};

struct Start {
  const Rule* rule = nullptr;
  const Target* target = nullptr;
  std::string name;  // of the execution
  std::string event_id, event_time;
  std::string input;         // JSON
  StartError refused;        // why it cannot even be tried
  std::uint64_t record = 0;  // number, in the input, of the record that it comes from
};

// LIMIT: bytes of an input, Step Functions' own.
constexpr std::size_t kInputBytesMax = 262'144;
constexpr const char* kInputTooLarge = "the input has more than 262144 bytes, the most that Step Functions takes";

// "arn:aws:states:REGION:ACCOUNT:stateMachine:NAME[:…]" in its parts; empty ones where it is none.
struct StateMachineArn {
  std::string_view partition, region, account, name;
};
StateMachineArn parse_state_machine_arn(std::string_view arn);

// Is it all that StartExecution takes: parts of the right form, and at most a version or an alias behind the name?
bool is_state_machine_arn(std::string_view arn);

// 1 to 80 characters that an execution's name may have.
bool is_execution_name(std::string_view name);

// The ARN of a rule, as its file has it, or by its name in the region and account of its target.
std::string rule_arn_of(const Rule& rule, const Target& target);

// How far a replay has come in one input.
struct InputProgress {
  std::string path;
  std::uint64_t bytes = 0;         // as stored
  std::int64_t modified_ns = 0;    // its file's time
  std::uint64_t records_done = 0;  // bad ones included
  bool finished = false;
  std::uint64_t head = 0;  // of a large file (head_of), else 0
};

// What happened to the records of a batch. Sums of these make the summary.
struct Tally {
  std::uint64_t files = 0, records = 0, routed = 0, matched_events = 0, matches = 0, starts = 0, bytes = 0,
                stored_bytes = 0, digests = 0, notices = 0;
  std::map<std::string, std::uint64_t> not_delivered, bad;  // by reason

  void add(const Tally& other);
};

// A record that could not be used, for people and for the reject file.
struct Reject {
  std::string kind, reason;
  std::string input, text;
  std::uint64_t offset = 0, number = 0;  // 0: the whole input

  std::string sentence() const;
};

// Numbers the records of an input whose batches several workers make at once, each counting from 1.
struct Numbering {
  std::uint64_t records = 0;  // of the input, in the batches so far
  bool astray = false;        // the batches that come now begin where no record may begin
};

struct StartBatch {
  std::uint64_t sequence = 0;            // of the work that it came from; batches of one sequence come in order
  bool last = true;                      // of its sequence
  bool cut_short = false;                // by a stop: what comes behind it must not be started
  std::shared_ptr<const RuleSet> rules;  // keeps rule and target alive
  std::vector<Start> starts;
  std::vector<Reject> rejects;
  Tally tally;
  std::vector<InputProgress> progress;  // once this batch is done
  std::size_t bytes = 0;                // of memory that starts and rejects take, about; the executor's

  std::shared_ptr<Numbering> numbering;  // null: all numbers are the input's own
  std::uint64_t numbered = 0;            // records of this batch, bad ones included
  bool guessed = false;                  // that a record may begin where this batch does
  bool irregular = false;                // and where it ends, none may

  std::size_t items() const { return starts.size() + rejects.size(); }

  // To be called for each batch in order: gives it its numbers, or empties it if it was read from a wrong place.
  void number();
};

// What a line of JSON says of a start besides its input: "stateMachineArn":…,"name":…,"rule":…,"target":…,"eventId":…,
// "eventTime":….
void append_start_members(const Start& start, std::string& line);

StartBatch empty_batch(std::uint64_t sequence, bool last);

// The execution's name: a function of rule, target and event, so that a replay never starts twice. 80 characters at
// most, of 0-9 A-Z a-z - _ only.
std::string execution_name(const std::string& rule, const std::string& target, const std::string& event_id);

}  // namespace millrace

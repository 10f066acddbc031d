// The local store: every execution that a replay started, in one SQLite file that people may query.
//
//     executions(key, name, state_machine_arn, execution_arn, rule, rule_arn, target, event_id, event_time, input,
//     status,
//                start_time)        times are ISO 8601 in UTC
//
// A state machine's execution is there once. `key` finds it by name: a hash of the name, or the next free number behind
// it where another has that. PERF: an index of names would be ten times its size and, names being random, be rewritten
// whole with every transaction.
//
//     checkpoint_inputs, checkpoint_state    the position that the starts belong to, see checkpoint.hpp
//
// A machine that has no definition here is not run: its executions have status STARTED, and that is all they claim.
// Starts and their position are committed together, with fsync, so a crash leaves neither a lost nor a doubled one.
//
// Threads: one thread an object; readers of other processes may read between transactions.
// Cost:    README of this folder. Errors: a file that is no SQLite, a store of a newer version, a full disk.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "engine/execute/database.hpp"
#include "engine/execute/start.hpp"

namespace millrace {

constexpr std::int64_t kStoreVersion = 1;

struct Execution {
  std::string name, state_machine_arn, execution_arn, rule, rule_arn, target, event_id, event_time, input, status,
      start_time;
};

// Which executions are meant; empty: all.
struct ExecutionFilter {
  std::string name;                   // the others do not matter then
  std::string machine, rule, status;  // machine: an ARN or its last part
  std::string since, until;           // of start_time, since <= time < until
  std::uint64_t limit = 0;            // 0: no limit
};

// Opens or creates a store for writing.
Result<Database> open_store(const std::string& path);

// Visits executions, the latest start first, in a store that exists.
std::optional<Failure> visit_executions(const std::string& path, const ExecutionFilter& filter,
                                        const std::function<bool(const Execution&)>& visit);

// Where the search for a name begins, and how far it goes. LIMIT: names that may hash alike.
std::int64_t key_of(std::string_view name);
constexpr std::int64_t kKeyTriesMax = 1000;

std::string execution_arn_of(std::string_view state_machine_arn, std::string_view name);

// "2026-11-23T09:00:00.123Z"
std::string time_now();

}  // namespace millrace

// How far a replay has come, kept in an SQLite file: its own (FILE.checkpoint) or the local store's.
//
// Tables: checkpoint_inputs(path, bytes, modified_ns, records, finished), one row an input that was begun;
//         checkpoint_heads(path, head), how the large ones begin; checkpoint_state(key, value): `rules`, the
//         fingerprint of the rule file, `sink`, by name, and `sink_bytes`, the durable length of the sink's file.
//
// Invariant: what is saved never says more than the sink holds durably: save() comes after it, or in its transaction.
//
// Threads: one thread an object. Cost: a transaction a save. Errors: sentences; see Database.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>

#include "engine/execute/database.hpp"
#include "engine/execute/start.hpp"

namespace millrace {

// What a replay with --resume finds.
struct ResumePoint {
  std::map<std::string, InputProgress> inputs;
  std::string rules, sink;       // empty: nothing was saved yet
  std::uint64_t sink_bytes = 0;  // that count; what lies behind them is to be written again
};

class Checkpoint {
 public:
  // Of its own file; creates it.
  static Result<Checkpoint> open(const std::string& path);
  // Within a database that somebody else keeps.
  static Result<Checkpoint> inside(Database& database);

  // Fails if the sink is not that of the earlier run, empty where the checkpoint lies in or beside it, or if the rules
  // are not, unless `accept_changes`.
  Result<ResumePoint> resume(const std::string& sink, const std::string& rules_fingerprint, bool accept_changes);

  // In a transaction of its own.
  std::optional<Failure> save(std::span<const InputProgress> progress, std::uint64_t sink_bytes);
  // In the transaction that is open.
  std::optional<Failure> put(std::span<const InputProgress> progress, std::uint64_t sink_bytes);

 private:
  explicit Checkpoint(Database* database) : database_(database) {}
  std::optional<Failure> prepare();
  Result<ResumePoint> load();
  std::optional<Failure> put_state(const char* key, std::string_view value);

  std::unique_ptr<Database> own_;
  Database* database_;
  Statement put_input_, put_head_, put_state_;
};

}  // namespace millrace

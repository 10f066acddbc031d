#include "engine/execute/checkpoint.hpp"

#include <charconv>

namespace millrace {
namespace {

constexpr std::int64_t kVersion = 1;

constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS checkpoint_inputs(path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, "
    "modified_ns INTEGER NOT NULL, records INTEGER NOT NULL, finished INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS checkpoint_heads(path TEXT PRIMARY KEY, head INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS checkpoint_state(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;";

}  // namespace

Result<Checkpoint> Checkpoint::open(const std::string& path) {
  auto database = Database::open(path);
  if (!database) return database.failure();
  const auto version = database->version();
  if (!version) return version.failure();
  if (*version > kVersion) return Failure{path + ": was written by a newer millrace; use that one, or another file"};
  if (auto failure = database->run("PRAGMA synchronous=FULL; PRAGMA user_version=1")) return *failure;
  auto own = std::make_unique<Database>(std::move(*database));
  auto out = inside(*own);
  if (out) out->own_ = std::move(own);
  return out;
}

Result<Checkpoint> Checkpoint::inside(Database& database) {
  Checkpoint out(&database);
  if (auto failure = database.run(kSchema)) return *failure;
  if (auto failure = out.prepare()) return *failure;
  return out;
}

std::optional<Failure> Checkpoint::prepare() {
  auto put_input = database_->prepare("INSERT OR REPLACE INTO checkpoint_inputs VALUES(?,?,?,?,?)");
  if (!put_input) return put_input.failure();
  auto put_head = database_->prepare("INSERT OR REPLACE INTO checkpoint_heads VALUES(?,?)");
  if (!put_head) return put_head.failure();
  auto put_state = database_->prepare("INSERT OR REPLACE INTO checkpoint_state VALUES(?,?)");
  if (!put_state) return put_state.failure();
  put_input_ = std::move(*put_input);
  put_head_ = std::move(*put_head);
  put_state_ = std::move(*put_state);
  return {};
}

Result<ResumePoint> Checkpoint::load() {
  ResumePoint out;
  auto inputs = database_->prepare(
      "SELECT path, bytes, modified_ns, records, finished, ifnull(head, 0) "
      "FROM checkpoint_inputs LEFT JOIN checkpoint_heads USING(path)");
  if (!inputs) return inputs.failure();
  while (inputs->step()) {
    const std::string path(inputs->text(0));
    out.inputs[path] = {path,
                        static_cast<std::uint64_t>(inputs->number(1)),
                        inputs->number(2),
                        static_cast<std::uint64_t>(inputs->number(3)),
                        inputs->number(4) != 0,
                        static_cast<std::uint64_t>(inputs->number(5))};
  }
  if (inputs->result() != SQLITE_DONE) return database_->failure();
  auto state = database_->prepare("SELECT key, value FROM checkpoint_state");
  if (!state) return state.failure();
  while (state->step()) {
    if (state->text(0) == "rules") out.rules = state->text(1);
    if (state->text(0) == "sink") out.sink = state->text(1);
    if (state->text(0) != "sink_bytes") continue;
    const std::string_view text = state->text(1);
    std::from_chars(text.data(), text.data() + text.size(), out.sink_bytes);
  }
  if (state->result() != SQLITE_DONE) return database_->failure();
  return out;
}

std::optional<Failure> Checkpoint::put_state(const char* key, std::string_view value) {
  put_state_.bind(1, std::string_view(key)).bind(2, value);
  put_state_.step();
  put_state_.reset();
  if (put_state_.result() != SQLITE_DONE) return database_->failure();
  return {};
}

Result<ResumePoint> Checkpoint::resume(const std::string& sink, const std::string& rules_fingerprint,
                                       bool accept_changes) {
  auto point = load();
  if (!point) return point;
  if (!point->sink.empty() && point->sink != sink)
    return Failure{"--resume: this checkpoint is that of --to " + point->sink + ", not of --to " + sink +
                   "; name that sink, or another file with --checkpoint"};
  if (auto failure = put_state("sink", sink)) return *failure;
  if (!point->rules.empty() && point->rules != rules_fingerprint && !accept_changes) {
    return Failure{
        "--resume: the rules have changed since the replay began; give the same rule file, or --accept-changes to go "
        "on with these"};
  }
  if (auto failure = put_state("rules", rules_fingerprint)) return *failure;
  return point;
}

std::optional<Failure> Checkpoint::put(std::span<const InputProgress> progress, std::uint64_t sink_bytes) {
  for (const InputProgress& input : progress) {
    put_input_.bind(1, input.path)
        .bind(2, static_cast<std::int64_t>(input.bytes))
        .bind(3, input.modified_ns)
        .bind(4, static_cast<std::int64_t>(input.records_done))
        .bind(5, std::int64_t{input.finished});
    put_input_.step();
    put_input_.reset();
    if (put_input_.result() != SQLITE_DONE) return database_->failure();
    if (input.head == 0) continue;
    put_head_.bind(1, input.path).bind(2, static_cast<std::int64_t>(input.head));
    put_head_.step();
    put_head_.reset();
    if (put_head_.result() != SQLITE_DONE) return database_->failure();
  }
  return put_state("sink_bytes", std::to_string(sink_bytes));
}

std::optional<Failure> Checkpoint::save(std::span<const InputProgress> progress, std::uint64_t sink_bytes) {
  if (auto failure = database_->run("BEGIN IMMEDIATE")) return failure;
  if (auto failure = put(progress, sink_bytes)) {
    (void)database_->run("ROLLBACK");
    return failure;
  }
  return database_->run("COMMIT");
}

}  // namespace millrace

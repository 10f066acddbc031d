#include "engine/execute/local_store.hpp"

#include <fmt/chrono.h>
#define XXH_INLINE_ALL
#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <vector>

namespace millrace {
namespace {

// PERF: wide pages hold rows of 1.3 KB well; the rollback journal keeps no copy of pages that are new.
constexpr const char* kSettings =
    "PRAGMA page_size=32768; PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;";

constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS executions("
    "key INTEGER NOT NULL, name TEXT NOT NULL, state_machine_arn TEXT NOT NULL, execution_arn TEXT NOT NULL, rule TEXT "
    "NOT NULL, "
    "rule_arn TEXT NOT NULL, target TEXT NOT NULL, event_id TEXT NOT NULL, event_time TEXT NOT NULL, "
    "input TEXT NOT NULL, status TEXT NOT NULL, start_time TEXT NOT NULL);"
    "CREATE UNIQUE INDEX IF NOT EXISTS executions_by_key ON executions(key);"
    "PRAGMA user_version=1";

#define MILLRACE_EXECUTION_COLUMNS \
  "name, state_machine_arn, execution_arn, rule, rule_arn, target, event_id, event_time, input, status, start_time"

constexpr const char* kSelect =
    "SELECT " MILLRACE_EXECUTION_COLUMNS
    ", rowid FROM executions WHERE (?1='' OR state_machine_arn=?1 OR "
    "substr(state_machine_arn||':', instr(state_machine_arn, ':stateMachine:')+14, length(?1)+1)=?1||':') "
    "AND (?2='' OR rule=?2) AND (?3='' OR status=?3) AND (?4='' OR start_time>=?4) AND (?5='' OR start_time<?5) "
    "AND rowid<?6 ORDER BY rowid DESC LIMIT ?7";

constexpr const char* kSelectByName =
    "SELECT " MILLRACE_EXECUTION_COLUMNS ", rowid FROM executions WHERE key BETWEEN ?1 AND ?2 AND name=?3";

// LIMIT: executions read at once, so that whoever looks at them slowly keeps nobody from writing.
constexpr std::int64_t kPageRows = 1000;

Execution execution_of(const Statement& row) {
  Execution out;
  const std::array<std::string*, 11> columns = {
      &out.name,     &out.state_machine_arn, &out.execution_arn, &out.rule,   &out.rule_arn,  &out.target,
      &out.event_id, &out.event_time,        &out.input,         &out.status, &out.start_time};
  for (std::size_t i = 0; i < columns.size(); ++i) *columns[i] = row.text(static_cast<int>(i));
  return out;
}

// A file that has tables, but not ours, is somebody else's.
std::optional<Failure> check_owner(Database& database, const std::string& path) {
  auto tables = database.prepare("SELECT count(*), sum(name='executions') FROM sqlite_master WHERE type='table'");
  if (!tables) return tables.failure();
  if (!tables->step()) return database.failure();
  if (tables->number(0) == 0 || tables->number(1) == 1) return {};
  return Failure{path + ": is an SQLite file of something else; name another file"};
}

std::optional<Failure> check_version(Database& database, const std::string& path) {
  const auto version = database.version();
  if (!version) return version.failure();
  if (*version <= kStoreVersion) return {};
  return Failure{path + ": was written by a newer millrace (store version " + std::to_string(*version) +
                 ", this one reads up to " + std::to_string(kStoreVersion) + "); use that one, or another file"};
}

}  // namespace

Result<Database> open_store(const std::string& path) {
  auto database = Database::open(path);
  if (!database) return database;
  if (auto failure = check_version(*database, path)) return *failure;
  if (auto failure = check_owner(*database, path)) return *failure;
  if (auto failure = database->run(kSettings)) return *failure;
  if (auto failure = database->run(kSchema)) return *failure;
  return database;
}

std::optional<Failure> visit_executions(const std::string& path, const ExecutionFilter& filter,
                                        const std::function<bool(const Execution&)>& visit) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return Failure{path + ": there is no such store; name one with --store FILE"};
  auto database = Database::open(path, true);
  if (!database) return database.failure();
  if (auto failure = check_version(*database, path)) return failure;
  if (auto failure = check_owner(*database, path)) return failure;
  const auto version = database->version();
  if (!version) return version.failure();
  if (*version == 0) return {};  // nothing was ever written
  const bool by_name = !filter.name.empty();
  auto rows = database->prepare(by_name ? kSelectByName : kSelect);
  if (!rows) return rows.failure();
  std::int64_t below = std::numeric_limits<std::int64_t>::max();
  std::uint64_t left = filter.limit == 0 ? std::numeric_limits<std::uint64_t>::max() : filter.limit;
  std::vector<Execution> page;
  do {
    page.clear();
    rows->reset();
    if (by_name) {
      const std::int64_t key = key_of(filter.name);
      rows->bind(1, key).bind(2, key + kKeyTriesMax).bind(3, filter.name);
    } else {
      rows->bind(1, filter.machine).bind(2, filter.rule).bind(3, filter.status).bind(4, filter.since);
      rows->bind(5, filter.until).bind(6, below);
      rows->bind(7, static_cast<std::int64_t>(std::min<std::uint64_t>(left, kPageRows)));
    }
    while (rows->step()) {
      page.push_back(execution_of(*rows));
      below = rows->number(11);
    }
    if (rows->result() != SQLITE_DONE) return database->failure();
    rows->reset();
    for (const Execution& execution : page) {
      if (!visit(execution)) return {};
    }
    left -= page.size();
  } while (!by_name && left > 0 && !page.empty());
  return {};
}

std::int64_t key_of(std::string_view name) {
  return static_cast<std::int64_t>(XXH3_64bits(name.data(), name.size()) >> 2);
}

std::string execution_arn_of(std::string_view state_machine_arn, std::string_view name) {
  const StateMachineArn machine = parse_state_machine_arn(state_machine_arn);
  return fmt::format("arn:{}:states:{}:{}:execution:{}:{}", machine.partition, machine.region, machine.account,
                     machine.name, name);
}

std::string time_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(milliseconds / 1000)),
                     milliseconds % 1000);
}

}  // namespace millrace

#include "engine/execute/database.hpp"

#include <fstream>

namespace millrace {
namespace {

constexpr int kBusyMillisecondsMax = 10'000;  // LIMIT: waited for another process that writes the same file

bool is_something_else(const std::string& path) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  std::ifstream file(path, std::ios::binary);
  char begin[kMagic.size()];
  file.read(begin, sizeof(begin));
  const auto read = static_cast<std::size_t>(file.gcount());
  return read > 0 && std::string_view(begin, read) != kMagic;
}

}  // namespace

Statement& Statement::bind(int at, std::string_view text) {
  // A null pointer would bind NULL.
  sqlite3_bind_text(statement_.get(), at, text.empty() ? "" : text.data(), static_cast<int>(text.size()),
                    SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind(int at, std::int64_t number) {
  sqlite3_bind_int64(statement_.get(), at, number);
  return *this;
}

bool Statement::step() {
  result_ = sqlite3_step(statement_.get());
  return result_ == SQLITE_ROW;
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

std::string_view Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

// SQLite takes a short file of any content for an empty database.
Result<Database> Database::open(const std::string& path, bool must_exist) {
  if (is_something_else(path)) return Failure{path + ": is no SQLite file"};
  sqlite3* connection = nullptr;
  // Writing is asked for even to read: what a killed run left half done has to be undone first. SQLite opens a file
  // that may not be written for reading then.
  const int flags = must_exist ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int result = sqlite3_open_v2(path.c_str(), &connection, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Database out(connection, path);
  if (result != SQLITE_OK) return out.failure();
  sqlite3_busy_timeout(connection, kBusyMillisecondsMax);
  // SQLite opens anything; only a read tells whether it is one of its files.
  if (auto failure = out.run("PRAGMA schema_version")) return *failure;
  return out;
}

Failure Database::failure() const {
  const int code = sqlite3_errcode(connection_.get());
  std::string why = path_ + ": " + sqlite3_errmsg(connection_.get());
  if (code == SQLITE_CORRUPT) why = path_ + ": is damaged; restore it, or remove it to begin anew";
  if (code == SQLITE_NOTADB) why = path_ + ": is no SQLite file";
  if (code == SQLITE_CANTOPEN) why = path_ + ": cannot be opened; does its directory exist, and may it be written?";
  return Failure{std::move(why)};
}

std::optional<Failure> Database::run(const char* sql) {
  if (sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return failure();
}

Result<Statement> Database::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(connection_.get(), sql, -1, &statement, nullptr) != SQLITE_OK) return failure();
  return Statement(statement);
}

Result<std::int64_t> Database::version() {
  auto statement = prepare("PRAGMA user_version");
  if (!statement) return statement.failure();
  if (!statement->step()) return failure();
  return statement->number(0);
}

}  // namespace millrace

// SQLite, as far as the local store and the checkpoint use it: errors become Failures that name the file.
//
// Threads: one thread an object. Cost: SQLite's own. Errors: a sentence with SQLite's reason.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/error.hpp"

namespace millrace {

class Database;

// A prepared statement; bind from 1, read columns from 0.
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  // The text must outlive the next step().
  Statement& bind(int at, std::string_view text);
  Statement& bind(int at, std::int64_t number);

  // True while there are rows; false at the end or on an error, which result() tells.
  bool step();
  int result() const { return result_; }
  void reset();

  std::string_view text(int column) const;
  std::int64_t number(int column) const { return sqlite3_column_int64(statement_.get(), column); }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int result_ = SQLITE_OK;
};

class Database {
 public:
  // Opens or creates; with `must_exist`, only opens.
  static Result<Database> open(const std::string& path, bool must_exist = false);

  std::optional<Failure> run(const char* sql);
  Result<Statement> prepare(const char* sql);
  Failure failure() const;  // of the last call
  std::int64_t changes() const { return sqlite3_changes(connection_.get()); }

  // The version of the schema that the file was written with; 0 for a new one.
  Result<std::int64_t> version();

 private:
  Database(sqlite3* connection, std::string path) : connection_(connection), path_(std::move(path)) {}
  struct Close {
    void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
  };
  std::unique_ptr<sqlite3, Close> connection_;
  std::string path_;
};

}  // namespace millrace

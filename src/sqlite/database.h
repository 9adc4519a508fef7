// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

// SQLite, thinly: connections, prepared statements and transactions that return Results. Every call blocks on
// the disk, so fibers reach it through Ctx::blocking; a Database may move between threads but is used by one
// at a time.
//
// Errors: kUnavailable when the database is locked or the disk is full (the message says which; trying again
// later may help), kInternal for I/O errors and damage, kAlreadyExists for a violated UNIQUE or PRIMARY KEY,
// kInvalid for other constraints and for SQL that is wrong.
//
//   auto db = TRY(sqlite::Database::open(path, {}));
//   auto insert = TRY(db.prepare("INSERT INTO t(id, name) VALUES (?1, ?2)"));
//   TRY(insert.bind(1, 7).bind(2, "seven").run());

struct sqlite3;
struct sqlite3_stmt;

namespace klutch::sqlite {

/// A prepared statement. Must not outlive its Database. What is bound is copied.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  /// Parameters count from 1; one that does not exist is a programmer error (CHECK).
  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, std::string_view text);
  Statement& bind_blob(int parameter, std::string_view bytes);
  Statement& bind_null(int parameter);

  /// Runs to the end, ignoring rows, and makes the statement ready for the next run.
  Result<> run();
  /// The next row: true if there is one. After the last, or an error, the statement is ready for the next
  /// run.
  Result<bool> step();
  /// Gives up the rows that are left.
  void reset() noexcept;

  /// Columns of the current row count from 0. Text and blobs are valid until the next step.
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::string_view blob(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  friend class Database;
  explicit Statement(sqlite3_stmt* statement) noexcept : statement_(statement) {}
  sqlite3_stmt* statement_ = nullptr;
};

class Database {
 public:
  enum class Synchronous { kFull, kNormal, kOff };
  struct Options {
    bool read_only = false;
    /// Makes the file, mode 0600, if there is none.
    bool create = true;
    /// kFull: a commit is on the disk when it returns. kNormal: a power loss may undo the last commits.
    Synchronous synchronous = Synchronous::kFull;
    /// How long to wait for another process's lock, in milliseconds.
    int busy_timeout_ms = 5000;
    /// A file made now can be shrunk in small steps with reclaim().
    bool shrinkable = false;
    /// Pages in the write-ahead log (4 KiB each) from which on a commit moves them into the file; 0: 1000.
    int checkpoint_pages = 0;
    /// A registered VFS to use; empty: the operating system's. For fault injection.
    std::string vfs = {};
  };

  /// Opens in WAL mode. kNotFound if there is no file and none is to be made.
  static Result<Database> open(const std::string& path, const Options& options);
  /// A database in memory, gone with this object.
  static Result<Database> open_in_memory();

  Database(Database&& other) noexcept;
  Database& operator=(Database&& other) noexcept;
  ~Database();

  /// Runs one or more statements without parameters.
  Result<> execute(std::string_view sql);
  Result<Statement> prepare(std::string_view sql);
  /// Runs `body` in a transaction (BEGIN IMMEDIATE) and commits, or rolls back when it or the commit fails.
  Result<> transaction(const std::function<Result<>()>& body);
  /// Rows changed by the last INSERT, UPDATE or DELETE.
  [[nodiscard]] std::int64_t changes() const noexcept;

  /// PRAGMA user_version: the version of the schema, 0 in a new file.
  Result<int> user_version();
  Result<> set_user_version(int version);
  /// PRAGMA integrity_check; kInternal with its first finding.
  Result<> check_integrity();
  /// Copies a consistent snapshot to a new file, mode 0600, while others go on reading and writing. The copy
  /// is one file without a write-ahead log. kAlreadyExists if the file is there.
  Result<> backup_to(const std::string& path);
  /// Moves the write-ahead log into the database file and empties it. kUnavailable while somebody reads or
  /// writes for longer than the busy timeout.
  Result<> checkpoint();
  /// Gives up to `pages` unused pages back to the file system, in one transaction; how many unused ones are
  /// left. Has no effect on a file that was not made shrinkable.
  Result<std::int64_t> reclaim(int pages);
  /// Makes the file stand alone: moves the write-ahead log into it and ends using one. kUnavailable while
  /// others use the database.
  Result<> leave_wal();

 private:
  explicit Database(sqlite3* handle) noexcept : handle_(handle) {}
  static Result<Database> open_handle(const std::string& name, int flags, const Options& options);
  Result<> query_one(std::string_view sql, const std::function<Result<>(Statement&)>& use);

  sqlite3* handle_ = nullptr;
};

/// The version of the library in use: "3.40.1".
std::string_view library_version() noexcept;

}  // namespace klutch::sqlite

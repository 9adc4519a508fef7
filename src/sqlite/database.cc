// SPDX-License-Identifier: Apache-2.0
#include "sqlite/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/check.h"

namespace klutch::sqlite {
namespace {

Code code_of(int status) {
  switch (status & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL: return Code::kUnavailable;
    case SQLITE_CONSTRAINT:
      return status == SQLITE_CONSTRAINT_UNIQUE || status == SQLITE_CONSTRAINT_PRIMARYKEY
                 ? Code::kAlreadyExists
                 : Code::kInvalid;
    case SQLITE_CANTOPEN: return Code::kNotFound;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return Code::kForbidden;
    case SQLITE_TOOBIG: return Code::kTooLarge;
    case SQLITE_ERROR:
    case SQLITE_MISMATCH: return Code::kInvalid;
    default: return Code::kInternal;
  }
}

bool is_disk_full(sqlite3* handle, int status) {
  if ((status & 0xff) == SQLITE_FULL) return true;
  if ((status & 0xff) != SQLITE_IOERR || handle == nullptr) return false;
  // What SQLite knows only as a failed fsync or a shared-memory file that does not grow.
  const int number = sqlite3_system_errno(handle);
  return number == ENOSPC || number == EDQUOT;
}

Error error_of(sqlite3* handle, int status) {
  if (is_disk_full(handle, status)) return {Code::kUnavailable, "the disk is full"};
  const char* text = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(status);
  return {code_of(status), fmt::format("SQLite: {} ({})", text, sqlite3_errstr(status))};
}

/// Makes the file with mode 0600 first: SQLite would use 0644, and its -wal and -shm files copy the mode.
Result<> make_private_file(const std::string& path, int more_flags = 0) {
  const int file = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC | more_flags, 0600);
  if (file < 0) {
    const std::error_code error(errno, std::generic_category());
    const Code code = errno == ENOSPC || errno == EDQUOT ? Code::kUnavailable
                      : errno == ENOENT                  ? Code::kNotFound
                      : errno == EEXIST                  ? Code::kAlreadyExists
                                                         : Code::kForbidden;
    return fail(code, fmt::format("cannot make {}: {}", path, error.message()));
  }
  ::close(file);
  return {};
}

std::string_view synchronous_name(Database::Synchronous synchronous) {
  switch (synchronous) {
    case Database::Synchronous::kFull: return "FULL";
    case Database::Synchronous::kNormal: return "NORMAL";
    case Database::Synchronous::kOff: break;
  }
  return "OFF";
}

}  // namespace

Statement::Statement(Statement&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(statement_, other.statement_);
  return *this;
}

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  CHECK(sqlite3_bind_int64(statement_, parameter, value) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
  CHECK(sqlite3_bind_text64(statement_, parameter, text.empty() ? "" : text.data(), text.size(),
                            SQLITE_TRANSIENT, SQLITE_UTF8) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind_blob(int parameter, std::string_view bytes) {
  CHECK(sqlite3_bind_blob64(statement_, parameter, bytes.empty() ? "" : bytes.data(), bytes.size(),
                            SQLITE_TRANSIENT) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  CHECK(sqlite3_bind_null(statement_, parameter) == SQLITE_OK);
  return *this;
}

Result<> Statement::run() {
  while (TRY(step())) {
  }
  return {};
}

Result<bool> Statement::step() {
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) return true;
  sqlite3* const handle = sqlite3_db_handle(statement_);
  if (status == SQLITE_DONE) {
    sqlite3_reset(statement_);
    return false;
  }
  auto error = error_of(handle, sqlite3_extended_errcode(handle));
  sqlite3_reset(statement_);
  return fail(std::move(error));
}

void Statement::reset() noexcept {
  sqlite3_reset(statement_);
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return {bytes != nullptr ? bytes : "", static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::string_view Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return {bytes != nullptr ? bytes : "", static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Result<Database> Database::open_handle(const std::string& name, int flags, const Options& options) {
  sqlite3* handle = nullptr;
  const int status =
      sqlite3_open_v2(name.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                      options.vfs.empty() ? nullptr : options.vfs.c_str());
  Database database(handle);
  if (status != SQLITE_OK) return fail(error_of(handle, status).with_context("cannot open " + name));
  sqlite3_busy_timeout(handle, options.busy_timeout_ms);
  return database;
}

Result<Database> Database::open(const std::string& path, const Options& options) {
  if (options.create && !options.read_only) TRY(make_private_file(path));
  const int flags = options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  auto database = TRY(open_handle(path, flags, options));
  const auto ready = [&]() -> Result<> {
    // Only works on a file that is still empty, and WAL mode makes it none.
    if (options.shrinkable) TRY(database.execute("PRAGMA auto_vacuum = INCREMENTAL"));
    if (!options.read_only) TRY(database.execute("PRAGMA journal_mode = WAL"));
    if (options.checkpoint_pages > 0) {
      TRY(database.execute(fmt::format("PRAGMA wal_autocheckpoint = {}", options.checkpoint_pages)));
    }
    return database.execute(fmt::format("PRAGMA synchronous = {}", synchronous_name(options.synchronous)));
  }();
  if (!ready) return fail(ready.error().with_context("cannot open " + path));
  return database;
}

Result<Database> Database::open_in_memory() {
  return open_handle(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, {});
}

Database::Database(Database&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}

Database& Database::operator=(Database&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

Database::~Database() {
  // close_v2: statements that are still alive keep the connection until they are gone.
  sqlite3_close_v2(handle_);
}

Result<> Database::execute(std::string_view sql) {
  const std::string text(sql);
  if (sqlite3_exec(handle_, text.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return fail(error_of(handle_, sqlite3_extended_errcode(handle_)));
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int status = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (status != SQLITE_OK) return fail(error_of(handle_, status).with_context("cannot prepare a statement"));
  CHECK(statement != nullptr);
  return Statement(statement);
}

Result<> Database::transaction(const std::function<Result<>()>& body) {
  TRY(execute("BEGIN IMMEDIATE"));
  auto result = body();
  if (result) result = execute("COMMIT");
  if (!result && sqlite3_get_autocommit(handle_) == 0) {
    // Its own failure would only say that SQLite has rolled back by itself already.
    static_cast<void>(execute("ROLLBACK"));
  }
  return result;
}

std::int64_t Database::changes() const noexcept {
  return sqlite3_changes64(handle_);
}

Result<> Database::query_one(std::string_view sql, const std::function<Result<>(Statement&)>& use) {
  auto statement = TRY(prepare(sql));
  if (!TRY(statement.step())) return fail(Code::kInternal, "SQLite gave no row");
  return use(statement);
}

Result<int> Database::user_version() {
  int version = 0;
  TRY(query_one("PRAGMA user_version", [&](Statement& row) -> Result<> {
    version = static_cast<int>(row.integer(0));
    return {};
  }));
  return version;
}

Result<> Database::set_user_version(int version) {
  return execute(fmt::format("PRAGMA user_version = {}", version));
}

Result<> Database::check_integrity() {
  return query_one("PRAGMA integrity_check(1)", [](Statement& row) -> Result<> {
    if (row.text(0) == "ok") return {};
    return fail(Code::kInternal, fmt::format("the database is damaged: {}", row.text(0)));
  });
}

Result<> Database::backup_to(const std::string& path) {
  TRY(make_private_file(path, O_EXCL));
  auto copied = [&]() -> Result<> {
    auto target = TRY(open_handle(path, SQLITE_OPEN_READWRITE, {}));
    sqlite3_backup* const backup = sqlite3_backup_init(target.handle_, "main", handle_, "main");
    if (backup == nullptr) return fail(error_of(target.handle_, sqlite3_extended_errcode(target.handle_)));
    // All pages in one step: a snapshot, whatever others write meanwhile.
    const int status = sqlite3_backup_step(backup, -1);
    sqlite3_backup_finish(backup);
    if (status != SQLITE_DONE) return fail(error_of(target.handle_, status));
    return target.leave_wal();
  }();
  if (copied) return {};
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  return fail(copied.error().with_context("cannot copy the database to " + path));
}

Result<> Database::checkpoint() {
  return query_one("PRAGMA wal_checkpoint(TRUNCATE)", [](Statement& row) -> Result<> {
    if (row.integer(0) == 0) return {};
    return fail(Code::kUnavailable, "the write-ahead log is in use");
  });
}

Result<std::int64_t> Database::reclaim(int pages) {
  TRY(execute(fmt::format("PRAGMA incremental_vacuum({})", pages)));
  std::int64_t left = 0;
  TRY(query_one("PRAGMA freelist_count", [&](Statement& row) -> Result<> {
    left = row.integer(0);
    return {};
  }));
  return left;
}

Result<> Database::leave_wal() {
  return query_one("PRAGMA journal_mode = DELETE", [](Statement& row) -> Result<> {
    if (row.text(0) == "delete") return {};
    return fail(Code::kUnavailable, "others use the database");
  });
}

std::string_view library_version() noexcept {
  return sqlite3_libversion();
}

}  // namespace klutch::sqlite

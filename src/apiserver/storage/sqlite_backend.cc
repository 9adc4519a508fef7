// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "apiserver/storage/backend.h"
#include "apiserver/storage/key_file.h"
#include "apiserver/storage/schema.h"
#include "apiserver/storage/store_lock.h"
#include "base/os/file.h"
#include "obs/log.h"
#include "sqlite/database.h"

namespace klutch::apiserver {
namespace {

/// More than could be lost with the power between two checkpoints.
constexpr Revision kRevisionsPerPowerLoss = 100'000'000;

const obs::Logger& backend_log() {
  static const obs::Logger log("apiserver.storage");
  return log;
}

class SqliteBackend final : public Backend {
 public:
  SqliteBackend(SqliteBackendOptions options, os::FileLock lock, sqlite::Database database)
      : options_(std::move(options)), lock_(std::move(lock)), database_(std::move(database)) {}

  Result<> prepare() {
    const auto schema = TRY(bring_up_to_date(database_, options_.path));
    if (TRY(is_backup(database_))) {
      return fail(Code::kInvalid, options_.path + " is a backup: it has to be restored before it is served");
    }
    if (schema.before != 0 && schema.before != schema.now) {
      backend_log().info("brought the store to a newer schema",
                         {{"file", options_.path}, {"found", schema.before}, {"version", schema.now}});
    }
    TRY(find_keys());
    put_.emplace(TRY(database_.prepare(
        "INSERT INTO objects(type, ns, name, created, revision, sealed, value) VALUES (?1, ?2, ?3, ?4, ?5, "
        "?6, ?7) "
        "ON CONFLICT (type, ns, name) DO UPDATE SET created = ?4, revision = ?5, sealed = ?6, value = ?7")));
    remove_.emplace(TRY(database_.prepare("DELETE FROM objects WHERE type = ?1 AND ns = ?2 AND name = ?3")));
    advance_.emplace(TRY(database_.prepare("UPDATE store SET revision = ?1 WHERE id = 1")));
    return {};
  }

  Result<Contents> load() override {
    TRY(database_.check_integrity().map_error(context(options_.path + " cannot be served")));
    Contents contents;
    contents.revision = TRY(read_revision(database_, options_.path));
    if (!options_.full_durability) contents.revision = TRY(skip_what_may_be_lost(contents.revision));
    auto rows = TRY(database_.prepare(kSelectRows));
    while (TRY(rows.step())) contents.rows.push_back(TRY(open_row(read_raw_row(rows), options_.keys)));
    return contents;
  }

  Result<> commit(const std::vector<RowChange>& changes, Revision revision) override {
    auto stored = database_.transaction([&]() -> Result<> {
      for (const auto& change : changes) TRY(apply(change));
      return advance_->bind(1, static_cast<std::int64_t>(revision)).run();
    });
    if (stored || !is(stored.error(), Code::kInternal)) return stored;  // only the disk leaves doubts
    return fail(cover(revision) ? std::move(stored).error()
                                : stored.error().with_context("a restart may find it stored all the same"));
  }

 private:
  /// Makes sure that there are keys if any are needed, and never new ones in the place of lost ones.
  Result<> find_keys() {
    if (options_.keys) return {};
    if (!options_.key_file.empty()) options_.keys = TRY(load_key_file(options_.key_file));
    if (options_.keys) return {};
    auto sealed = TRY(database_.prepare("SELECT count(*) FROM objects WHERE sealed <> 0"));
    TRY(sealed.step());
    if (const auto count = sealed.integer(0); count != 0 && !options_.key_file.empty()) {
      return fail(
          Code::kForbidden,
          fmt::format("the key file {} is missing, and {} objects in {} are sealed with it: put it back, "
                      "or restore a backup that was made with its key",
                      options_.key_file, count, options_.path));
    }
    if (options_.sealed_types.empty()) return {};
    if (options_.key_file.empty()) return fail(Code::kInvalid, "types are to be sealed, but there is no key");
    options_.keys = TRY(make_key_file(options_.key_file));
    backend_log().info("made a key", {{"file", options_.key_file}});
    return {};
  }

  /// A commit whose last fsync failed may lie whole in the write-ahead log. The next commit takes its place;
  /// this makes one, so that it cannot come back, and so that its revision is not used again.
  bool cover(Revision revision) {
    return database_.transaction([&] { return advance_->bind(1, static_cast<std::int64_t>(revision)).run(); })
        .has_value();
  }

  /// A revision that was seen and then lost must not name another state later.
  Result<Revision> skip_what_may_be_lost(Revision revision) {
    revision += kRevisionsPerPowerLoss;
    TRY(database_.execute("PRAGMA synchronous = FULL"));
    TRY(write_revision(database_, revision));
    TRY(database_.execute("PRAGMA synchronous = NORMAL"));
    return revision;
  }

  [[nodiscard]] bool is_sealed(const std::string& type) const {
    return std::ranges::find(options_.sealed_types, type) != options_.sealed_types.end();
  }

  Result<> apply(const RowChange& change) {
    if (!change.object)
      return remove_->bind(1, change.type).bind(2, change.key.ns).bind(3, change.key.name).run();
    const bool sealed = is_sealed(change.type);
    std::string envelope;
    if (sealed) envelope = TRY(seal_value(*options_.keys, change.type, change.key, change.object->bytes()));
    return put_->bind(1, change.type)
        .bind(2, change.key.ns)
        .bind(3, change.key.name)
        .bind(4, static_cast<std::int64_t>(change.object->created()))
        .bind(5, static_cast<std::int64_t>(change.revision))
        .bind(6, static_cast<std::int64_t>(sealed))
        .bind_blob(7, sealed ? std::string_view(envelope) : change.object->bytes())
        .run();
  }

  SqliteBackendOptions options_;
  // Declared before the database: the lock is given up last.
  os::FileLock lock_;
  sqlite::Database database_;
  // Declared after the database: statements end first.
  std::optional<sqlite::Statement> put_;
  std::optional<sqlite::Statement> remove_;
  std::optional<sqlite::Statement> advance_;
};

}  // namespace

Result<std::unique_ptr<Backend>> open_sqlite_backend(const SqliteBackendOptions& options) {
  auto lock = TRY(lock_for_serving(options.path));
  const auto log_file = TRY(os::find_file(options.path + "-wal"));
  if (log_file && log_file->size != 0 && !TRY(os::find_file(options.path))) {
    // SQLite would throw the log away and begin anew.
    return fail(Code::kInternal, options.path + " is missing, but its log is here: restore a backup");
  }
  using Synchronous = sqlite::Database::Synchronous;
  auto database = TRY(sqlite::Database::open(
      options.path, {.synchronous = options.full_durability ? Synchronous::kFull : Synchronous::kNormal,
                     .shrinkable = true,
                     .checkpoint_pages = options.checkpoint_pages,
                     .vfs = options.vfs}));
  if (log_file && log_file->size != 0) {
    backend_log().info("took over the log of a server that was not shut down",
                       {{"file", options.path}, {"bytes", log_file->size}});
  }
  auto backend = std::make_unique<SqliteBackend>(options, std::move(lock), std::move(database));
  TRY(backend->prepare());
  return std::unique_ptr<Backend>(std::move(backend));
}

}  // namespace klutch::apiserver

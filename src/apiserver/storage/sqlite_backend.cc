// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "apiserver/storage/backend.h"
#include "sqlite/database.h"

namespace klutch::apiserver {
namespace {

constexpr int kSchemaVersion = 1;

constexpr std::string_view kSchema = R"sql(
CREATE TABLE store(
  id INTEGER PRIMARY KEY CHECK (id = 1),
  revision INTEGER NOT NULL
) STRICT;
INSERT INTO store VALUES (1, 0);
CREATE TABLE objects(
  type TEXT NOT NULL,
  ns TEXT NOT NULL,
  name TEXT NOT NULL,
  created INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  sealed INTEGER NOT NULL,
  value BLOB NOT NULL,
  UNIQUE (type, ns, name)
) STRICT;
)sql";

/// What a sealed value belongs to, so that it does not open in the place of another. No part can hold a NUL.
std::string associated_with(std::string_view type, const kube::Key& key) {
  std::string text;
  for (const std::string_view part : {type, std::string_view(key.ns), std::string_view(key.name)}) {
    text += part;
    text += '\0';
  }
  return text;
}

class SqliteBackend final : public Backend {
 public:
  SqliteBackend(SqliteBackendOptions options, sqlite::Database database)
      : options_(std::move(options)), database_(std::move(database)) {}

  Result<> prepare() {
    TRY(migrate());
    put_.emplace(TRY(database_.prepare(
        "INSERT INTO objects(type, ns, name, created, revision, sealed, value) VALUES (?1, ?2, ?3, ?4, ?5, "
        "?6, ?7) "
        "ON CONFLICT (type, ns, name) DO UPDATE SET created = ?4, revision = ?5, sealed = ?6, value = ?7")));
    remove_.emplace(TRY(database_.prepare("DELETE FROM objects WHERE type = ?1 AND ns = ?2 AND name = ?3")));
    advance_.emplace(TRY(database_.prepare("UPDATE store SET revision = ?1 WHERE id = 1")));
    return {};
  }

  Result<Contents> load() override {
    TRY(database_.check_integrity());
    Contents contents;
    auto store = TRY(database_.prepare("SELECT revision FROM store WHERE id = 1"));
    if (!TRY(store.step())) return fail(Code::kInternal, options_.path + " has lost its revision");
    contents.revision = static_cast<Revision>(store.integer(0));
    store.reset();
    auto rows =
        TRY(database_.prepare("SELECT type, ns, name, created, revision, sealed, value FROM objects"));
    while (TRY(rows.step())) contents.rows.push_back(TRY(read(rows)));
    return contents;
  }

  Result<> commit(const std::vector<RowChange>& changes, Revision revision) override {
    return database_.transaction([&]() -> Result<> {
      for (const auto& change : changes) TRY(apply(change));
      return advance_->bind(1, static_cast<std::int64_t>(revision)).run();
    });
  }

 private:
  Result<> migrate() {
    const int version = TRY(database_.user_version());
    if (version == kSchemaVersion) return {};
    if (version > kSchemaVersion) {
      return fail(Code::kUnsupported,
                  fmt::format("{} was written by a newer version (schema {}, this one knows {})",
                              options_.path, version, kSchemaVersion));
    }
    return database_.transaction([&]() -> Result<> {
      TRY(database_.execute(kSchema));
      return database_.set_user_version(kSchemaVersion);
    });
  }

  [[nodiscard]] bool is_sealed(const std::string& type) const {
    return std::ranges::find(options_.sealed_types, type) != options_.sealed_types.end();
  }

  Result<Row> read(sqlite::Statement& from) const {
    Row row{.type = std::string(from.text(0)),
            .key = {std::string(from.text(1)), std::string(from.text(2))},
            .created = static_cast<Revision>(from.integer(3)),
            .revision = static_cast<Revision>(from.integer(4))};
    const auto value = from.blob(6);
    if (from.integer(5) == 0) {
      row.value = value;
      return row;
    }
    const auto what = fmt::format("cannot open the sealed {} {}", row.type, row.key.to_string());
    if (!options_.keys) return fail(Code::kForbidden, what + ": no key is configured");
    const auto opened = options_.keys->open(value, associated_with(row.type, row.key));
    if (!opened) return fail(Code::kForbidden, what + ": it was sealed with another key, or changed");
    row.value = std::string(opened->reveal());
    return row;
  }

  Result<> apply(const RowChange& change) {
    if (!change.object)
      return remove_->bind(1, change.type).bind(2, change.key.ns).bind(3, change.key.name).run();
    const bool sealed = is_sealed(change.type);
    std::string envelope;
    if (sealed) {
      envelope = TRY(options_.keys->seal(change.object->bytes(), associated_with(change.type, change.key)));
    }
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
  sqlite::Database database_;
  // Declared after the database: statements end first.
  std::optional<sqlite::Statement> put_;
  std::optional<sqlite::Statement> remove_;
  std::optional<sqlite::Statement> advance_;
};

}  // namespace

Result<std::unique_ptr<Backend>> open_sqlite_backend(const SqliteBackendOptions& options) {
  if (!options.sealed_types.empty() && !options.keys) {
    return fail(Code::kInvalid, "types are to be sealed, but there is no key");
  }
  using Synchronous = sqlite::Database::Synchronous;
  auto database = TRY(sqlite::Database::open(
      options.path, {.synchronous = options.full_durability ? Synchronous::kFull : Synchronous::kNormal,
                     .vfs = options.vfs}));
  auto backend = std::make_unique<SqliteBackend>(options, std::move(database));
  TRY(backend->prepare());
  return std::unique_ptr<Backend>(std::move(backend));
}

}  // namespace klutch::apiserver

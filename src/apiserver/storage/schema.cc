// SPDX-License-Identifier: Apache-2.0
#include "apiserver/storage/schema.h"

#include <fmt/format.h>

#include <utility>

namespace klutch::apiserver {
namespace {

constexpr std::string_view kFirstStep = R"sql(
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

constexpr std::string_view kSteps[] = {kFirstStep};

/// What a sealed value belongs to. No part can hold a NUL.
std::string associated_with(std::string_view type, const kube::Key& key) {
  std::string text;
  for (const std::string_view part : {type, std::string_view(key.ns), std::string_view(key.name)}) {
    text += part;
    text += '\0';
  }
  return text;
}

Result<bool> has_table(sqlite::Database& database, std::string_view table) {
  auto found = TRY(database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1"));
  return found.bind(1, table).step();
}

/// The version of what is a store or empty.
Result<int> known_version(sqlite::Database& database, const std::string& name, std::size_t newest) {
  const int version = TRY(database.user_version());
  if (version > static_cast<int>(newest)) {
    return fail(Code::kUnsupported,
                fmt::format("{} was written by a newer version (schema {}, this one knows {})", name, version,
                            newest));
  }
  auto table = TRY(database.prepare("SELECT 1 FROM sqlite_schema"));
  const bool empty = !TRY(table.step());
  const bool is_store = TRY(has_table(database, "store")) && TRY(has_table(database, "objects"));
  if (version < 0 || (version == 0 && !empty) || (version > 0 && !is_store)) {
    return fail(Code::kInvalid, name + " is a database of something else, not a store");
  }
  return version;
}

}  // namespace

SchemaSteps schema_steps() {
  return kSteps;
}

Result<SchemaVersions> bring_up_to_date(sqlite::Database& database, const std::string& name,
                                        SchemaSteps steps) {
  const int before = TRY(known_version(database, name, steps.size()));
  int version = before;
  for (const auto& step : steps.subspan(static_cast<std::size_t>(before))) {
    const auto done = database.transaction([&]() -> Result<> {
      TRY(database.execute(step));
      return database.set_user_version(version + 1);
    });
    TRY(done.map_error(context(fmt::format("cannot bring {} to schema {}", name, version + 1))));
    ++version;
  }
  return SchemaVersions{before, version};
}

Result<int> require_readable(sqlite::Database& database, const std::string& name) {
  const int version = TRY(known_version(database, name, schema_steps().size()));
  if (version == 0) return fail(Code::kInvalid, name + " is empty, not a store");
  return version;
}

Result<Revision> read_revision(sqlite::Database& database, const std::string& name) {
  auto store = TRY(database.prepare("SELECT revision FROM store WHERE id = 1"));
  if (!TRY(store.step())) return fail(Code::kInternal, name + " has lost its revision");
  const auto revision = store.integer(0);
  if (revision < 0) return fail(Code::kInternal, name + " has a negative revision");
  return static_cast<Revision>(revision);
}

Result<> write_revision(sqlite::Database& database, Revision revision) {
  auto advance = TRY(database.prepare("UPDATE store SET revision = ?1 WHERE id = 1"));
  return advance.bind(1, static_cast<std::int64_t>(revision)).run();
}

Result<bool> is_backup(sqlite::Database& database) {
  return has_table(database, "backup");
}

RawRow read_raw_row(const sqlite::Statement& from) {
  return {.row = {.type = std::string(from.text(0)),
                  .key = {std::string(from.text(1)), std::string(from.text(2))},
                  .created = static_cast<Revision>(from.integer(3)),
                  .revision = static_cast<Revision>(from.integer(4)),
                  .value = std::string(from.blob(6))},
          .sealed = from.integer(5) != 0};
}

Result<std::string> seal_value(const crypto::Keyring& keys, std::string_view type, const kube::Key& key,
                               std::string_view value) {
  return keys.seal(value, associated_with(type, key));
}

Result<Row> open_row(RawRow raw, const std::optional<crypto::Keyring>& keys) {
  if (!raw.sealed) return std::move(raw.row);
  const auto what = fmt::format("cannot open the sealed {} {}", raw.row.type, raw.row.key.to_string());
  if (!keys) return fail(Code::kForbidden, what + ": no key is configured");
  const auto opened = keys->open(raw.row.value, associated_with(raw.row.type, raw.row.key));
  if (!opened) return fail(Code::kForbidden, what + ": it was sealed with another key, or changed");
  raw.row.value = std::string(opened->reveal());
  return std::move(raw.row);
}

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "apiserver/storage/backend.h"
#include "base/result.h"
#include "crypto/aead.h"
#include "sqlite/database.h"

// The tables of a store and its rows as they lie there. Private to the storage.
//
// PRAGMA user_version counts the schema's steps. A new version of the program appends a step and never
// changes an old one.

namespace klutch::apiserver {

/// SQL that brings a store from version i (its index) to i + 1.
using SchemaSteps = std::span<const std::string_view>;
SchemaSteps schema_steps();

/// The version of the store before and now.
struct SchemaVersions {
  int before = 0;
  int now = 0;
};
/// Makes the tables of an empty database, or brings older ones up to date, each step in a transaction of its
/// own. `name` is for errors. kUnsupported for a newer version; kInvalid for a database that is no store.
Result<SchemaVersions> bring_up_to_date(sqlite::Database& database, const std::string& name,
                                        SchemaSteps steps = schema_steps());
/// The version of a store that is to be read as it is; errors as above, kInvalid also for an empty database.
Result<int> require_readable(sqlite::Database& database, const std::string& name);

Result<Revision> read_revision(sqlite::Database& database, const std::string& name);
Result<> write_revision(sqlite::Database& database, Revision revision);

/// A backup holds this table too: one row, and in it the key file's text sealed under a passphrase if it was
/// asked for.
Result<bool> is_backup(sqlite::Database& database);

inline constexpr std::string_view kSelectRows =
    "SELECT type, ns, name, created, revision, sealed, value FROM objects";
/// A row with its value as it lies on the disk.
struct RawRow {
  Row row = {};
  bool sealed = false;
};
/// The current row of kSelectRows.
RawRow read_raw_row(const sqlite::Statement& from);

/// Sealed values are bound to their type and key, so that they do not open in the place of another.
Result<std::string> seal_value(const crypto::Keyring& keys, std::string_view type, const kube::Key& key,
                               std::string_view value);
/// Opens the value if it is sealed. kForbidden without keys, or if it does not open.
Result<Row> open_row(RawRow raw, const std::optional<crypto::Keyring>& keys);

}  // namespace klutch::apiserver

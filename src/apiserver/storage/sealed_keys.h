// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "sqlite/database.h"

// The mark that makes a database a backup, and the keys that may go with it, sealed under a passphrase.
// Private to the storage.

namespace klutch::apiserver {

/// Makes `database` a backup; `key_text` (the content of a key file) goes with it under `passphrase`.
Result<> mark_as_backup(sqlite::Database& database);
Result<> add_sealed_keys(sqlite::Database& database, const Secret& key_text, const Secret& passphrase);
/// Makes it a store again.
Result<> unmark_backup(sqlite::Database& database);

/// Whether keys went with this backup.
Result<bool> has_sealed_keys(sqlite::Database& database);
/// The text of the key file. kForbidden for a wrong passphrase.
Result<Secret> open_sealed_keys(sqlite::Database& database, const Secret& passphrase);

}  // namespace klutch::apiserver

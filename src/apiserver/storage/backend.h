// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/storage/stored_object.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/aead.h"

// Where a store keeps its objects for good. Calls block and come from one thread at a time, not always the
// same.

namespace klutch::apiserver {

/// An object as a row.
struct Row {
  std::string type = {};  ///< "secrets" or "deployments.apps"
  kube::Key key = {};
  Revision created = 0;
  Revision revision = 0;
  std::string value = {};  ///< JSON
};

struct RowChange {
  std::string type = {};
  kube::Key key = {};
  Revision revision = 0;
  StoredPtr object = {};  ///< null: deleted
};

class Backend {
 public:
  virtual ~Backend() = default;

  struct Contents {
    Revision revision = 0;  ///< the highest ever stored, also by deletions
    std::vector<Row> rows = {};
  };
  /// Everything. Called once, first. kInternal, saying what, for a damaged store.
  virtual Result<Contents> load() = 0;
  /// Stores all of `changes`, in order, or none. When it returns success they survive a loss of power.
  /// kUnavailable when the disk is full; then a later call may succeed.
  virtual Result<> commit(const std::vector<RowChange>& changes, Revision revision) = 0;
};

/// Keeps nothing: for tests and clusters that may be forgotten. Begins at `start`: a server that may be
/// restarted under clients that watched its former life passes ephemeral_start(), which is beyond all of it.
std::unique_ptr<Backend> make_ephemeral_backend(Revision start = 0);
/// Microseconds since 1970: grows faster than any store can.
Revision ephemeral_start(Time now);

struct SqliteBackendOptions {
  std::string path = {};
  /// Values of these types ("secrets") are sealed.
  std::vector<std::string> sealed_types = {};
  /// What they are sealed with; without it `key_file`.
  std::optional<crypto::Keyring> keys = {};
  /// See key_file.h. Made if there is none and nothing is sealed yet.
  std::string key_file = {};
  /// false: a loss of power may undo the last commits, kill -9 may not.
  bool full_durability = true;
  /// See sqlite::Database::Options.
  int checkpoint_pages = 0;
  std::string vfs = {};
};

/// Takes the lock of the store (`path`.lock) for as long as the backend lives, opens the file or makes it and
/// brings an older schema up to date; load() checks integrity. kUnavailable, naming the process, while
/// another one holds the lock; kUnsupported for the schema of a newer version; kInvalid for other databases,
/// for backups and for sealed types without keys; kForbidden when a sealed value does not open with these
/// keys, or the key file is lost, or others may read it.
Result<std::unique_ptr<Backend>> open_sqlite_backend(const SqliteBackendOptions& options);

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/storage/stored_object.h"
#include "base/result.h"
#include "base/secret.h"

// What an operator does with a store: back up, restore, compact, check. All but restore work while a server
// uses the store, also from another process; one of them runs at a time. Everything blocks on the disk
// (fibers: Ctx::blocking). Errors of all: kNotFound if there is no store, kUnavailable, naming the process,
// while a lock is held, kUnsupported for a store of a newer version, kInvalid for a file that is no store.
//
//   const StoreFiles files{"/var/lib/klutch"};
//   TRY(back_up_store(files, {.target = "/backup/monday.db"}));

namespace klutch::apiserver {

/// Where a store lies: a folder of its owner alone. Locks are beside the database.
struct StoreFiles {
  std::string folder = {};
  [[nodiscard]] std::string database() const;
  /// See key_file.h.
  [[nodiscard]] std::string key_file() const;
};

struct BackupRequest {
  /// The file to make, mode 0600; it appears when it is whole and on the disk.
  std::string target = {};
  /// Given: the keys of the store go with it, sealed under this (scrypt, AES-256-GCM). At least
  /// kMinPassphrase bytes. Otherwise the backup's Secrets open only where the key file is.
  std::optional<Secret> passphrase = {};
  bool replace = false;  ///< an existing target; otherwise kAlreadyExists
};
inline constexpr std::size_t kMinPassphrase = 8;
struct BackupSummary {
  Revision revision = 0;  ///< everything up to this change is in it
  std::size_t objects = 0;
  std::size_t sealed = 0;  ///< of these, objects that need a key
  std::size_t bytes = 0;
  bool with_keys = false;
};
/// One file with the store as it was at one moment. kInternal for a damaged store, kForbidden if keys are
/// asked for and there is no key file.
Result<BackupSummary> back_up_store(const StoreFiles& files, const BackupRequest& request);

struct RestoreRequest {
  std::string source = {};
  /// For the keys in the backup; not needed if the present key file opens everything.
  std::optional<Secret> passphrase = {};
};
struct RestoreSummary {
  Revision backup_revision = 0;
  Revision revision = 0;  ///< where the store goes on: every older watch gets 410
  std::size_t objects = 0;
  bool keys_added = false;  ///< to the key file, in front of those that were there
  /// Where the store that was here lies now, empty if there was none.
  std::string former = {};
};
/// Puts a backup in the place of the store, all or nothing; there need not be a store. The revision jumps by
/// kRestoreStep beyond the backup's and that of the present store, as far as that can still be read.
/// kUnavailable while a server uses the store; kForbidden if a sealed object does not open with the keys at
/// hand; kInternal if the backup is damaged.
Result<RestoreSummary> restore_store(const StoreFiles& files, const RestoreRequest& request);
inline constexpr Revision kRestoreStep = 1'000'000'000;

struct CompactSummary {
  std::size_t bytes_before = 0;  ///< of the database and its log
  std::size_t bytes_after = 0;
};
/// Gives unused space back to the file system, in steps so small that a server goes on writing.
Result<CompactSummary> compact_store(const StoreFiles& files);

struct CheckReport {
  int schema = 0;
  Revision revision = 0;
  std::size_t objects = 0;
  std::size_t sealed = 0;
  std::size_t bytes = 0;         ///< of the database
  std::size_t log_bytes = 0;     ///< of its write-ahead log
  std::size_t unused_bytes = 0;  ///< that compacting would give back
  std::map<std::string, std::size_t> by_type = {};
  /// What makes the store unfit, at most kMaxProblems in words and the number of all.
  std::vector<std::string> problems = {};
  std::size_t problem_count = 0;
  /// What an operator should know.
  std::vector<std::string> remarks = {};

  static constexpr std::size_t kMaxProblems = 100;
  [[nodiscard]] bool is_sound() const noexcept { return problem_count == 0; }
};
/// Reads all of it: the database's integrity, that every object is JSON that says what it is, that sealed
/// ones open and that no revision is beyond the store's. Changes nothing.
Result<CheckReport> check_store(const StoreFiles& files);

}  // namespace klutch::apiserver

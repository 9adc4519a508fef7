// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <utility>

#include "apiserver/storage/key_file.h"
#include "apiserver/storage/maintenance.h"
#include "apiserver/storage/schema.h"
#include "apiserver/storage/sealed_keys.h"
#include "apiserver/storage/store_lock.h"
#include "base/ids.h"
#include "base/os/file.h"
#include "base/os/paths.h"
#include "sqlite/database.h"

namespace klutch::apiserver {
namespace {

/// A file that vanishes with what SQLite puts beside it, unless it was moved into place.
class UnfinishedBackup {
 public:
  explicit UnfinishedBackup(const std::string& target)
      : path_(os::join_path(os::parent_path(target),
                            fmt::format(".{}.{}.tmp", os::base_name(target), random_suffix(10)))) {}
  UnfinishedBackup(const UnfinishedBackup&) = delete;
  UnfinishedBackup& operator=(const UnfinishedBackup&) = delete;
  ~UnfinishedBackup() {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
      static_cast<void>(os::remove_file(path_ + suffix));
    }
  }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

Result<Secret> keys_to_back_up(const StoreFiles& files, const Secret& passphrase) {
  if (passphrase.size() < kMinPassphrase) {
    return fail(Code::kInvalid,
                fmt::format("the passphrase is too short: it needs {} bytes", kMinPassphrase));
  }
  auto text = TRY(load_key_text(files.key_file()));
  if (!text)
    return fail(Code::kForbidden, fmt::format("there is no key file {} to back up", files.key_file()));
  TRY(parse_key_text(*text, files.key_file()));
  return *std::move(text);
}

Result<std::size_t> count_objects(sqlite::Database& database, const char* condition) {
  auto count = TRY(database.prepare(fmt::format("SELECT count(*) FROM objects WHERE {}", condition)));
  TRY(count.step());
  return static_cast<std::size_t>(count.integer(0));
}

/// Makes the copy a backup and says what is in it.
Result<BackupSummary> finish_copy(const std::string& path, const std::optional<Secret>& key_text,
                                  const std::optional<Secret>& passphrase) {
  auto copy = TRY(sqlite::Database::open(path, {.create = false}));
  TRY(copy.check_integrity());
  BackupSummary summary;
  summary.revision = TRY(read_revision(copy, path));
  summary.objects = TRY(count_objects(copy, "true"));
  summary.sealed = TRY(count_objects(copy, "sealed <> 0"));
  summary.with_keys = key_text.has_value();
  TRY(mark_as_backup(copy));
  if (key_text) TRY(add_sealed_keys(copy, *key_text, *passphrase));
  TRY(copy.leave_wal());
  return summary;
}

/// A backup over the database of a running server would be the end of it.
Result<> require_other_place(const StoreFiles& files, const std::string& target) {
  const auto folder = TRY(os::real_path(os::parent_path(target)));
  if (folder != TRY(os::real_path(files.folder)) || !os::base_name(target).starts_with("store.")) return {};
  return fail(Code::kInvalid, target + " is the name of a file of the store itself; choose another one");
}

}  // namespace

Result<BackupSummary> back_up_store(const StoreFiles& files, const BackupRequest& request) {
  if (!TRY(os::find_file(files.database()))) {
    return fail(Code::kNotFound, "there is no store in " + files.folder);
  }
  TRY(require_other_place(files, request.target));
  if (!request.replace && TRY(os::find_file(request.target))) {
    return fail(Code::kAlreadyExists, request.target + " exists already");
  }
  const auto lock = TRY(lock_for_maintenance(files.database()));
  std::optional<Secret> key_text;
  if (request.passphrase) key_text = TRY(keys_to_back_up(files, *request.passphrase));

  const UnfinishedBackup unfinished(request.target);
  {
    auto database = TRY(sqlite::Database::open(files.database(), {.read_only = true}));
    TRY(require_readable(database, files.database()));
    TRY(database.backup_to(unfinished.path()));
  }
  auto summary = TRY(finish_copy(unfinished.path(), key_text, request.passphrase)
                         .map_error(context("cannot back up " + files.database())));
  TRY(os::replace_file(unfinished.path(), request.target));
  summary.bytes = TRY(os::find_file(request.target)).value_or(os::FileInfo{}).size;
  return summary;
}

}  // namespace klutch::apiserver

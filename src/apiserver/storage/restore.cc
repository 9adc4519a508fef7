// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "apiserver/storage/examination.h"
#include "apiserver/storage/key_file.h"
#include "apiserver/storage/maintenance.h"
#include "apiserver/storage/schema.h"
#include "apiserver/storage/sealed_keys.h"
#include "apiserver/storage/store_lock.h"
#include "base/os/errno_error.h"
#include "base/os/file.h"
#include "sqlite/database.h"

namespace klutch::apiserver {
namespace {

/// What belongs to a database file: removing it with its log leaves nothing that SQLite would take up.
Result<> remove_database(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) TRY(os::remove_file(path + suffix));
  return {};
}

/// The store that is there. Everything of it is in its one file afterwards, if it can be read at all.
struct FormerStore {
  bool exists = false;
  std::optional<Revision> revision = {};
};

Result<FormerStore> settle_former(const std::string& path) {
  FormerStore former;
  former.exists = TRY(os::find_file(path)).has_value();
  if (!former.exists) return former;
  // Being damaged is a good reason to restore, so from here on that is no error.
  auto database = sqlite::Database::open(path, {.create = false});
  if (!database) return former;
  if (const auto revision = read_revision(*database, path); revision) former.revision = *revision;
  if (const auto settled = database->leave_wal(); !settled && is(settled.error(), Code::kUnavailable)) {
    return fail(settled.error().with_context("cannot replace " + path));
  }
  return former;
}

/// SQLite would take a log that lies here for that of the new store. On the disk before that one comes.
Result<> remove_logs(const StoreFiles& files) {
  for (const char* suffix : {"-wal", "-shm", "-journal"}) TRY(os::remove_file(files.database() + suffix));
  return os::sync_directory(files.folder);
}

/// Keeps the former store under another name. Its own name stays, so that at no moment there is none.
Result<std::string> keep_former(const std::string& path) {
  std::string kept = path + ".replaced";
  TRY(remove_database(kept));
  if (::link(path.c_str(), kept.c_str()) != 0) return os::fail_errno("cannot keep the store as " + kept);
  // Only a log that could not be settled is still here.
  if (TRY(os::find_file(path + "-wal"))) TRY(os::replace_file(path + "-wal", kept + "-wal"));
  return kept;
}

/// The keys that open the backup and, if they came with it, their text.
struct RestoreKeys {
  std::optional<crypto::Keyring> keys = {};
  std::optional<Secret> text = {};
};

Result<RestoreKeys> keys_for(sqlite::Database& backup, const StoreFiles& files,
                             const RestoreRequest& request) {
  RestoreKeys found;
  if (request.passphrase && TRY(is_backup(backup)) && TRY(has_sealed_keys(backup))) {
    found.text = TRY(open_sealed_keys(backup, *request.passphrase));
    found.keys = TRY(parse_key_text(*found.text, "the backup"));
  } else {
    found.keys = TRY(load_key_file(files.key_file()));
  }
  return found;
}

Result<> require_sound(const CheckReport& report, const RestoreRequest& request, bool has_keys) {
  if (report.is_sound()) return {};
  const auto more = report.problem_count > 1 ? fmt::format(" (and {} more)", report.problem_count - 1) : "";
  const bool keys_matter = report.sealed != 0 && !request.passphrase;
  const auto hint = !keys_matter ? ""
                    : has_keys   ? "; its passphrase would bring the key that went with it"
                                 : "; the key file of the store it was made of has to be in place";
  return fail(keys_matter ? Code::kForbidden : Code::kInternal,
              fmt::format("cannot restore {}: {}{}{}", request.source, report.problems.front(), more, hint));
}

struct Prepared {
  RestoreSummary summary = {};
  std::optional<Secret> key_text = {};
};

/// Turns the copy at `path` into the store that is to be.
Result<Prepared> prepare_copy(const std::string& path, const StoreFiles& files, const RestoreRequest& request,
                              const FormerStore& former) {
  auto copy = TRY(sqlite::Database::open(path, {.create = false}));
  TRY(bring_up_to_date(copy, request.source));
  auto keys = TRY(keys_for(copy, files, request));
  CheckReport report;
  Examination examination{.name = request.source, .keys = keys.keys};
  TRY(examine(copy, examination, report));
  TRY(require_sound(report, request, TRY(is_backup(copy)) && TRY(has_sealed_keys(copy))));

  const Revision highest = std::max(report.revision, former.revision.value_or(0));
  constexpr auto kMost = static_cast<Revision>(std::numeric_limits<std::int64_t>::max());
  if (highest > kMost - kRestoreStep)
    return fail(Code::kInvalid, "there are no revisions left for a restore");
  Prepared prepared;
  prepared.summary.backup_revision = report.revision;
  prepared.summary.revision = highest + kRestoreStep;
  prepared.summary.objects = report.objects;
  prepared.key_text = std::move(keys.text);
  TRY(unmark_backup(copy));
  TRY(write_revision(copy, prepared.summary.revision));
  TRY(copy.leave_wal());
  return prepared;
}

}  // namespace

Result<RestoreSummary> restore_store(const StoreFiles& files, const RestoreRequest& request) {
  const std::string path = files.database();
  TRY(os::make_directories(files.folder));
  const auto serving = TRY(lock_for_serving(path));
  const auto maintenance = TRY(lock_for_maintenance(path));
  const std::string unfinished = path + ".restoring";
  TRY(remove_database(unfinished));
  auto prepared = [&]() -> Result<Prepared> {
    {
      auto source = TRY(sqlite::Database::open(request.source, {.read_only = true}));
      TRY(require_readable(source, request.source));
      TRY(source.backup_to(unfinished));
    }
    const auto former = TRY(settle_former(path));
    auto copy = TRY(prepare_copy(unfinished, files, request, former));
    // Before the store that needs them: with both keys in the file, each of the two stores opens.
    if (copy.key_text) copy.summary.keys_added = TRY(add_to_key_file(files.key_file(), *copy.key_text));
    if (former.exists) copy.summary.former = TRY(keep_former(path));
    TRY(remove_logs(files));
    TRY(os::replace_file(unfinished, path));
    return copy;
  }();
  if (!prepared) {
    static_cast<void>(remove_database(unfinished));
    return fail(std::move(prepared).error());
  }
  return std::move(prepared->summary);
}

}  // namespace klutch::apiserver

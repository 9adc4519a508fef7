// SPDX-License-Identifier: Apache-2.0
#include "apiserver/storage/maintenance.h"

#include <utility>

#include "apiserver/storage/examination.h"
#include "apiserver/storage/key_file.h"
#include "apiserver/storage/schema.h"
#include "apiserver/storage/store_lock.h"
#include "base/os/file.h"
#include "base/os/paths.h"
#include "sqlite/database.h"

namespace klutch::apiserver {
namespace {

Result<std::size_t> size_on_disk(const std::string& path) {
  const auto info = TRY(os::find_file(path));
  return info ? info->size : 0;
}

Result<std::size_t> database_and_log(const std::string& path) {
  const auto file = TRY(size_on_disk(path));
  return file + TRY(size_on_disk(path + "-wal"));
}

/// A folder without a store must not get one, nor locks, from looking at it.
Result<> require_store(const StoreFiles& files) {
  if (TRY(os::find_file(files.database()))) return {};
  return fail(Code::kNotFound, "there is no store in " + files.folder);
}

/// A server that does the same at this moment makes it fail; what is left then, the server will do.
Result<> empty_log(sqlite::Database& database) {
  constexpr int kAttempts = 50;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto emptied = database.checkpoint();
    if (emptied || !is(emptied.error(), Code::kUnavailable)) return emptied;
  }
  return {};
}

}  // namespace

std::string StoreFiles::database() const {
  return os::join_path(folder, "store.db");
}

std::string StoreFiles::key_file() const {
  return os::join_path(folder, "store.key");
}

Result<CompactSummary> compact_store(const StoreFiles& files) {
  // 1 MiB: a writer waits for some milliseconds.
  constexpr int kPagesAtOnce = 256;
  TRY(require_store(files));
  const auto lock = TRY(lock_for_maintenance(files.database()));
  CompactSummary summary;
  summary.bytes_before = TRY(database_and_log(files.database()));
  auto database = TRY(sqlite::Database::open(files.database(), {.create = false, .busy_timeout_ms = 30'000}));
  TRY(require_readable(database, files.database()));
  auto left = TRY(database.reclaim(kPagesAtOnce));
  while (left != 0) {
    const auto now = TRY(database.reclaim(kPagesAtOnce));
    if (now >= left) break;  // a writer frees as fast as this
    left = now;
  }
  TRY(empty_log(database));
  summary.bytes_after = TRY(database_and_log(files.database()));
  return summary;
}

Result<CheckReport> check_store(const StoreFiles& files) {
  TRY(require_store(files));
  const auto lock = TRY(lock_for_maintenance(files.database()));
  CheckReport report;
  Examination examination{.name = files.database(), .sealed_types = default_sealed_types()};
  auto keys = load_key_file(files.key_file());
  if (keys) examination.keys = *keys;
  const auto examined = [&]() -> Result<> {
    auto database = TRY(sqlite::Database::open(files.database(), {.read_only = true}));
    return examine(database, examination, report);
  }();
  // Nothing more can be read of a database that is damaged so much, but that is what was to be found out.
  if (!examined && is(examined.error(), Code::kInternal)) {
    ++report.problem_count;
    report.problems.push_back(examined.error().message());
  } else if (!examined) {
    return fail(examined.error());
  }
  if (!keys) {
    ++report.problem_count;
    report.problems.push_back(keys.error().message());
  }
  report.bytes = TRY(size_on_disk(files.database()));
  report.log_bytes = TRY(size_on_disk(files.database() + "-wal"));
  return report;
}

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#include "apiserver/storage/store_lock.h"

#include <fmt/format.h>

#include <utility>

namespace klutch::apiserver {
namespace {

Result<os::FileLock> take_store_lock(const std::string& database, const char* suffix, const char* doing) {
  const auto path = database + suffix;
  auto lock = TRY(os::FileLock::try_acquire(path).map_error(context("cannot lock " + database)));
  if (lock) return *std::move(lock);
  const auto pid = os::FileLock::last_holder(path);
  return fail(Code::kUnavailable,
              fmt::format("cannot lock {}: {} {} it", database,
                          pid ? fmt::format("process {}", *pid) : "another process", doing));
}

}  // namespace

Result<os::FileLock> lock_for_serving(const std::string& database) {
  return take_store_lock(database, ".lock", "serves");
}

Result<os::FileLock> lock_for_maintenance(const std::string& database) {
  return take_store_lock(database, ".maintenance", "backs up, restores, compacts or checks");
}

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/os/file.h"
#include "base/result.h"

// The locks of a store, files beside its database. Private to the storage.
//
//   store.db.lock          who serves it, or replaces it
//   store.db.maintenance   who copies, examines, compacts or replaces it, with or without somebody serving

namespace klutch::apiserver {

/// kUnavailable, naming the process, while it is taken.
Result<os::FileLock> lock_for_serving(const std::string& database);
Result<os::FileLock> lock_for_maintenance(const std::string& database);

}  // namespace klutch::apiserver

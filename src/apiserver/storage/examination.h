// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apiserver/storage/maintenance.h"
#include "base/result.h"
#include "crypto/aead.h"
#include "sqlite/database.h"

// Reading a whole store for faults. Private to the storage.

namespace klutch::apiserver {

struct Examination {
  std::string name = {};  ///< of the file, for errors
  std::optional<crypto::Keyring> keys = {};
  /// Types whose objects ought to be sealed.
  std::vector<std::string> sealed_types = {};
};

/// Fills what a report says about the content of `database`, which must be readable, at one moment.
Result<> examine(sqlite::Database& database, const Examination& examination, CheckReport& report);

/// What is sealed by default.
std::vector<std::string> default_sealed_types();

}  // namespace klutch::apiserver

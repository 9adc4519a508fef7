// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "base/result.h"
#include "json/value.h"

// JSON Patch (RFC 6902): a list of operations on one document. Stateless and thread-safe; does not recurse. A
// patch comes from outside, so every way in which a small one could cost much is limited.

namespace klutch::json {

struct PatchLimits {
  std::size_t max_operations = 10'000;  ///< As Kubernetes.
  std::size_t max_depth = 256;          ///< Of the result.
  /// Bytes of memory that all `copy` operations together may add.
  std::size_t max_copied_bytes = std::size_t{16} << 20;
  /// Bytes that inserting into and removing from large arrays and objects may shift; seconds of work at most.
  std::size_t max_shifted_bytes = std::size_t{4} << 30;
};

/// Applies `patch` to `document`: all of it or nothing. Numbers are compared by value (RFC 6902 §4.6). Errors
/// name the operation by its index, from 0, and path: kBadRequest: not a patch; kInvalid: a path that does
/// not exist or cannot be changed so; kPreconditionFailed: a `test` did not hold; kTooLarge: a limit was
/// passed. Removing the whole document is kInvalid.
Result<> apply_patch(Value& document, const Value& patch, const PatchLimits& limits = {});

}  // namespace klutch::json

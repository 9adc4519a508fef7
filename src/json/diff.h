// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "json/value.h"

// The difference of two values as a JSON Patch (RFC 6902) of add, remove and replace operations. Stateless
// and thread-safe; cannot fail. Unchanged parts are not mentioned; equal elements of arrays are recognised
// when others are inserted or removed around them.

namespace klutch::json {

struct DiffOptions {
  /// With more operations than this the patch becomes one replacement of the whole document.
  std::size_t max_operations = 10'000;
  /// Arrays whose changed middles have m and n elements are matched up while m * n is at most this, in that
  /// many steps and 4 bytes each; larger ones are compared place by place.
  std::size_t max_matching = std::size_t{1} << 18;
};

/// A patch with apply_patch(from, patch) == to; an empty array when they are equal. What differs below 64
/// levels is replaced at that level.
Value diff(const Value& from, const Value& to, const DiffOptions& options = {});

}  // namespace klutch::json

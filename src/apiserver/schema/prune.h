// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "apiserver/schema/structural_schema.h"
#include "json/value.h"

// Removes from an object what its schema does not know, so that nothing is stored that a later version of the
// schema would take for something else. Pure functions on the value they are given; they do not fail.
//
//   for (const std::string& path : prune(object, schema.get(), {.report = true})) warn("unknown field \"" +
//       path + "\"");

namespace klutch::apiserver {

/// More paths than this are not reported; what they name is removed all the same.
inline constexpr std::size_t kMaxUnknownFields = 1000;

struct PruneOptions {
  /// Whether the value is a whole object, whose apiVersion, kind and metadata are always known.
  bool resource_root = true;
  /// Whether to collect the paths of what was removed.
  bool report = false;
};

/// Removes all members that `schema` does not specify, except below x-kubernetes-preserve-unknown-fields.
/// Without a schema (null pointer) nothing is specified. Gives the sorted paths, such as "spec.ports[0].x".
std::vector<std::string> prune(json::Value& value, const StructuralSchema* schema,
                               const PruneOptions& options = {});

/// Removes members that are null although their schema neither is nullable nor has a default.
void drop_nulls(json::Value& value, const StructuralSchema* schema);

}  // namespace klutch::apiserver

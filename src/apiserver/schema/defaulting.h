// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/schema/structural_schema.h"
#include "json/value.h"

namespace klutch::apiserver {

/// Puts the schema's defaults where a member is missing, or null although its schema is not nullable; then
/// goes on inside what was put. Used on what clients send, after prune() (prune.h) and drop_nulls(), and on
/// what is read from the store, with the schema of the storage version. Pure; does not fail.
void apply_defaults(json::Value& value, const StructuralSchema* schema);

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "apiserver/schema/field_error.h"
#include "apiserver/schema/structural_schema.h"
#include "json/value.h"

// Whether values fit a schema, with the texts of Kubernetes' OpenAPI validation and in its order; where
// Kubernetes goes through a map in random order, names are sorted here. Pure functions, safe from any thread;
// they recurse along the schema, whose depth is bounded. Rules in CEL are not applied here.

namespace klutch::apiserver {

/// At most so many errors are reported of one value.
inline constexpr std::size_t kMaxValidationErrors = 1000;

/// kObject: a custom resource. kDefault: a default in a schema, where Kubernetes also applies formats that it
/// does not know in objects, and takes int-or-string for any type.
enum class ValidationPurpose { kObject, kDefault };

/// All that is wrong with `value`, each with its path below `root`.
FieldErrors validate_value(const FieldPath& root, const json::Value& value, const StructuralSchema& schema,
                           ValidationPurpose purpose = ValidationPurpose::kObject);

/// As validate_value() for a value that replaces `old`: what was wrong in a part that did not change is
/// tolerated, so that a schema can become stricter (KEP-4008). Parts are compared by name, and in lists of
/// type map by their keys.
FieldErrors validate_value_update(const FieldPath& root, const json::Value& value, const json::Value& old,
                                  const StructuralSchema& schema);

/// Elements that occur twice in lists of type set or map.
FieldErrors validate_unique_lists(const FieldPath& root, const json::Value& value,
                                  const StructuralSchema& schema);

}  // namespace klutch::apiserver

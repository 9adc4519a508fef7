// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/schema/field_error.h"
#include "apiserver/schema/structural_schema.h"

// Whether the defaults of a schema fit it. Pure functions; they recurse along the schema, whose depth is
// bounded. Private to this library.

namespace klutch::apiserver {

/// What is wrong with the defaults of a whole resource's schema. `require_pruned`: they must not hold unknown
/// fields.
FieldErrors validate_schema_defaults(const FieldPath& path, const SchemaPtr& schema, bool require_pruned);

/// Whether any default holds fields that the schema does not know.
bool has_unpruned_defaults(const StructuralSchema& schema);

}  // namespace klutch::apiserver

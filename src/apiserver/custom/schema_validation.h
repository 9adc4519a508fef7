// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "apiserver/custom/definition_view.h"
#include "apiserver/custom/schema_rules.h"
#include "apiserver/schema/field_error.h"
#include "apiserver/schema/structural_schema.h"

// Everything about the schema of a version. Pure. Private to this library.

namespace klutch::apiserver {

struct SchemaOptions {
  bool structural = true;
  bool pruned_defaults = true;
  SchemaDemands rules = {};
  /// The schemas that the definition had before it was changed.
  std::vector<SchemaPtr> previous = {};
};

/// `path`: of the object that holds openAPIV3Schema.
FieldErrors validate_version_schema(const FieldPath& path, const VersionParts& parts, bool has_status,
                                    const SchemaOptions& options, SchemaPool& pool);

}  // namespace klutch::apiserver

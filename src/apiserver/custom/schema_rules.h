// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "apiserver/schema/field_error.h"
#include "json/value.h"

// What a schema in a CustomResourceDefinition must not say besides being structural. Pure functions; they
// recurse along the schema, which must not be too deep for that. Private to this library.

namespace klutch::apiserver {

/// What is demanded of a new schema, and of a changed one unless it lacked that before.
struct SchemaDemands {
  bool valid_types = true;
  bool atomic_sets = true;  ///< items of sets are atomic
  bool map_keys = true;     ///< keys of list maps are there, items are not null
};

/// `schema`: a whole openAPIV3Schema, `path`: where it stands.
FieldErrors validate_schema_rules(const FieldPath& path, const json::Value& schema,
                                  const SchemaDemands& demands);

/// Whether it has more levels than functions here may follow (kMaxSchemaDepth).
bool is_too_deep(const json::Value& schema);

/// Whether any schema in `schema`, itself included, has a property.
bool any_schema(const json::Value& schema, const std::function<bool(const json::Value&)>& has);

bool has_unknown_type(const json::Value& schema);
bool has_non_atomic_set(const json::Value& schema);
bool has_bad_map_keys(const json::Value& schema);

}  // namespace klutch::apiserver

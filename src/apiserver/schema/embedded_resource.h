// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apiserver/schema/field_error.h"
#include "apiserver/schema/structural_schema.h"
#include "json/value.h"

// Objects inside objects (x-kubernetes-embedded-resource): their apiVersion, kind and metadata are read and
// checked as those of whole objects. Pure functions; they recurse along the schema, whose depth is bounded.

namespace klutch::apiserver {

struct EmbeddedOptions {
  /// Whether the value itself is a whole object, whatever its schema says.
  bool resource_root = false;
  /// Drops what is of a wrong type instead of failing: for what is read from the store.
  bool drop_invalid = false;
};

struct EmbeddedResult {
  std::optional<FieldError> error = {};   ///< the first; the value may be half done then
  std::vector<std::string> unknown = {};  ///< paths of unknown metadata fields, sorted
};

/// Brings apiVersion, kind and metadata of all embedded objects into the form in which they are stored.
EmbeddedResult coerce_embedded_resources(json::Value& value, const StructuralSchema* schema,
                                         const EmbeddedOptions& options = {}, const FieldPath& path = {});

/// What is wrong with apiVersion, kind and metadata of embedded objects.
FieldErrors validate_embedded_resources(const FieldPath& path, const json::Value& value,
                                        const StructuralSchema* schema, bool resource_root = false);

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "apiserver/custom/definition_view.h"
#include "apiserver/schema/field_error.h"
#include "apiserver/schema/structural_schema.h"
#include "json/value.h"

// What may stand in a version of a CustomResourceDefinition besides its schema. Pure functions. Private to
// this library.

namespace klutch::apiserver {

/// `version`: an entry of spec.versions; `path`: of its deprecationWarning.
FieldErrors validate_deprecation(const FieldPath& path, const json::Value& version);
/// A null pointer is right.
FieldErrors validate_subresources(const FieldPath& path, const json::Value* subresources);
FieldErrors validate_columns(const FieldPath& path, std::span<const json::Value> columns);
/// `path`: of the version, or of spec for those that all versions share.
FieldErrors validate_selectable_fields(const FieldPath& path, const VersionParts& parts, bool is_shared,
                                       SchemaPool& pool);

}  // namespace klutch::apiserver

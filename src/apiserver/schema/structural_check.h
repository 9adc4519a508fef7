// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/schema/field_error.h"
#include "json/value.h"

namespace klutch::apiserver {

/// What keeps an openAPIV3Schema, as JSON, from being structural: every field has a type, and schemas inside
/// allOf, anyOf, oneOf and not only restrict values. Sorted by text. The schema must be one that
/// parse_schema() reads (structural_schema.h), which also bounds its depth; `path` is where it stands.
FieldErrors validate_structural(const FieldPath& path, const json::Value& openapi_v3_schema);

}  // namespace klutch::apiserver

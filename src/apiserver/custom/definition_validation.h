// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "apiserver/schema/field_error.h"
#include "apiserver/schema/structural_schema.h"
#include "json/value.h"

// Whether a CustomResourceDefinition may be stored, in the texts and the order of Kubernetes 1.34 (names are
// sorted where Go goes through a map). Definitions have been read and defaulted before. Pure functions.
// Private to this library.

namespace klutch::apiserver {

FieldErrors validate_definition(const json::Value& definition, SchemaPool& pool);
/// What was wrong with `old` in certain ways is tolerated.
FieldErrors validate_definition_update(const json::Value& definition, const json::Value& old,
                                       SchemaPool& pool);
/// Through the status endpoint.
FieldErrors validate_definition_status(const json::Value& definition, const json::Value& old);

/// Formats of strings in the schemas that nobody checks.
std::vector<std::string> unrecognized_formats(const json::Value& definition);

}  // namespace klutch::apiserver

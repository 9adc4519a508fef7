// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "apiserver/schema/structural_schema.h"
#include "json/value.h"

// Small questions of the validator about single values, answered as Kubernetes' OpenAPI library answers them.
// Private to src/apiserver/schema.

namespace klutch::apiserver {

/// The name of a value's type, and the format that Go's type for it implies.
struct ValueType {
  SchemaType type;
  std::string_view format;
};

/// Of a value that is not null.
ValueType type_of(const json::Value& value);

/// Whether a number counts as an integer: whole, or nearly so.
bool is_whole(double number);

/// The length of UTF-8 text in code points.
std::int64_t count_code_points(std::string_view text);

/// Whether a value is one of `enum`: it is converted to the type of the allowed one before they are compared,
/// so 1.9 is allowed as 1, and 65 as "A".
bool is_allowed_as(const json::Value& value, const json::Value& allowed);

}  // namespace klutch::apiserver

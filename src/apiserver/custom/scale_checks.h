// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/custom/served_definition.h"
#include "apiserver/schema/field_error.h"
#include "json/value.h"

// Whether the numbers of a scale subresource are numbers. Pure functions. Private to this library.

namespace klutch::apiserver {

/// ".spec.replicas" as names: {"spec", "replicas"}.
std::vector<std::string> split_scale_path(std::string_view path);

FieldErrors validate_scale_spec(const json::Value& object, const ScaleTexts& scale);
FieldErrors validate_scale_status(const json::Value& object, const ScaleTexts& scale);

}  // namespace klutch::apiserver

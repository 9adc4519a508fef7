// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "json/value.h"

// OpenAPI v2 in protobuf, as github.com/google/gnostic defines it (OpenAPIv2.proto): the only form that
// kubectl before 1.27 and typed Go clients read. Pure.

namespace klutch::apiserver {

/// An openapi.v2.Document. `document` is one that openapi_v2() made: what other documents could have besides
/// is left out.
std::string gnostic_document(const json::Value& document);

}  // namespace klutch::apiserver

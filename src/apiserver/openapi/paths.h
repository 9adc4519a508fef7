// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/openapi/definitions.h"
#include "apiserver/registry/resource.h"
#include "json/value.h"

// The operations on one resource as OpenAPI describes them: paths, methods, names of operations, parameters.
// Clients read them to learn whether a kind takes strategic merge patches, dry runs and field validation.

namespace klutch::apiserver {

/// Adds the paths of `served` to `paths`, and the schemas that they refer to to `definitions`.
void add_paths(json::Value& paths, const ServedResource& served, Definitions& definitions);

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "apiserver/registry/registry.h"
#include "apiserver/registry/resource.h"
#include "json/value.h"

// Whole OpenAPI documents. Pure functions of what is served: equal input gives equal bytes.

namespace klutch::apiserver {

/// OpenAPI v3 for one group and version.
json::Value openapi_v3(const std::vector<ServedPtr>& resources);
/// OpenAPI v2 for everything.
json::Value openapi_v2(const std::vector<Registry::Group>& groups);

}  // namespace klutch::apiserver

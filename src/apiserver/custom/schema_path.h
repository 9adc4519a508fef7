// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "apiserver/schema/structural_schema.h"
#include "base/result.h"

// Paths into a schema, such as `.spec.color` or `.spec['x.y']`, as fieldPath of rules and selectableFields
// have them. Pure functions. Private to this library.

namespace klutch::apiserver {

struct SchemaPlace {
  std::string path = {};  ///< "spec.color"
  std::string root = {};  ///< "spec"
  const StructuralSchema* schema = nullptr;
};

/// Where `path` leads in `schema`. kInvalid in Kubernetes' words: "does not refer to a valid field".
Result<SchemaPlace> find_schema_place(std::string_view path, const StructuralSchema& schema,
                                      bool allow_brackets);

}  // namespace klutch::apiserver

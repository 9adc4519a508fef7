// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "apiserver/registry/resource.h"
#include "apiserver/schema/structural_schema.h"
#include "apiserver/storage/stored_object.h"

// The resources that a CustomResourceDefinition makes. Only names and switches are read at once: schemas,
// ownership, columns and the published schema are made when they are first needed, from the definition's
// bytes, and equal parts of schemas exist once. Pure; the result may be used from any thread.
//
//   SchemaPool pool;
//   Registry registry(storage, builtin, [&](const StoredPtr& d) { return custom_resources_of(d, pool); });

namespace klutch::apiserver {

/// One for each served version of a definition that is Established; none otherwise. While the definition is
/// being deleted, new objects cannot be created. `pool` must outlive what is returned.
std::vector<ServedPtr> custom_resources_of(const StoredPtr& definition, SchemaPool& pool);

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "apiserver/registry/resource.h"
#include "apiserver/schema/structural_schema.h"

// What CustomResourceDefinitions themselves go through (apiextensions.k8s.io/v1). Clients are told what is
// wrong with a definition in Kubernetes' words; one that is accepted can be served. Any thread.
//
//   SchemaPool pool;
//   crds->behavior = definition_behavior(pool);

namespace klutch::apiserver {

/// `pool` must outlive what is returned.
std::shared_ptr<const ResourceBehavior> definition_behavior(SchemaPool& pool);

}  // namespace klutch::apiserver

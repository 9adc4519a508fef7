// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "apiserver/registry/resource.h"
#include "kube/api/resource.h"

// The tables that `kubectl get` shows of built-in kinds, column for column and cell for cell those of
// Kubernetes 1.34. Immutable and shared; any thread. Cells never fail: what an object lacks shows as
// Kubernetes shows it.
//
//   resource.table = builtin_table({"apps", "v1", "deployments", "Deployment"});

namespace klutch::apiserver {

/// Of a kind without columns of its own: the name and when it was created. Never null.
std::shared_ptr<const TableShape> builtin_table(const kube::ResourceType& type);

/// Of a Scale (autoscaling/v1), whatever it scales.
const std::shared_ptr<const TableShape>& scale_table();

/// Of custom resources without columns: name and age.
const std::shared_ptr<const TableShape>& name_and_age_table();

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "kube/api/object.h"
#include "kube/api/resource.h"
#include "kube/runtime/informer.h"

// From changes to keys: which objects of a controller a change concerns. Both kinds of function run on the
// loop, on every change, and must not suspend.

namespace klutch::kube {

/// The keys of the controller's own objects that depend on this watched object. Asked for the state before
/// and after a change.
using Mapper = std::function<std::vector<Key>(const Object&)>;

/// Always this one.
Mapper enqueue_singleton(Key key);
/// The one of the same namespace and name.
Mapper enqueue_same_key();
/// The controller among the owners (metadata.ownerReferences), if it is of this type; any version of it
/// counts.
Mapper enqueue_owner(const ResourceType& owner);

/// Whether a change of one of the controller's own objects is worth a reconcile. Deletions are not asked
/// about.
using Predicate = std::function<bool(const Change&)>;

/// Changes of spec, that is of metadata.generation, and of what else an author can mean: labels, annotations,
/// finalizers, the beginning of deletion. Leaves out changes of status. For types whose server counts
/// generations, which custom resources with a status subresource do; objects without generation always pass.
Predicate not_only_status();
/// Only changes of metadata.generation, and the beginning of deletion.
Predicate generation_changed();

}  // namespace klutch::kube

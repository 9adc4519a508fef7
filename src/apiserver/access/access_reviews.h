// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/access/access.h"
#include "apiserver/registry/resource.h"

// The reviews of authorization.k8s.io/v1. Private to src/apiserver/access; reviews.h gives them to others.

namespace klutch::apiserver {

Action subject_access_review(const Access& access);
Action self_subject_access_review(const Access& access);
Action local_subject_access_review(const Access& access);
Action self_subject_rules_review(const Access& access);

}  // namespace klutch::apiserver

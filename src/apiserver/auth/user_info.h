// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/auth/user.h"
#include "json/value.h"

// Users as UserInfo of authentication.k8s.io/v1 writes them, and as a SubjectAccessReview asks about them.
// Pure.

namespace klutch::apiserver {

/// {"username", "uid", "groups", "extra"}, what is empty left out.
json::Value user_info(const User& user);

/// From the members "user", "uid", "groups" and "extra" of a SubjectAccessReview's spec.
User user_of_review(const json::Value& spec);

}  // namespace klutch::apiserver

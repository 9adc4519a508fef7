// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "apiserver/auth/request_attributes.h"
#include "apiserver/auth/user.h"
#include "base/result.h"
#include "http/headers.h"

// Acting as somebody else: the headers Impersonate-User, -Group, -Uid and -Extra-<key> (Kubernetes, "User
// impersonation"). Pure: who may do so is decided with what is asked for here.

namespace klutch::apiserver {

struct Impersonation {
  /// Who the request is to be made as, with the groups that everybody of that kind has.
  User user = {};
  /// What the sender must be allowed to do, all of it: verb "impersonate" on users, groups and so on.
  std::vector<RequestAttributes> needed = {};
};

/// Nothing if no such header is there. kBadRequest for a group, uid or extra without a user, and for a user
/// or uid that is there twice.
Result<std::optional<Impersonation>> read_impersonation(const http::Headers& headers);

}  // namespace klutch::apiserver

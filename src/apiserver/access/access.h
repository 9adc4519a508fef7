// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "apiserver/auth/rbac.h"
#include "apiserver/auth/request_attributes.h"
#include "apiserver/auth/user.h"
#include "base/result.h"
#include "http/headers.h"

// Whether a user may do something: roles decide, members of system:masters may do anything, and nobody in
// particular ("system:anonymous") may see health and version, if a role says so, and no more. Loop thread
// only; never suspends.
//
//   const User user = TRY(access.impersonated(TRY(authenticator.authenticate(request)), request.headers));
//   TRY(access.check(user, attributes));

namespace klutch::apiserver {

/// kForbidden as Kubernetes says it, with its Status: `secrets "x" is forbidden: <why>`. `resource` and
/// `group` are empty for other paths.
Error forbidden(std::string_view group, std::string_view resource, std::string_view name,
                std::string_view why);

class Access {
 public:
  struct Options {
    /// What anonymous users are granted by roles counts everywhere, not only for health and version.
    bool anonymous_as_roles_say = false;
  };
  /// `objects` must outlive it.
  explicit Access(const RbacObjects& objects) : Access(objects, Options()) {}
  Access(const RbacObjects& objects, Options options) : objects_(objects), options_(options) {}

  struct Verdict {
    bool allowed = false;
    /// What granted it; for a denial empty, or that a role is missing.
    std::string reason = {};
  };
  [[nodiscard]] Verdict decide(const User& user, const RequestAttributes& request) const;
  /// kForbidden, telling what `user` may not do. `told`, unless it is null, gets the verdict, for audit logs.
  [[nodiscard]] Result<> check(const User& user, const RequestAttributes& request,
                               Verdict* told = nullptr) const;

  /// Whom `user` acts as according to the headers Impersonate-*; himself if there are none. kForbidden when
  /// he may not; for the rest see read_impersonation.
  [[nodiscard]] Result<User> impersonated(const User& user, const http::Headers& headers) const;

  [[nodiscard]] const RbacObjects& objects() const noexcept { return objects_; }

 private:
  const RbacObjects& objects_;
  Options options_;
};

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/api/resource.h"

// Who sends a request, as far as the API server knows. A plain value.

namespace klutch::apiserver {

struct User {
  std::string name = {};
  std::string uid = {};
  std::vector<std::string> groups = {};
  std::map<std::string, std::vector<std::string>> extra = {};

  [[nodiscard]] bool in_group(std::string_view group) const;
};

inline constexpr std::string_view kAnonymousUser = "system:anonymous";
inline constexpr std::string_view kUnauthenticatedGroup = "system:unauthenticated";
inline constexpr std::string_view kAuthenticatedGroup = "system:authenticated";
/// Members may do anything.
inline constexpr std::string_view kMastersGroup = "system:masters";

/// Of a token or certificate: `User::extra[kCredentialId]` names the one that was shown, for audit logs.
inline constexpr std::string_view kCredentialId = "authentication.kubernetes.io/credential-id";

/// "system:serviceaccount:<namespace>:<name>".
std::string service_account_user(std::string_view ns, std::string_view name);
/// The ServiceAccount whose user name that is; nothing for other users.
std::optional<kube::Key> service_account_of(std::string_view user_name);
/// The groups of every ServiceAccount in `ns`.
std::vector<std::string> service_account_groups(std::string_view ns);

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/auth/user.h"
#include "json/value.h"
#include "kube/api/resource.h"

// The roles and bindings that every cluster begins with, as kube-apiserver has them, and what to do about
// those that are missing or lack something. An object whose annotation
// rbac.authorization.kubernetes.io/autoupdate is "false" is left as it is. Pure; the caller writes.
//
//   for (auto& repair : bootstrap_repairs(find)) ...  // create, update or replace repair.object

namespace klutch::apiserver {

inline constexpr std::string_view kRbacGroup = "rbac.authorization.k8s.io";
inline constexpr std::string_view kRolesType = "roles.rbac.authorization.k8s.io";
inline constexpr std::string_view kRoleBindingsType = "rolebindings.rbac.authorization.k8s.io";
inline constexpr std::string_view kClusterRolesType = "clusterroles.rbac.authorization.k8s.io";
inline constexpr std::string_view kClusterRoleBindingsType = "clusterrolebindings.rbac.authorization.k8s.io";

/// Who the server itself is when it changes objects: "system:apiserver", who may do anything.
const User& server_user();

struct BootstrapObject {
  std::string_view type = {};  ///< in the store: kClusterRolesType and so on
  kube::Key key = {};
  json::Value object = {};
};
/// Roles before the bindings to them. Those in a namespace belong to kube-system.
const std::vector<BootstrapObject>& bootstrap_policy();

struct BootstrapRepair {
  enum class Kind {
    kCreate,
    kUpdate,   ///< `object` is what is there and what was missing
    kReplace,  ///< a binding to another role: delete it, then create
  };
  Kind kind = Kind::kCreate;
  const BootstrapObject* wanted = nullptr;
  json::Value object = {};
};
/// What is stored there; nothing if nothing is.
using FindObject = std::function<std::optional<json::Value>(std::string_view type, const kube::Key& key)>;
/// What has to be done, in this order. What users added stays.
std::vector<BootstrapRepair> bootstrap_repairs(const FindObject& find);

}  // namespace klutch::apiserver

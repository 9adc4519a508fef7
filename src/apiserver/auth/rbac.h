// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/auth/request_attributes.h"
#include "apiserver/auth/user.h"
#include "json/value.h"

// Role-based access control: what is not granted is denied, grants add up (Kubernetes, "Using RBAC
// Authorization"). Roles and bindings come from the store through RbacObjects. Pure, and as fast as its
// source.

namespace klutch::apiserver {

/// One rule of a role.
struct PolicyRule {
  std::vector<std::string> verbs = {};
  std::vector<std::string> api_groups = {};
  std::vector<std::string> resources = {};       ///< "pods", "pods/log", "*", "*/status"
  std::vector<std::string> resource_names = {};  ///< empty: all
  std::vector<std::string> non_resource_urls = {};

  static PolicyRule from_json(const json::Value& rule);
  [[nodiscard]] json::Value to_json() const;
  /// Whether it grants what `request` asks for.
  [[nodiscard]] bool allows(const RequestAttributes& request) const;
  /// Whether it grants all of `other` by itself.
  [[nodiscard]] bool covers(const PolicyRule& other) const;
  /// As Go prints it in messages: {APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}
  [[nodiscard]] std::string to_string() const;
  bool operator==(const PolicyRule&) const = default;
};

using PolicyRules = std::vector<PolicyRule>;
std::vector<PolicyRule> policy_rules_of(const json::Value& role);

struct Subject {
  enum class Kind { kUser, kGroup, kServiceAccount, kOther };
  Kind kind = Kind::kOther;
  std::string name = {};
  std::string ns = {};  ///< of a service account; empty in a RoleBinding: the binding's own

  [[nodiscard]] bool is(const User& user, std::string_view binding_namespace) const;
};

/// A RoleBinding or ClusterRoleBinding.
struct Binding {
  std::string name = {};
  std::string ns = {};  ///< empty for a ClusterRoleBinding
  std::string role_kind = {};
  std::string role_name = {};
  std::vector<Subject> subjects = {};

  static Binding from_json(const json::Value& binding);
};

/// Where roles and bindings come from. What it returns stays valid as long as the caller holds it.
class RbacObjects {
 public:
  virtual ~RbacObjects() = default;
  using BindingPtr = std::shared_ptr<const Binding>;
  [[nodiscard]] virtual std::vector<BindingPtr> cluster_role_bindings() const = 0;
  [[nodiscard]] virtual std::vector<BindingPtr> role_bindings(std::string_view ns) const = 0;
  /// `ns` is empty for a ClusterRole. Null if there is no such role.
  [[nodiscard]] virtual std::shared_ptr<const PolicyRules> rules_of_role(std::string_view ns,
                                                                         std::string_view name) const = 0;
};

/// Why a request is allowed; nothing: it is not.
struct Grant {
  std::string reason = {};  ///< RBAC: allowed by ClusterRoleBinding "a" of ClusterRole "b" to Group "c"
};
std::optional<Grant> authorize(const RbacObjects& objects, const User& user,
                               const RequestAttributes& request);

/// A role that something is bound to although it does not exist.
struct MissingRole {
  bool cluster_wide = false;
  std::string name = {};
  bool operator==(const MissingRole&) const = default;
};
/// Why `user` may have less rights in `ns` than he expects.
std::vector<MissingRole> missing_roles(const RbacObjects& objects, const User& user, std::string_view ns);
/// `clusterrole.rbac.authorization.k8s.io "a" not found`; several in brackets; empty for none.
std::string missing_roles_message(const std::vector<MissingRole>& missing);

/// Everything that is granted to `user` in `ns` (cluster-wide alone if that is empty).
PolicyRules rules_for(const RbacObjects& objects, const User& user, std::string_view ns);

/// The parts of `wanted` that `held` does not grant, each with one verb, group and resource. A rule that no
/// single one grants and that has too many parts counts as not granted, as a whole.
PolicyRules missing_rules(const PolicyRules& held, const PolicyRules& wanted);

/// What a user is told who tries to grant `missing`, in the words of Kubernetes.
std::string escalation_message(const User& user, const PolicyRules& missing);

/// What a user is told who lacks a right: User "a" cannot get resource "pods" in API group "" in the
/// namespace "b".
std::string forbidden_message(const User& user, const RequestAttributes& request);

}  // namespace klutch::apiserver

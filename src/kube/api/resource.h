// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

// The names of things in the Kubernetes API: groups, versions, kinds, resources and objects. Plain values;
// only parsing can fail. "Resource" is the word in the URL ("deployments"), "kind" the one in the object
// ("Deployment").
//
//   const kube::ResourceType kDeployment{"apps", "v1", "deployments", "Deployment"};
//   const kube::Key web{"default", "web"};

namespace klutch::kube {

struct GroupVersion {
  std::string group = {};  ///< empty for the core group
  std::string version = {};

  /// From `apiVersion`: "v1" or "apps/v1". kInvalid for anything with an empty part or more than one '/'.
  static Result<GroupVersion> parse(std::string_view api_version);
  /// "v1" or "apps/v1".
  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const GroupVersion&) const = default;
};

struct GroupKind {
  std::string group = {};
  std::string kind = {};

  /// "Secret" or "Deployment.apps".
  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const GroupKind&) const = default;
};

struct GroupResource {
  std::string group = {};
  std::string resource = {};  ///< plural, lower case

  /// From "secrets" or "deployments.apps": all after the first '.' is the group. kInvalid if the resource is
  /// empty.
  static Result<GroupResource> parse(std::string_view text);
  /// "secrets" or "deployments.apps", also the name of the CustomResourceDefinition.
  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const GroupResource&) const = default;
};

/// One type of object as an API server serves it: all that a request has to know.
struct ResourceType {
  std::string group = {};  ///< empty for the core group
  std::string version = {};
  std::string resource = {};  ///< plural, lower case: "deployments"
  std::string kind = {};      ///< "Deployment"
  bool namespaced = true;

  /// "v1" or "apps/v1".
  [[nodiscard]] std::string api_version() const;
  [[nodiscard]] GroupVersion group_version() const { return {group, version}; }
  [[nodiscard]] GroupKind group_kind() const { return {group, kind}; }
  [[nodiscard]] GroupResource group_resource() const { return {group, resource}; }
  /// "secrets" or "deployments.apps": for messages and metrics.
  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const ResourceType&) const = default;
};

/// Which object of a type. `ns` is empty for objects without a namespace.
struct Key {
  std::string ns = {};
  std::string name = {};

  /// From "name" or "namespace/name". kInvalid for an empty part or more than one '/'.
  static Result<Key> parse(std::string_view text);
  /// "name" or "namespace/name".
  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const Key&) const = default;
};

}  // namespace klutch::kube

template <>
struct std::hash<klutch::kube::Key> {
  std::size_t operator()(const klutch::kube::Key& key) const noexcept {
    const std::size_t ns = std::hash<std::string>{}(key.ns);
    return std::hash<std::string>{}(key.name) ^ (ns + 0x9e3779b97f4a7c15U + (ns << 6U) + (ns >> 2U));
  }
};

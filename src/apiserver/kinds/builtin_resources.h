// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/registry/resource.h"

// The resources that come with Kubernetes, as this server offers them: everything that only has to be stored,
// and reviews and tokens where somebody provides what they do. Those that need a kubelet (logs, exec, port
// forwarding) or a scheduler are left out. Immutable once made.
//
//   auto resources = builtin_resources({.actions = std::move(reviews), .definitions =
//   definition_behavior()}); Registry registry(storage, std::move(resources), read_definition);

namespace klutch::apiserver {

/// Finds cluster IPs for Services.
class ServiceAddresses {
 public:
  virtual ~ServiceAddresses() = default;
  /// An address that no Service has; empty: all are taken. Pure as far as the store's newest state goes.
  [[nodiscard]] virtual std::string allocate() const = 0;
  /// Why the Service `self` cannot have this address, in Kubernetes' words; empty: it can.
  [[nodiscard]] virtual std::string problem(std::string_view address, const kube::Key& self) const = 0;
};

struct BuiltinOptions {
  /// What creating does that stores nothing: "tokenreviews.authentication.k8s.io", "serviceaccounts/token",
  /// "pods/eviction". What is not named here is not served.
  std::map<std::string, Action, std::less<>> actions = {};
  /// Of customresourcedefinitions; null: a plain stored kind.
  std::shared_ptr<const ResourceBehavior> definitions = {};
  /// The columns of a resource; null, or null for a resource: name and age.
  std::function<std::shared_ptr<const TableShape>(const kube::ResourceType&)> table = {};
  /// Null: Services get no cluster IP.
  std::shared_ptr<const ServiceAddresses> addresses = {};
};

/// Sorted by group, version and name as the facts are.
std::vector<ServedPtr> builtin_resources(const BuiltinOptions& options);

}  // namespace klutch::apiserver

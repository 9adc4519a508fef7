// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "json/build.h"
#include "json/print.h"
#include "json/yaml.h"
#include "kube/api/kinds.h"
#include "kube/api/object.h"
#include "kube/client/client_config.h"
#include "kube/client/http_client.h"
#include "kube/client/kubeconfig.h"
#include "testing/embedded_server.h"
#include "testing/fiber_test.h"

// What the suites of klutch-apiserver share: a server of their own, which forgets everything, and its
// administrator's client.

namespace klutch::testing {

struct ApiBench {
  explicit ApiBench(Ctx& ctx, std::vector<std::string> arguments = {"--ephemeral"})
      : server(KLUTCH_APISERVER_PROGRAM, std::move(arguments)) {
    const auto started = server.start(ctx);
    EXPECT_TRUE(started) << started.error().message();
    if (started) client = make_client(ctx);
  }
  [[nodiscard]] std::unique_ptr<kube::HttpClient> make_client(
      Ctx& ctx, const kube::ConfigOverrides& overrides = {}) const {
    const auto config =
        kube::resolve(kube::Kubeconfig::parse(server.kubeconfig()).value(), overrides).value();
    return kube::HttpClient::make(ctx, config).value();
  }

  EmbeddedServer server;
  std::unique_ptr<kube::HttpClient> client = {};
};

inline const kube::ResourceType kNamespaces{"", "v1", "namespaces", "Namespace", false};
inline const kube::ResourceType kConfigMaps{"", "v1", "configmaps", "ConfigMap"};
inline const kube::ResourceType kSecrets{"", "v1", "secrets", "Secret"};
inline const kube::ResourceType kServiceAccounts{"", "v1", "serviceaccounts", "ServiceAccount"};
inline const kube::ResourceType kClusterRoles{"rbac.authorization.k8s.io", "v1", "clusterroles",
                                              "ClusterRole", false};
inline const kube::ResourceType kDefinitions{"apiextensions.k8s.io", "v1", "customresourcedefinitions",
                                             "CustomResourceDefinition", false};

inline kube::Object yaml(std::string_view text) {
  return json::parse_yaml(text).value();
}

/// Asks again until `done` says so, or for ten seconds.
template <class Done>
bool eventually(Ctx& ctx, Done done) {
  for (int i = 0; i < 500; ++i) {
    if (done()) return true;
    if (!ctx.sleep(std::chrono::milliseconds(20))) return false;
  }
  return false;
}

inline bool is_gone(Ctx& ctx, kube::Client& client, const kube::ResourceType& type, const kube::Key& key) {
  const auto found = client.find(ctx, type, key);
  return found && !*found;
}

}  // namespace klutch::testing

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "json/build.h"
#include "json/parse.h"
#include "kube/api/kinds.h"
#include "kube/api/status.h"
#include "kube/client/client_config.h"
#include "kube/client/http_client.h"
#include "testing/fiber_test.h"
#include "testing/kube_server.h"

// What the suites of kube/client share: a client of an administrator, a namespace of one's own, and the
// custom type widgets.ex.io, which the server in memory has from the start.

#define SKIP_UNLESS_REAL(reason) \
  if (!testing::kube_server_is_real()) GTEST_SKIP() << "the server in memory " << (reason)

namespace klutch::kube {

inline const ResourceType kWidget{"ex.io", "v1", "widgets", "Widget"};

/// A CustomResourceDefinition of group ex.io with a status subresource.
inline Object definition(const std::string& plural, const std::string& kind) {
  const auto schema = json::parse(R"({"openAPIV3Schema": {"type": "object", "properties": {
    "spec": {"type": "object", "properties": {
      "size": {"type": "integer", "maximum": 100}, "color": {"type": "string"},
      "tags": {"type": "array", "items": {"type": "string"}}}},
    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}})");
  return json::object(
      {{"apiVersion", "apiextensions.k8s.io/v1"},
       {"kind", "CustomResourceDefinition"},
       {"metadata", json::object({{"name", plural + ".ex.io"}})},
       {"spec", json::object(
                    {{"group", "ex.io"},
                     {"scope", "Namespaced"},
                     {"names", json::object({{"plural", plural}, {"kind", kind}})},
                     {"versions", json::array({json::object(
                                      {{"name", "v1"},
                                       {"served", true},
                                       {"storage", true},
                                       {"schema", schema.value()},
                                       {"subresources", json::object({{"status", json::object()}})}})})}})}});
}

inline Object config_map(const std::string& ns, const std::string& name, std::string_view value = "one") {
  return json::object({{"apiVersion", "v1"},
                       {"kind", "ConfigMap"},
                       {"metadata", json::object({{"namespace", ns}, {"name", name}})},
                       {"data", json::object({{"key", value}})}});
}

inline Object widget(const std::string& ns, const std::string& name, int size = 1) {
  return json::object({{"apiVersion", "ex.io/v1"},
                       {"kind", "Widget"},
                       {"metadata", json::object({{"namespace", ns}, {"name", name}})},
                       {"spec", json::object({{"size", size}})}});
}

class Setup {
 public:
  explicit Setup(Ctx& owner, HttpClientOptions options = {}) : ctx(owner) {
    server = testing::start_kube_server(ctx).value();
    config = std::make_unique<ClientConfig>(resolve(Kubeconfig::parse(server->kubeconfig()).value()).value());
    client_ = HttpClient::make(ctx, *config, std::move(options)).value();
    ns = "client-" + random_suffix();
    const auto created = client_->create(ctx, Namespace(ns));
    EXPECT_TRUE(created) << created.error().message();
  }

  /// Makes widgets.ex.io if the server lacks it, and waits until it is served.
  void ensure_widgets() {
    if (!testing::kube_server_is_real()) return;
    const auto made = client_->create(ctx, CustomResourceDefinition::type(), definition("widgets", "Widget"));
    EXPECT_TRUE(made || is(made.error(), Code::kAlreadyExists)) << made.error().message();
    // Served is not yet writable everywhere: the real one holds writes back for a moment.
    while (!client_->list_page(ctx, kWidget, {.ns = ns})) {
      ASSERT_TRUE(ctx.sleep(std::chrono::milliseconds(100)));
    }
  }

  HttpClient* operator->() const { return client_.get(); }
  [[nodiscard]] HttpClient& client() const { return *client_; }

  Ctx& ctx;
  std::unique_ptr<testing::KubeServer> server;
  std::unique_ptr<ClientConfig> config;
  std::string ns;

 private:
  std::unique_ptr<HttpClient> client_;
};

/// The code of a Result that should have failed.
template <class T>
Code code_of(const Result<T>& result) {
  EXPECT_FALSE(result) << "it succeeded";
  return result ? Code::kCancelled : result.error().code();
}

}  // namespace klutch::kube

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/ctx.h"
#include "base/clock.h"
#include "http/transport.h"
#include "kube/api/object.h"
#include "testing/kube_server.h"
#include "testing/memory_store.h"
#include "testing/server_faults.h"

// A small API server in the test's own loop, over real HTTPS on loopback, with its objects in memory: enough
// of Kubernetes to test clients and informers, and able to misbehave on purpose. It serves namespaces,
// secrets, configmaps, serviceaccounts, events, leases, CustomResourceDefinitions and the custom type
// widgets.ex.io/v1, with CRUD, pages from one snapshot, watches with history, bookmarks and initial events,
// selectors, finalizers, status subresources and Status errors as the real one has them. It does not have:
// authorisation, admission, schemas, defaults, server-side apply (415), lists in strategic merge patches
// (501), tables, garbage collection, ownership of fields.
//
//   testing::MemoryApiServer server(ctx);
//   server.faults().add({.fault = {Fault::Kind::kWatchEnds}, .verb = "watch"});
//   const auto config = kube::parse_kubeconfig(server.kubeconfig());

namespace klutch::testing {

struct MemoryApi;

struct MemoryApiOptions {
  bool tls = true;
  std::size_t history = 100'000;  ///< changes kept for watches and pages
  /// Knows sendInitialEvents (KEP-3157); otherwise it is refused with 422.
  bool watch_lists = true;
  Duration bookmark_interval = std::chrono::minutes(1);
  std::uint64_t seed = 1;  ///< of faults with a probability
  std::size_t connections = 1024;
};

class MemoryApiServer final : public KubeServer {
 public:
  explicit MemoryApiServer(Ctx& ctx, const MemoryApiOptions& options = {});
  /// Ends all watches in order and waits for all connections.
  ~MemoryApiServer() override;
  MemoryApiServer(const MemoryApiServer&) = delete;
  MemoryApiServer& operator=(const MemoryApiServer&) = delete;

  /// With a bearer token. `url` in place of the server's own, for a proxy in between.
  [[nodiscard]] std::string kubeconfig() const override { return kubeconfig_for(url()); }
  [[nodiscard]] std::string kubeconfig_for(const std::string& url) const;
  [[nodiscard]] std::string url() const override;
  [[nodiscard]] http::Address address() const;
  /// The only bearer token that is let in. Client certificates of its authority are, too.
  [[nodiscard]] const std::string& token() const noexcept;
  /// The authority of its certificate, PEM; empty without TLS.
  [[nodiscard]] std::string authority() const;

  void add_type(ServedType type);
  ServerFaults& faults() noexcept;

  /// Forgets all changes up to now: watches from earlier versions and unfinished lists get 410.
  void compact();
  /// Sends a bookmark to every watch that asked for them.
  void send_bookmarks();

  /// Requests so far by verb, as RBAC spells it, and plural resource; those that met a fault included. Empty:
  /// any.
  [[nodiscard]] std::size_t requests(std::string_view verb = {}, std::string_view resource = {}) const;
  [[nodiscard]] std::size_t open_watches() const noexcept;
  [[nodiscard]] std::size_t open_connections() const noexcept;

  /// What it has, without a request. The resource must exist (CHECK).
  [[nodiscard]] std::vector<kube::ObjectPtr> objects(const kube::GroupResource& resource) const;
  /// Of the last change to any object.
  [[nodiscard]] std::uint64_t revision() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace klutch::testing

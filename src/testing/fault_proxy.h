// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "async/ctx.h"
#include "http/transport.h"
#include "testing/kube_server.h"
#include "testing/server_faults.h"

// A proxy that breaks what passes through it, for putting in front of any Kubernetes API server: the one in
// memory, a real one, our own. As an HTTP proxy it ends the client's TLS with an authority of its own, so
// that it can do everything of Fault to single requests and events; as a TCP proxy it knows bytes only and
// breaks connections, TLS included. It runs in the test's loop and prints its seed when the test has failed
// by its end. For tests only.
//
//   testing::FaultProxy proxy(ctx, server, {.seed = 42});
//   proxy.faults().add({.fault = {Fault::Kind::kLoseAnswer}, .times = FaultRule::kAlways, .probability =
//   0.05}); const auto config = kube::Kubeconfig::parse(proxy.kubeconfig());

namespace klutch::testing {

struct FaultProxyOptions {
  enum class Layer {
    kHttp,
    kTcp,  ///< rules see the verb "connect" and only kinds that make sense for a connection
  };
  Layer layer = Layer::kHttp;
  std::uint64_t seed = 1;
  /// kHttp: clients bring their own Authorization, which is passed on. Otherwise the proxy asks for nothing
  /// and shows the target the credentials of its kubeconfig.
  bool pass_credentials = false;
};

class FaultProxy final : public KubeServer {
 public:
  /// In front of `target`, which must outlive this.
  FaultProxy(Ctx& ctx, const KubeServer& target, const FaultProxyOptions& options = {});
  ~FaultProxy() override;
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  /// The way to the target through this proxy.
  [[nodiscard]] std::string kubeconfig() const override;
  [[nodiscard]] std::string url() const override;

  ServerFaults& faults() noexcept;
  /// Resets every open connection, now.
  void break_connections();
  [[nodiscard]] std::size_t open_connections() const noexcept;
  /// Connections accepted so far.
  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace klutch::testing

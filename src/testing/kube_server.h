// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "async/ctx.h"
#include "base/result.h"

// An API server that a suite of kube/client or kube/runtime runs against, whichever it is: the same test
// executable meets an in-process server and klutch-apiserver under `./dev test`, and a real kube-apiserver
// under `./dev test --real kube`. The real one is started once per executable, before its first test, and is
// shared by all of them, so each test works in a namespace of its own and expects objects of others there.
// Belongs to the loop it was started on. For tests only.
//
//   IO_FIBER_TEST(Informer, SeesWhatIsCreated) {
//     const auto server = testing::start_kube_server(ctx).value();
//     const auto config = kube::Kubeconfig::parse(server->kubeconfig());

namespace klutch::testing {

class RealCluster;

class KubeServer {
 public:
  virtual ~KubeServer() = default;

  /// For an administrator, with all data inline and the current context set. YAML.
  [[nodiscard]] virtual std::string kubeconfig() const = 0;
  /// Scheme, host and port, without a path.
  [[nodiscard]] virtual std::string url() const = 0;
};

/// A handle on the server of this executable: the real one when KLUTCH_REAL_BIN says where its programs are;
/// a klutch-apiserver, when KLUTCH_APISERVER names the program, or an in-process one, that ends with the
/// handle.
Result<std::unique_ptr<KubeServer>> start_kube_server(Ctx& ctx);

/// Whether start_kube_server() gives a server that does all that Kubernetes does, unlike the one in-process:
/// for the few cases in which they must differ.
[[nodiscard]] bool kube_server_is_real();

/// The cluster behind it, for tests of what only a real one has; null otherwise. Never before the first test.
[[nodiscard]] RealCluster* find_real_cluster();

}  // namespace klutch::testing

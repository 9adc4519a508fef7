// SPDX-License-Identifier: Apache-2.0
#include "testing/kube_server.h"

#include <gtest/gtest.h>

#include <utility>

#include "async/loop.h"
#include "base/os/environment.h"
#include "testing/embedded_server.h"
#include "testing/memory_api_server.h"
#include "testing/real_cluster.h"

namespace klutch::testing {
namespace {

std::unique_ptr<RealCluster>& the_cluster() {
  static std::unique_ptr<RealCluster> cluster;
  return cluster;
}

/// Starts before the first test and ends after the last. When it cannot start, no test runs and the program
/// fails.
class RealClusterEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    if (!RealCluster::find_programs()) return;
    async::Loop loop;
    const auto started = loop.run([](Ctx& ctx) -> Result<> {
      the_cluster() = TRY(RealCluster::start(ctx));
      return {};
    });
    ASSERT_TRUE(started.has_value()) << started.error().message();
  }
  void TearDown() override { the_cluster().reset(); }
};

// GoogleTest owns it. In this file so that every program that asks for a server has it.
[[maybe_unused]] const auto* const kEnvironment =
    ::testing::AddGlobalTestEnvironment(new RealClusterEnvironment);

class RealKubeServer final : public KubeServer {
 public:
  explicit RealKubeServer(const RealCluster& cluster) : cluster_(cluster) {}
  [[nodiscard]] std::string kubeconfig() const override { return cluster_.kubeconfig(); }
  [[nodiscard]] std::string url() const override { return cluster_.url(); }

 private:
  const RealCluster& cluster_;
};

/// The program klutch-apiserver, anew for each handle.
class EmbeddedKubeServer final : public KubeServer {
 public:
  /// Like the real one of these suites, it puts nothing into namespaces by itself.
  explicit EmbeddedKubeServer(const std::string& program)
      : server_(program, {"--ephemeral", "--disable-controller", "namespace-contents"}) {}
  Result<> start(Ctx& ctx) { return server_.start(ctx); }
  [[nodiscard]] std::string kubeconfig() const override { return server_.kubeconfig(); }
  [[nodiscard]] std::string url() const override { return server_.url(); }

 private:
  EmbeddedServer server_;
};

std::optional<std::string> embedded_program() {
  return os::get_env("KLUTCH_APISERVER");
}

}  // namespace

bool kube_server_is_real() {
  return RealCluster::find_programs().has_value() || embedded_program().has_value();
}

RealCluster* find_real_cluster() {
  return the_cluster().get();
}

Result<std::unique_ptr<KubeServer>> start_kube_server(Ctx& ctx) {
  if (const auto* cluster = find_real_cluster()) return std::make_unique<RealKubeServer>(*cluster);
  if (const auto program = embedded_program()) {
    auto server = std::make_unique<EmbeddedKubeServer>(*program);
    TRY(server->start(ctx));
    return server;
  }
  return std::make_unique<MemoryApiServer>(ctx);
}

}  // namespace klutch::testing

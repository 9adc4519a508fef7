// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/ctx.h"
#include "base/os/file.h"
#include "base/os/process.h"
#include "base/result.h"
#include "crypto/certificate_authority.h"
#include "http/tls.h"

// A real Kubernetes control plane on free ports of loopback: etcd and kube-apiserver, and the
// kube-controller-manager on request, with certificates of its own and RBAC. Everything it writes is in one
// temporary folder. It holds to no loop: any may use it, one after the other. The programs are killed when it
// is destroyed, and with the *thread* that started it: that must live as long as the cluster does. For tests
// and benchmarks.
//
//   auto cluster = TRY(testing::RealCluster::start(ctx));
//   const auto admin = kube::Kubeconfig::parse(cluster->kubeconfig());

namespace klutch::testing {

struct RealClusterOptions {
  /// The folder with etcd, kube-apiserver and kube-controller-manager. Empty: that of find_programs().
  std::string programs = {};
  /// Added at the end of the command line.
  std::vector<std::string> api_server_flags = {};
  /// What the controller manager runs (its --controllers).
  std::vector<std::string> controllers = {
      "namespace-controller",
      "garbage-collector-controller",
      "serviceaccount-controller",
      "serviceaccount-token-controller",
      "root-ca-certificate-publisher-controller",
      "clusterrole-aggregation-controller",
  };
  /// For each program, from its start until it says that it is ready.
  Duration start_timeout = std::chrono::seconds(90);
};

class RealCluster {
 public:
  /// What KLUTCH_REAL_BIN names; nothing when it is not set. `tests/real/build.sh` builds the programs.
  [[nodiscard]] static std::optional<std::string> find_programs();

  /// Starts etcd and kube-apiserver and waits until it is ready. kUnsupported without programs; kUnavailable
  /// or kTimeout, with the end of the program's log, when one does not come up.
  static Result<std::unique_ptr<RealCluster>> start(Ctx& ctx, RealClusterOptions options = {});
  /// stop()
  ~RealCluster();
  RealCluster(const RealCluster&) = delete;
  RealCluster& operator=(const RealCluster&) = delete;

  /// Starts the controller manager and waits until it is healthy. Nothing happens if it runs.
  Result<> ensure_controller_manager(Ctx& ctx);

  /// "https://127.0.0.1:port"
  [[nodiscard]] const std::string& url() const noexcept { return url_; }
  /// The authority that signed the server's certificate and signs those of its users; PEM.
  [[nodiscard]] std::string authority() const { return ca_.certificate().to_pem(); }
  /// For the administrator (of group system:masters).
  [[nodiscard]] std::string kubeconfig() const { return kubeconfig_for(admin_); }
  [[nodiscard]] const http::KeyPair& admin() const noexcept { return admin_; }

  /// A client certificate. Who is neither known to RBAC nor in a group that is may do next to nothing.
  [[nodiscard]] http::KeyPair identity(const std::string& user, std::vector<std::string> groups = {}) const;
  /// A kubeconfig in YAML, with all data inline.
  [[nodiscard]] std::string kubeconfig_for(const http::KeyPair& identity) const;

  /// Where keys, logs and etcd's data are.
  [[nodiscard]] const std::string& directory() const noexcept { return directory_.path(); }
  /// 0 while it does not run. For measuring.
  [[nodiscard]] int api_server_pid() const noexcept { return api_server_.pid(); }
  [[nodiscard]] int etcd_pid() const noexcept { return etcd_.pid(); }
  /// The last lines of a program's log, "" if there is none.
  [[nodiscard]] std::string log_tail(std::string_view program) const;

  /// Kills all programs and waits for their end. What they had in memory or on the disk is lost.
  void stop();

 private:
  /// One program and what is known of it.
  struct Server {
    std::string name = {};
    std::optional<os::Process> process = {};
    [[nodiscard]] int pid() const noexcept { return process ? process->id().pid : 0; }
  };
  /// How to start it on given ports, and where it says that it is ready.
  struct Plan {
    std::vector<std::string> argv = {};
    std::string ready = {};
  };
  using Planner = std::function<Plan(const std::vector<int>& ports)>;

  RealCluster(RealClusterOptions options, os::TempDir directory, crypto::CertificateAuthority ca);

  Result<> write_keys();
  Result<> start_etcd(Ctx& ctx);
  Result<> start_api_server(Ctx& ctx);
  /// Starts `server` on free ports, on others if somebody was quicker, and waits until it is ready.
  Result<std::vector<int>> run(Ctx& ctx, Server& server, std::size_t ports, const Planner& plan);
  Result<> wait_until_ready(Ctx& ctx, Server& server, const std::string& url) const;
  static void kill(Server& server);

  RealClusterOptions options_;
  os::TempDir directory_;
  crypto::CertificateAuthority ca_;
  http::KeyPair admin_;
  std::string etcd_url_;
  std::string url_;
  Server etcd_ = {.name = "etcd"};
  Server api_server_ = {.name = "kube-apiserver"};
  Server controller_manager_ = {.name = "kube-controller-manager"};
};

}  // namespace klutch::testing

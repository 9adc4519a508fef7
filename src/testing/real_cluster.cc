// SPDX-License-Identifier: Apache-2.0
#include "testing/real_cluster.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/os/environment.h"
#include "base/os/paths.h"
#include "base/strings.h"
#include "crypto/base64.h"
#include "crypto/keys.h"
#include "http/client.h"
#include "http/transport.h"

namespace klutch::testing {
namespace {

constexpr int kPortAttempts = 5;
constexpr std::size_t kTailBytes = 4096;

/// The kernel's choice, all different. Somebody else may take one before it is used.
Result<std::vector<int>> free_ports(Ctx& ctx, std::size_t count) {
  std::vector<http::Listener> held;
  std::vector<int> ports;
  while (held.size() < count) {
    held.push_back(
        TRY(http::Listener::listen(ctx.loop(), {.host = "127.0.0.1", .port = 0, .unix_path = {}})));
    ports.push_back(held.back().address().port);
  }
  return ports;
}

std::string loopback(std::string_view scheme, int port) {
  return std::string(scheme) + "://127.0.0.1:" + std::to_string(port);
}

http::KeyPair issue_pair(const crypto::CertificateAuthority& ca, const crypto::IssueOptions& options) {
  const auto issued = ca.issue_with_new_key(options, system_clock().now());
  CHECK(issued.has_value());
  return {.certificate_chain = issued->certificate.to_pem(), .private_key = issued->key.to_pem()};
}

}  // namespace

std::optional<std::string> RealCluster::find_programs() {
  auto folder = os::get_env("KLUTCH_REAL_BIN");
  if (folder && folder->empty()) folder.reset();
  return folder;
}

RealCluster::RealCluster(RealClusterOptions options, os::TempDir directory, crypto::CertificateAuthority ca)
    : options_(std::move(options)), directory_(std::move(directory)), ca_(std::move(ca)) {
  admin_ = identity("admin", {"system:masters"});
}

RealCluster::~RealCluster() {
  stop();
}

Result<std::unique_ptr<RealCluster>> RealCluster::start(Ctx& ctx, RealClusterOptions options) {
  if (options.programs.empty()) options.programs = find_programs().value_or("");
  if (options.programs.empty()) {
    return fail(Code::kUnsupported, "KLUTCH_REAL_BIN does not say where kube-apiserver is");
  }
  auto directory = TRY(os::TempDir::create("klutch-real"));
  auto ca = TRY(crypto::CertificateAuthority::create({.common_name = "klutch tests"}, system_clock().now()));
  std::unique_ptr<RealCluster> cluster(
      new RealCluster(std::move(options), std::move(directory), std::move(ca)));
  TRY(cluster->write_keys());
  TRY(cluster->start_etcd(ctx).map_error(context("cannot start etcd")));
  TRY(cluster->start_api_server(ctx).map_error(context("cannot start kube-apiserver")));
  return cluster;
}

Result<> RealCluster::write_keys() {
  const auto write = [&](std::string_view name, std::string_view text) {
    return os::write_file_atomic(directory_.file(name), text);
  };
  // 10.0.0.1 is the first address of the range for services: the address of the server inside a cluster.
  const auto server = issue_pair(
      ca_,
      {.names = {.common_name = "kube-apiserver",
                 .dns_names = {"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
                 .ip_addresses = {"127.0.0.1", "::1", "10.0.0.1"}},
       .for_server = true});
  const auto service_accounts = crypto::PrivateKey::generate();
  TRY(write("ca.pem", authority()));
  TRY(write("server.pem", server.certificate_chain));
  TRY(write("server-key.pem", server.private_key.reveal()));
  TRY(write("service-accounts.pem", service_accounts.public_key().to_pem()));
  return write("service-accounts-key.pem", service_accounts.to_pem().reveal());
}

Result<> RealCluster::start_etcd(Ctx& ctx) {
  const auto ports = TRY(run(ctx, etcd_, 2, [&](const std::vector<int>& free) {
    const auto client = loopback("http", free[0]);
    const auto peer = loopback("http", free[1]);
    return Plan{.argv = {"--name=test", "--data-dir=" + directory_.file("etcd"),
                         "--listen-client-urls=" + client, "--advertise-client-urls=" + client,
                         "--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
                         "--initial-cluster=test=" + peer, "--unsafe-no-fsync", "--log-level=warn"},
                .ready = client + "/readyz"};
  }));
  etcd_url_ = loopback("http", ports[0]);
  return {};
}

Result<> RealCluster::start_api_server(Ctx& ctx) {
  const auto ports = TRY(run(ctx, api_server_, 1, [&](const std::vector<int>& free) {
    Plan plan{.argv = {"--etcd-servers=" + etcd_url_, "--bind-address=127.0.0.1",
                       "--secure-port=" + std::to_string(free[0]), "--advertise-address=127.0.0.1",
                       "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.0.0.0/24",
                       "--tls-cert-file=" + directory_.file("server.pem"),
                       "--tls-private-key-file=" + directory_.file("server-key.pem"),
                       "--client-ca-file=" + directory_.file("ca.pem"), "--authorization-mode=RBAC",
                       "--service-account-issuer=https://kubernetes.default.svc",
                       "--service-account-key-file=" + directory_.file("service-accounts.pem"),
                       "--service-account-signing-key-file=" + directory_.file("service-accounts-key.pem")},
              .ready = loopback("https", free[0]) + "/readyz"};
    plan.argv.insert(plan.argv.end(), options_.api_server_flags.begin(), options_.api_server_flags.end());
    return plan;
  }));
  url_ = loopback("https", ports[0]);
  return {};
}

Result<> RealCluster::ensure_controller_manager(Ctx& ctx) {
  if (controller_manager_.process) return {};
  const auto config = directory_.file("controller-manager.kubeconfig");
  TRY(os::write_file_atomic(config,
                            kubeconfig_for(identity("system:kube-controller-manager", {"system:masters"}))));
  const auto ran = run(ctx, controller_manager_, 1, [&](const std::vector<int>& free) {
    return Plan{.argv = {"--kubeconfig=" + config, "--bind-address=127.0.0.1",
                         "--secure-port=" + std::to_string(free[0]),
                         "--tls-cert-file=" + directory_.file("server.pem"),
                         "--tls-private-key-file=" + directory_.file("server-key.pem"),
                         "--leader-elect=false", "--controllers=" + join(options_.controllers, ","),
                         "--root-ca-file=" + directory_.file("ca.pem"),
                         "--service-account-private-key-file=" + directory_.file("service-accounts-key.pem")},
                .ready = loopback("https", free[0]) + "/healthz"};
  });
  if (!ran) return fail(ran.error().with_context("cannot start kube-controller-manager"));
  return {};
}

Result<std::vector<int>> RealCluster::run(Ctx& ctx, Server& server, std::size_t ports, const Planner& plan) {
  for (int attempt = 1;; ++attempt) {
    const auto free = TRY(free_ports(ctx, ports));
    auto [argv, ready] = plan(free);
    argv.insert(argv.begin(), os::join_path(options_.programs, server.name));
    const auto log = os::Redirect::file(directory_.file(server.name + ".log"));
    server.process = TRY(os::Process::spawn(
        {.argv = std::move(argv), .out = log, .err = log, .own_group = true, .die_with_parent = true}));
    auto limited = ctx.with_timeout(options_.start_timeout);
    const auto result = wait_until_ready(limited, server, ready);
    if (result) return free;
    const auto tail = log_tail(server.name);
    kill(server);
    const bool taken = tail.find("address already in use") != std::string::npos;
    if (!taken || attempt == kPortAttempts) {
      return fail(Error(result.error().code(), result.error().message() + "; the end of its log:\n" + tail));
    }
    TRY(os::remove_file(directory_.file(server.name + ".log")));
  }
}

Result<> RealCluster::wait_until_ready(Ctx& ctx, Server& server, const std::string& url) const {
  const auto tls = TRY(http::TlsClient::create(
      {.trusted = authority(), .identity = std::make_shared<const http::KeyPair>(admin_)}));
  http::Client client(ctx.loop(), {.tls = tls});
  const auto parsed = TRY(http::Url::parse(url));
  for (;;) {
    if (const auto ended = TRY(server.process->try_wait())) {
      return fail(Code::kUnavailable, "it " + ended->describe());
    }
    const auto answer = client.send(ctx, {.url = parsed});
    if (answer && answer->status == 200) return {};
    TRY(ctx.sleep(std::chrono::milliseconds(50)).map_error([&](const Error& error) {
      return error.with_context(answer ? "it is not ready: " + std::string(answer->body.view())
                                       : answer.error().message());
    }));
  }
}

http::KeyPair RealCluster::identity(const std::string& user, std::vector<std::string> groups) const {
  return issue_pair(ca_,
                    {.names = {.common_name = user, .organizations = std::move(groups)}, .for_client = true});
}

std::string RealCluster::kubeconfig_for(const http::KeyPair& identity) const {
  return "apiVersion: v1\nkind: Config\ncurrent-context: real\ncontexts:\n"
         "- name: real\n  context:\n    cluster: real\n    user: real\n"
         "clusters:\n- name: real\n  cluster:\n    server: " +
         url_ + "\n    certificate-authority-data: " + crypto::base64_encode(authority()) +
         "\nusers:\n- name: real\n  user:\n    client-certificate-data: " +
         crypto::base64_encode(identity.certificate_chain) +
         "\n    client-key-data: " + crypto::base64_encode(identity.private_key.reveal()) + "\n";
}

std::string RealCluster::log_tail(std::string_view program) const {
  const auto log = os::read_file(directory_.file(std::string(program) + ".log"));
  if (!log) return {};
  return log->substr(log->size() - std::min(log->size(), kTailBytes));
}

void RealCluster::stop() {
  kill(controller_manager_);
  kill(api_server_);
  kill(etcd_);
}

void RealCluster::kill(Server& server) {
  if (!server.process) return;
  static_cast<void>(server.process->kill());
  static_cast<void>(server.process->wait());
  server.process.reset();
}

}  // namespace klutch::testing

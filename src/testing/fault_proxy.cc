// SPDX-License-Identifier: Apache-2.0
#include "testing/fault_proxy.h"

#include <gtest/gtest.h>

#include <iostream>
#include <list>
#include <utility>

#include "async/task_group.h"
#include "kube/client/kubeconfig.h"
#include "testing/fault_proxy_connection.h"
#include "testing/test_pki.h"

namespace klutch::testing {
namespace {

http::Listener listen_on_loopback(Ctx& ctx) {
  return http::Listener::listen(ctx.loop(), {.host = "127.0.0.1", .port = 0, .unix_path = {}}).value();
}

std::shared_ptr<const http::KeyPair> identity_of(const kube::Kubeconfig::User& user) {
  if (user.client_certificate_data.empty()) return nullptr;
  return std::make_shared<const http::KeyPair>(
      http::KeyPair{user.client_certificate_data, Secret(user.client_key_data.reveal())});
}

}  // namespace

struct FaultProxy::State {
  State(Ctx& owner, const KubeServer& server, const FaultProxyOptions& proxy_options)
      : options(proxy_options),
        faults(proxy_options.seed),
        config(kube::Kubeconfig::parse(server.kubeconfig()).value()),
        listener(listen_on_loopback(owner)),
        ctx(owner),
        tasks(owner, async::TaskGroup::OnError::kKeepGoing) {
    const auto context = config.get_context(config.current_context()).value();
    const auto cluster = config.get_cluster(context.cluster).value();
    const auto user = config.get_user(context.user).value();
    target.url = http::Url::parse(cluster.server).value();
    target.faults = &faults;
    if (options.layer == FaultProxyOptions::Layer::kHttp) {
      target.tls = http::TlsServer::create({.identity = pki.server()}).value();
      if (!options.pass_credentials && !user.token.empty()) {
        target.authorization = "Bearer " + std::string(user.token.reveal());
      }
      http::ClientOptions client;
      if (target.url->is_https()) {
        client.tls =
            http::TlsClient::create({.trusted = cluster.certificate_authority_data,
                                     .identity = options.pass_credentials ? nullptr : identity_of(user)})
                .value();
      }
      target.client = std::make_unique<http::Client>(owner.loop(), std::move(client));
    }
    tasks.spawn("fault proxy", [this](Ctx& task) { return accept(task); });
  }

  Result<> accept(Ctx& task) {
    for (;;) {
      auto transport = TRY(listener.accept(task));
      ++accepted;
      std::shared_ptr<ProxyConnection> connection;
      if (options.layer == FaultProxyOptions::Layer::kHttp) {
        connection = std::make_shared<HttpProxyConnection>(target, std::move(transport));
      } else {
        connection = std::make_shared<TcpProxyConnection>(target, std::move(transport));
      }
      const auto place = open.insert(open.end(), connection.get());
      tasks.spawn("proxy connection", [this, connection, place](Ctx& own) mutable -> Result<> {
        static_cast<void>(connection->run(own));  // peers break off all the time here
        open.erase(place);
        return {};
      });
    }
  }

  FaultProxyOptions options;
  ServerFaults faults;
  kube::Kubeconfig config;
  test::TestPki pki;
  ProxyTarget target;
  http::Listener listener;
  std::list<ProxyConnection*> open;
  std::size_t accepted = 0;
  Ctx& ctx;
  async::TaskGroup tasks;
};

FaultProxy::FaultProxy(Ctx& ctx, const KubeServer& target, const FaultProxyOptions& options)
    : state_(std::make_unique<State>(ctx, target, options)) {}

FaultProxy::~FaultProxy() {
  state_->tasks.stop(state_->ctx);
  if (::testing::Test::HasFailure()) {
    std::cerr << "fault proxy: seed " << state_->options.seed << ", " << state_->faults.injected()
              << " faults\n";
  }
}

std::string FaultProxy::kubeconfig() const {
  auto config = state_->config;
  const auto context = config.get_context(config.current_context()).value();
  auto cluster = config.get_cluster(context.cluster).value();
  auto user = config.get_user(context.user).value();
  cluster.server = url();
  if (state_->options.layer == FaultProxyOptions::Layer::kHttp) {
    cluster.certificate_authority_data = state_->pki.trusted();
    if (!state_->options.pass_credentials) {
      user = {};
      user.token = Secret("anybody");
    }
  }
  return kube::Kubeconfig::single("proxy", cluster, user).to_yaml();
}

std::string FaultProxy::url() const {
  const bool secured =
      state_->options.layer == FaultProxyOptions::Layer::kHttp || state_->target.url->is_https();
  return (secured ? "https://" : "http://") + state_->listener.address().to_string();
}

ServerFaults& FaultProxy::faults() noexcept {
  return state_->faults;
}

void FaultProxy::break_connections() {
  for (auto* connection : state_->open) connection->reset();
}

std::size_t FaultProxy::open_connections() const noexcept {
  return state_->open.size();
}

std::size_t FaultProxy::connections() const noexcept {
  return state_->accepted;
}

}  // namespace klutch::testing

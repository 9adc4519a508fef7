// SPDX-License-Identifier: Apache-2.0
// A whole controller program: configuration as kubectl has it, leader election, a manager with one
// controller, events, an orderly end on SIGTERM.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "async/loop.h"
#include "async/signals.h"
#include "config_mirror.h"
#include "kube/client/client_config.h"
#include "kube/client/http_client.h"
#include "kube/runtime/leader_election.h"

namespace {

using namespace klutch;

struct Options {
  std::string kubeconfig = {};
  std::string context = {};
  std::string lease_namespace = "default";
};

Result<> lead(Ctx& ctx, kube::Client& client) {
  kube::EventRecorder events(ctx, client, {.component = "config-mirror"});
  kube::Manager mgr(ctx);
  mgr.add_cluster(ctx, "cluster", client);
  mirror::register_config_mirror(mgr, {client, events});
  auto ended = mgr.run(ctx);
  events.stop(ctx);
  return ended;
}

Result<> run(Ctx& ctx, const Options& options) {
  const auto config = TRY(kube::load_client_config(
      {.kubeconfig = options.kubeconfig, .overrides = {.context = options.context}}));
  const auto client = TRY(kube::HttpClient::make(ctx, config));
  return kube::run_as_leader(ctx, *client, {.lease = {options.lease_namespace, "config-mirror"}}, &lead);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Copies ConfigMaps labelled mirror.example/to=NAMESPACE to that namespace.");
  app.add_option("--kubeconfig", options.kubeconfig, "Default: KUBECONFIG, ~/.kube/config, or the pod's own");
  app.add_option("--context", options.context);
  app.add_option("--lease-namespace", options.lease_namespace, "Where candidates meet")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  async::Loop loop;
  const auto result = loop.run(
      [&](Ctx& ctx) { return async::run_until_signalled(ctx, [&](Ctx& c) { return run(c, options); }); });
  if (result) return 0;
  std::fprintf(stderr, "kube_controller: %s\n", result.error().message().c_str());
  return traits(result.error().code()).exit_code;
}

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "async/ctx.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/transport.h"

// The whole API server, made of its parts: a store, what is served from it, who may use it, and the
// controllers that keep it in order. One loop; everything it keeps is in one folder.
//
//   TRY(run_api_server(ctx, {.state = "/var/lib/klutch"}, [](const std::string& url) { say(url); }));

namespace klutch::apiserver {

struct ApiServerOptions {
  /// See state_folder.h.
  std::string state = {};
  /// Objects are in memory alone and gone with the process; certificates stay.
  bool ephemeral = false;
  /// false: a loss of power may undo the last moments, an end of the process may not.
  bool full_durability = true;
  std::vector<http::Address> listen = {{.host = "127.0.0.1", .port = 6443}};
  /// Names and addresses under which others reach this server, for its certificate; the first one is in
  /// admin.kubeconfig.
  std::vector<std::string> advertise_hosts = {};
  /// CSV as kube-apiserver's --token-auth-file; empty: none.
  std::string token_auth_file = {};
  /// Where the audit log is written, and which requests it has (audit.k8s.io/v1 Policy, YAML); empty: none.
  /// Without a policy, who did what is written of every request, without bodies.
  std::string audit_log = {};
  std::string audit_policy = {};
  /// Names of controllers that do not run: "namespace-contents"; kInvalid for one that there is not.
  std::vector<std::string> disabled_controllers = {};
  /// Connections at one time.
  std::size_t connections = 2048;
  const Clock* clock = &system_clock();
};

/// Called once, when requests are answered, with the URL of the server.
using ReadyCallback = std::function<void(const std::string& url)>;

/// Serves until `ctx` is cancelled, then ends watches, answers what runs, and closes the store. Errors name
/// the file, the port or the process that is in the way.
Result<> run_api_server(Ctx& ctx, const ApiServerOptions& options, ReadyCallback ready = {});

}  // namespace klutch::apiserver

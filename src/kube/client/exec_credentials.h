// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "async/ctx.h"
#include "async/event.h"
#include "base/os/command.h"
#include "base/result.h"
#include "base/secret.h"
#include "http/tls.h"
#include "kube/client/authenticator.h"
#include "kube/client/client_config.h"

// Private to kube/client: credentials from a program (client-go, "credential plugins"; KEP-541). The program
// runs when somebody first needs a credential, again shortly before that expires, and when a server refused
// it; fibers that ask meanwhile share one run. What it prints never reaches a log or a message. Belongs to
// one loop.

namespace klutch::kube {

struct ExecCredential {
  std::shared_ptr<const klutch::Secret> authorization;  ///< null if the plugin gave no token
  std::shared_ptr<const http::KeyPair> identity;        ///< null if it gave no certificate
  std::optional<Time> expires;                          ///< nothing: good until refused
};
using ExecCredentialPtr = std::shared_ptr<const ExecCredential>;

/// Reads what a plugin printed. kInvalid, beginning with `label`, unless it is an ExecCredential of
/// `api_version` with a token or a certificate and its key.
Result<ExecCredential> parse_exec_credential(std::string_view text, std::string_view api_version,
                                             const std::string& label);

/// KUBERNETES_EXEC_INFO for the plugin of `config`; `authorities` is the PEM of the cluster's authorities.
std::string exec_info(const ClientConfig& config, const std::string& authorities, bool interactive);

class ExecCredentials {
 public:
  /// `config.credentials.exec` must be set.
  ExecCredentials(const ClientConfig& config, const AuthenticatorOptions& options)
      : config_(config), options_(options) {}

  /// One that has not expired, if the plugin can give one. Errors are kUnauthenticated and say what the
  /// plugin did, or kTimeout and kCancelled from `ctx`.
  Result<ExecCredentialPtr> get(Ctx& ctx);
  /// Runs the plugin again because the server refused its credential, but not more often than every few
  /// seconds.
  Result<> renew(Ctx& ctx);

  /// How often the plugin was started.
  [[nodiscard]] std::size_t runs() const noexcept { return runs_; }

 private:
  struct Flight;
  Result<ExecCredentialPtr> run_shared(Ctx& ctx);
  Result<ExecCredentialPtr> run(Ctx& ctx);
  Result<os::RunResult> execute(Ctx& ctx);
  Result<bool> wants_terminal() const;
  [[nodiscard]] bool expires_within(Duration margin) const;
  [[nodiscard]] Error explain(const Error& error) const;

  ClientConfig config_;
  AuthenticatorOptions options_;
  ExecCredentialPtr current_;
  std::shared_ptr<Flight> flight_;
  Instant tried_at_{};    // the last run that began before the old credential had expired
  Instant renewed_at_{};  // the last run after a refusal
  bool renewed_ = false;
  bool tried_ = false;
  std::size_t runs_ = 0;
};

}  // namespace klutch::kube

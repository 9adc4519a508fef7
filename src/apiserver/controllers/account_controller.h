// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "apiserver/controllers/controller.h"

namespace klutch::apiserver {

/// What every namespace has: the ServiceAccount "default" and the ConfigMap "kube-root-ca.crt", made when
/// missing and repaired when changed.
class NamespaceContents final : public Controller {
 public:
  /// `root_ca`: PEM of the authority that clients in the cluster trust.
  explicit NamespaceContents(std::string root_ca) : root_ca_(std::move(root_ca)) {}

  [[nodiscard]] std::string_view name() const override { return "namespace-contents"; }
  void begin(const ControllerAccess& access, const Enqueue& enqueue) override;
  void observe(std::string_view type, const StoreEvent& event, const Enqueue& enqueue) override;
  Result<std::optional<Duration>> reconcile(Ctx& ctx, ControllerAccess& access,
                                            const std::string& key) override;

 private:
  std::string root_ca_;
};

/// Which ServiceAccount a legacy token is for, and in which Secret it stands.
struct LegacyTokenRequest {
  std::string ns = {};
  std::string account = {};
  std::string account_uid = {};
  std::string secret = {};
};

/// Fills Secrets of type kubernetes.io/service-account-token with a token, the namespace and the root CA;
/// deletes them with their ServiceAccount.
class TokenSecrets final : public Controller {
 public:
  using MakeToken = std::function<Result<std::string>(const LegacyTokenRequest&)>;
  TokenSecrets(std::string root_ca, MakeToken make_token)
      : root_ca_(std::move(root_ca)), make_token_(std::move(make_token)) {}

  [[nodiscard]] std::string_view name() const override { return "token-secrets"; }
  void begin(const ControllerAccess& access, const Enqueue& enqueue) override;
  void observe(std::string_view type, const StoreEvent& event, const Enqueue& enqueue) override;
  /// Keys are "namespace/" for all Secrets there, and "namespace/name".
  Result<std::optional<Duration>> reconcile(Ctx& ctx, ControllerAccess& access,
                                            const std::string& key) override;

 private:
  Result<> fill(Ctx& ctx, ControllerAccess& access, const json::Value& secret);

  std::string root_ca_;
  MakeToken make_token_;
};

}  // namespace klutch::apiserver

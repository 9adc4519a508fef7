// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/auth/user.h"
#include "apiserver/storage/storage.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/keys.h"
#include "jose/jwk.h"
#include "json/value.h"

// The tokens of ServiceAccounts: signed JSON Web Tokens that the server issues and later recognises. Bound
// ones (TokenRequest) expire and end with the object they are bound to; legacy ones live as long as their
// Secret. A token is good only while its ServiceAccount, by uid, is there: that is looked up each time, so a
// deletion revokes at once. Only the check of a signature is remembered. Loop thread only.
//
//   auto tokens = TRY(ServiceAccountTokens::create(storage, TRY(ServiceAccountTokens::ensure_key(path))));

namespace klutch::apiserver {

/// The type of ServiceAccounts in the store; tokens are bound to Secrets, Pods and Nodes.
inline constexpr std::string_view kServiceAccountsType = "serviceaccounts";
inline constexpr std::string_view kSecretsType = "secrets";
inline constexpr std::string_view kPodsType = "pods";
inline constexpr std::string_view kNodesType = "nodes";

class ServiceAccountTokens {
 public:
  struct Options {
    /// What tokens say in "iss"; an https URL if others are to verify them.
    std::string issuer = "https://kubernetes.default.svc.cluster.local";
    /// Who this server is, as "aud" says it. Empty: the issuer.
    std::vector<std::string> audiences = {};
    /// Tokens signed with these are still accepted.
    std::vector<crypto::PublicKey> former_keys = {};
    const Clock* clock = &system_clock();
  };

  /// The key in the file `path`; a new one (P-256), readable by its owner alone, if there is no file. Blocks.
  /// kForbidden when others may read it; kUnsupported for a key that cannot sign such tokens.
  static Result<crypto::PrivateKey> ensure_key(const std::string& path);

  /// `storage` must outlive it. kInvalid for an issuer that cannot be one.
  static Result<std::unique_ptr<ServiceAccountTokens>> create(Storage& storage, crypto::PrivateKey key,
                                                              Options options);
  ~ServiceAccountTokens();
  ServiceAccountTokens(const ServiceAccountTokens&) = delete;
  ServiceAccountTokens& operator=(const ServiceAccountTokens&) = delete;

  /// An object by name and uid.
  struct Ref {
    std::string name = {};
    std::string uid = {};
  };
  struct Request {
    std::string ns = {};
    Ref account = {};
    std::vector<std::string> audiences = {};  ///< empty: this server
    Duration lifetime = std::chrono::hours(1);
    // At most one of these, but a pod may come with its node.
    std::optional<Ref> pod = {};
    std::optional<Ref> node = {};
    std::optional<Ref> secret = {};
  };
  struct Issued {
    Secret token = {};
    Time expires_at = {};
    std::string credential_id = {};  ///< for audit logs
  };
  [[nodiscard]] Result<Issued> issue(const Request& request) const;
  /// The token for a Secret of type kubernetes.io/service-account-token; the same each time.
  [[nodiscard]] Result<Secret> issue_legacy(std::string_view ns, const Ref& account,
                                            std::string_view secret_name) const;

  struct Verified {
    User user = {};
    std::vector<std::string> audiences = {};  ///< those that were asked for and that it has
  };
  /// `audiences`: one of them must be the token's; empty: this server's. Nothing for a token of another
  /// issuer, or none at all. kUnauthenticated says what is wrong without repeating the token.
  Result<std::optional<Verified>> verify(std::string_view token,
                                         const std::vector<std::string>& audiences = {});

  [[nodiscard]] const std::vector<std::string>& audiences() const noexcept { return options_.audiences; }
  [[nodiscard]] const std::string& issuer() const noexcept { return options_.issuer; }
  /// What /openid/v1/jwks answers.
  [[nodiscard]] json::Value jwks() const;
  /// What /.well-known/openid-configuration answers; `server` is where clients find this server:
  /// "https://host:port".
  [[nodiscard]] json::Value openid_configuration(std::string_view server) const;

 private:
  struct Known;
  class Check;
  using KnownPtr = std::shared_ptr<const Known>;

  ServiceAccountTokens(Storage& storage, crypto::PrivateKey key, Options options);
  Result<KnownPtr> recognise(std::string_view token, std::string_view issuer);

  Storage& storage_;
  crypto::PrivateKey key_;
  Options options_;
  std::string key_id_ = {};
  jose::JwkSet keys_ = {};
  std::map<std::string, KnownPtr, std::less<>> known_ = {};  ///< by the digest of the token
};

}  // namespace klutch::apiserver

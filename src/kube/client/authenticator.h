// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "async/ctx.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "http/tls.h"
#include "kube/client/client_config.h"

// Private to kube/client: who we are, for one request after another. Tokens and certificates in files are
// read again when they change, plugins run again before what they gave expires, and once more when the server
// refuses it. Belongs to one loop; any number of fibers may ask at once.

namespace klutch::kube {

/// What is shown with a request. Equal pointers mean that nothing changed.
struct Credential {
  std::shared_ptr<const klutch::Secret> authorization;  ///< the value of Authorization; null: none
  std::shared_ptr<const http::KeyPair> identity;        ///< the client certificate; null: none
};
using CredentialPtr = std::shared_ptr<const Credential>;

struct AuthenticatorOptions {
  const Clock* clock = &system_clock();
  Duration reread_interval = std::chrono::minutes(1);
  /// How long a plugin may take; where it talks to a person, `interactive_timeout`.
  Duration exec_timeout = std::chrono::minutes(1);
  Duration interactive_timeout = std::chrono::minutes(5);
};

class Authenticator {
 public:
  /// Reads the files once; plugins wait for the first get(). Errors name the user and what is wrong:
  /// kUnauthenticated for a client certificate that has expired, kInvalid, kNotFound.
  static Result<std::unique_ptr<Authenticator>> create(Ctx& ctx, const ClientConfig& config,
                                                       const AuthenticatorOptions& options = {});
  virtual ~Authenticator() = default;

  /// kUnauthenticated when there is nothing valid to show, with the reason.
  virtual Result<CredentialPtr> get(Ctx& ctx) = 0;
  /// To be called when the server did not accept `refused`: what may be tried instead, null if there is
  /// nothing new.
  virtual Result<CredentialPtr> renew(Ctx& ctx, const CredentialPtr& refused) = 0;
};

}  // namespace klutch::kube

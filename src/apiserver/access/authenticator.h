// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/access/service_account_tokens.h"
#include "apiserver/auth/credentials.h"
#include "apiserver/auth/static_tokens.h"
#include "apiserver/auth/user.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/request.h"

// Who sends a request: a client certificate, else a bearer token (static or of a ServiceAccount), else
// nobody, "system:anonymous". Whoever shows something that is not good is refused, never taken for nobody.
// Loop thread only; never suspends.
//
//   const User user = TRY(authenticator.authenticate(request));

namespace klutch::apiserver {

class Authenticator {
 public:
  struct Options {
    std::shared_ptr<const StaticTokens> static_tokens = {};
    bool allow_anonymous = true;
    const Clock* clock = &system_clock();
  };
  /// `tokens` must outlive it.
  Authenticator(ServiceAccountTokens& tokens, Options options);

  /// kUnauthenticated: the message says why, for our log; the Status it carries says "Unauthorized" and no
  /// more. Groups include system:authenticated or system:unauthenticated.
  Result<User> authenticate(const http::ServerRequest& request);

  struct TokenUser {
    User user = {};
    std::vector<std::string> audiences = {};
  };
  /// For TokenReview. `audiences`: whom the token must be for; empty: this server. kUnauthenticated in the
  /// words of kube-apiserver.
  Result<TokenUser> authenticate_token(std::string_view token, const std::vector<std::string>& audiences);

 private:
  Result<User> authenticate_any(const http::ServerRequest& request);
  /// kNotFound for a certificate without a name.
  Result<User> user_of_certificate(const std::string& pem);

  ServiceAccountTokens& tokens_;
  Options options_;
  std::map<std::string, CertificateUser, std::less<>> certificates_ = {};  ///< by PEM, those seen lately
};

}  // namespace klutch::apiserver

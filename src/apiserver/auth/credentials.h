// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "apiserver/auth/user.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/headers.h"

// What a client shows of itself, read from its request. Pure; nothing here decides whether a token is good.

namespace klutch::apiserver {

/// The token of `Authorization: Bearer`; nothing if there is no such header or it has another scheme.
/// kUnauthenticated for one that is malformed or there twice. Valid until the headers change.
Result<std::optional<std::string_view>> bearer_token(const http::Headers& headers);

/// Whom a client's certificate stands for, and how long.
struct CertificateUser {
  User user = {};  ///< name: the common name, which may be empty; groups: the organizations
  Time not_before = {};
  Time not_after = {};
};
/// From the PEM of a certificate whose chain has been verified. kUnauthenticated if it is none, or not made
/// for clients.
Result<CertificateUser> certificate_user(const std::string& pem);

}  // namespace klutch::apiserver

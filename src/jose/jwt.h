// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "jose/jwk.h"
#include "jose/jws.h"
#include "json/value.h"

// JSON Web Tokens (RFC 7519): claims signed as a JWS. verify_jwt is the only way to get claims, and it has no
// mode without signature, issuer, audience and expiry. Pure functions, safe from any thread.

namespace klutch::jose {

struct JwtOptions {
  std::vector<Algorithm> algorithms = {};   ///< The allow-list; at least one.
  std::string issuer = {};                  ///< "iss" must be exactly this; not empty.
  std::vector<std::string> audiences = {};  ///< "aud" must contain one of these; at least one.
  std::optional<std::string> nonce = {};    ///< If set, "nonce" must be exactly this (OpenID Connect).
  /// If set, the header's "typ", such as "at+jwt" (RFC 8725 §3.11): keeps tokens for other uses out. Case
  /// does not count, nor does a leading "application/".
  std::optional<std::string> type = {};
  std::vector<std::string> required = {};  ///< Further claims that must be there and not null.
  /// How far clocks may differ. A minute, as kube-apiserver allows, so that a token is good or bad at both
  /// alike.
  Duration leeway = std::chrono::minutes(1);
  std::size_t max_bytes = std::size_t{16} << 10;  ///< Of the whole token.
};

struct Claims {
  std::string issuer;
  std::string subject;  ///< Empty if there is none; name "sub" under JwtOptions::required to insist.
  std::vector<std::string> audiences;
  Time expires_at;
  std::optional<Time> issued_at;
  json::Value all;  ///< The whole JSON object.
};

/// The claims of `token`, if it passes verify_jws and every check of `options` at `now`. kUnauthenticated
/// says which check failed without repeating the token; kInvalid when `options` lacks algorithm, issuer or
/// audience.
[[nodiscard]] Result<Claims> verify_jwt(std::string_view token, const JwkSet& keys, const JwtOptions& options,
                                        Time now);

/// `claims`, an object, as a signed token of type "JWT". The caller puts in all claims. kInvalid for other
/// JSON; kUnsupported for P-384 keys.
[[nodiscard]] Result<std::string> sign_jwt(const json::Value& claims, const SigningKey& key,
                                           std::string_view type = "JWT");

/// What the token claims to be its issuer, NOT verified: good for choosing whose keys to verify it with, for
/// nothing else. Nothing when it is no token of at most `max_bytes` or has no issuer.
[[nodiscard]] std::optional<std::string> unverified_issuer(std::string_view token,
                                                           std::size_t max_bytes = std::size_t{16} << 10);

/// Whole seconds since 1970 as claims write time (NumericDate), cut off towards the past.
[[nodiscard]] std::int64_t to_numeric_date(Time time) noexcept;

}  // namespace klutch::jose

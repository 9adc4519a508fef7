// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/keys.h"
#include "jose/jwk.h"

// Signed texts in the compact form of JWS (RFC 7515): header.payload.signature. What a token says about
// itself is believed only so far as the caller's allow-list and the caller's keys go; key references and keys
// inside the token ("jku", "jwk", "x5u", "x5c") are ignored. Pure functions, safe from any thread, bounded
// time and memory.

namespace klutch::jose {

struct SigningKey {
  crypto::PrivateKey key;
  std::string kid = {};  ///< Goes into the header unless empty.
};

/// The compact form of `payload`, signed with the algorithm that fits the key; `type` becomes the header's
/// "typ" unless it is empty. kUnsupported for P-384.
[[nodiscard]] Result<std::string> sign_jws(std::string_view payload, const SigningKey& key,
                                           std::string_view type = {});

struct JwsOptions {
  /// What is acceptable; an empty list accepts nothing.
  std::vector<Algorithm> algorithms = {};
  /// The whole token in bytes. Identity tokens with hundreds of groups stay below; headers that carry them
  /// rarely go above.
  std::size_t max_bytes = std::size_t{16} << 10;
};

struct VerifiedJws {
  Algorithm algorithm;
  std::string kid;   ///< Empty if the header has none, as is the next.
  std::string type;  ///< The header's "typ".
  std::string payload;
};

/// Rides on the error when the token names a key that is not among the keys: it may be new, so fetch them
/// again (not too often) and try once more.
struct UnknownKey final : ErrorDetail {};

/// The payload of `token` after its signature has been verified by one of `keys`. If the header has a "kid",
/// only keys with that kid count; else those of the right type, at most 8 of them. Every failure is
/// kUnauthenticated and says what is wrong with the token's form, without repeating its content.
[[nodiscard]] Result<VerifiedJws> verify_jws(std::string_view token, const JwkSet& keys,
                                             const JwsOptions& options);

}  // namespace klutch::jose

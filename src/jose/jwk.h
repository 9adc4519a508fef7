// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/keys.h"
#include "json/value.h"

// Public keys as JSON (RFC 7517, RFC 7518 §6, RFC 8037): RSA, P-256 and Ed25519, for verifying signatures.
// Private and symmetric keys are never read or written. Plain values, safe to read from many threads.

namespace klutch::jose {

/// The signature algorithms of this library (RFC 7518 §3, RFC 8037 §3.1). There is neither "none" nor any
/// HMAC, so no public key can be taken for a shared secret.
enum class Algorithm {
  kRs256,  ///< RSASSA-PKCS1-v1_5 with SHA-256, RSA keys
  kEs256,  ///< ECDSA with SHA-256, P-256 keys
  kEdDsa,  ///< Ed25519 keys
};

/// "RS256", "ES256", "EdDSA".
[[nodiscard]] std::string_view name_of(Algorithm algorithm) noexcept;
/// Nothing for every other name; case counts.
[[nodiscard]] std::optional<Algorithm> find_algorithm(std::string_view name) noexcept;
/// The one algorithm for keys of this kind; nothing for P-384.
[[nodiscard]] std::optional<Algorithm> algorithm_of(crypto::KeyKind kind) noexcept;

/// SHA-256 thumbprint (RFC 7638) as base64url: a key id that follows from the key. kUnsupported for P-384.
[[nodiscard]] Result<std::string> thumbprint(const crypto::PublicKey& key);

struct Jwk {
  crypto::PublicKey key;
  Algorithm algorithm;
  std::string kid;  ///< Empty if it has none.
};

/// With the thumbprint as key id when `kid` is empty. kUnsupported for P-384.
[[nodiscard]] Result<Jwk> make_jwk(crypto::PublicKey key, std::string kid = {});
/// {"kty", ..., "kid", "use": "sig", "alg"}.
[[nodiscard]] json::Value to_json(const Jwk& jwk);
/// kUnsupported when the key is of another type, or for another use ("use", "key_ops", "alg"). kInvalid when
/// a member is missing or wrong, or when the key is published with its private half: then it proves nothing
/// any more.
[[nodiscard]] Result<Jwk> parse_jwk(const json::Value& value);

struct JwkSet {
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
  static constexpr std::size_t kMaxKeys = 100;

  std::vector<Jwk> keys;
  std::size_t ignored = 0;  ///< Members of the set that parse_jwk refused, as RFC 7517 §5 advises.
};

/// kBadRequest or kInvalid when the text is not a JWK set, kTooLarge above the limits. A set without a usable
/// key is fine.
[[nodiscard]] Result<JwkSet> parse_jwk_set(std::string_view text);
/// {"keys": [...]}
[[nodiscard]] json::Value to_json(const JwkSet& set);

}  // namespace klutch::jose

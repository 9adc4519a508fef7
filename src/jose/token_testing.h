// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "crypto/base64.h"
#include "jose/jws.h"
#include "testing/test_keys.h"

// For the tests of this folder: keys that sign, the set that verifies them, and tokens made to be wrong.

namespace klutch::jose {

inline SigningKey signing_key(std::string_view pem, std::string kid) {
  return {.key = crypto::PrivateKey::from_pem(pem).value(), .kid = std::move(kid)};
}
inline const SigningKey& rsa_key() {
  static const SigningKey key = signing_key(test_keys::kRsaPkcs1Pem, "rsa");
  return key;
}
inline const SigningKey& ec_key() {
  static const SigningKey key = signing_key(test_keys::kP256Sec1Pem, "ec");
  return key;
}
inline const SigningKey& ed_key() {
  static const SigningKey key = signing_key(test_keys::kEd25519Pem, "ed");
  return key;
}

inline JwkSet public_set(const std::vector<SigningKey>& keys) {
  JwkSet set;
  for (const auto& key : keys) set.keys.push_back(make_jwk(key.key.public_key(), key.kid).value());
  return set;
}
inline const JwkSet& all_keys() {
  static const JwkSet set = public_set({rsa_key(), ec_key(), ed_key()});
  return set;
}

inline const std::vector<Algorithm> kAllAlgorithms = {Algorithm::kRs256, Algorithm::kEs256,
                                                      Algorithm::kEdDsa};

/// header.payload.signature from the decoded parts.
inline std::string compact(std::string_view header, std::string_view payload, std::string_view signature) {
  const auto encode = [](std::string_view part) {
    return crypto::base64_encode(part, crypto::Base64::kUrlUnpadded);
  };
  return encode(header) + '.' + encode(payload) + '.' + encode(signature);
}

/// A well-signed token with a header of the caller's making.
inline std::string signed_with_header(std::string_view header, std::string_view payload,
                                      const SigningKey& key) {
  const std::string unsigned_token = compact(header, payload, "");
  const std::string text = unsigned_token.substr(0, unsigned_token.size() - 1);
  const auto scheme = crypto::default_scheme(key.key.kind());
  return text + '.' + crypto::base64_encode(key.key.sign(scheme, text).value(), crypto::Base64::kUrlUnpadded);
}

}  // namespace klutch::jose

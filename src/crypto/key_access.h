// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "crypto/keys.h"
#include "crypto/openssl.h"

// Private to the .cc files of crypto: what the key types hold, and how an OpenSSL key becomes one of ours.

namespace klutch::crypto {

struct NativeKey {
  openssl::Pkey key;
  KeyKind kind;
};

/// Width of one coordinate, and of r and s, in bytes.
inline std::size_t field_size(KeyKind kind) {
  return kind == KeyKind::kEcP256 ? 32 : 48;
}

struct PublicKey::State : NativeKey {};
struct PrivateKey::State : NativeKey {};

struct KeyAccess {
  /// kUnsupported or kInvalid when `key` is not one that keys.h allows.
  static Result<PublicKey> make_public(openssl::Pkey key);
  static Result<PrivateKey> make_private(openssl::Pkey key);
  static EVP_PKEY* native(const PublicKey& key) noexcept { return key.state_->key.get(); }
  static EVP_PKEY* native(const PrivateKey& key) noexcept { return key.state_->key.get(); }
};

}  // namespace klutch::crypto

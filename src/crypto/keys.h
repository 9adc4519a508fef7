// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

// Asymmetric keys: RSA from 2048 to 8192 bits, NIST P-256 and P-384, Ed25519. Other keys are kUnsupported.
// Both types are immutable and shared: a copy costs a counter, and any thread may use it. A PrivateKey has no
// printed form except to_pem(), which is a Secret. Errors never contain key material.

namespace klutch::crypto {

struct KeyAccess;

enum class KeyKind { kEcP256, kEcP384, kRsa, kEd25519 };

/// What PrivateKey::generate makes.
enum class KeySpec { kEcP256, kEcP384, kRsa2048, kRsa3072, kRsa4096, kEd25519 };

/// How sign() and verify() work. Each fits one kind of key only.
enum class SignatureScheme {
  kRsaPkcs1Sha256,   ///< RSASSA-PKCS1-v1_5 (RFC 8017 §8.2)
  kEcdsaP256Sha256,  ///< r and s as 32 bytes each, as JOSE wants it (RFC 7518 §3.4); not the DER form of
                     ///< X.509
  kEcdsaP384Sha384,  ///< r and s as 48 bytes each
  kEd25519,          ///< PureEdDSA (RFC 8032), 64 bytes
};

/// The scheme that fits keys of this kind.
[[nodiscard]] SignatureScheme default_scheme(KeyKind kind) noexcept;

class PublicKey {
 public:
  /// Reads a SubjectPublicKeyInfo ("BEGIN PUBLIC KEY"). kInvalid for other text, kUnsupported for other keys.
  [[nodiscard]] static Result<PublicKey> from_pem(std::string_view pem);
  /// Modulus and exponent as unsigned big-endian bytes. kInvalid for an even or tiny exponent or modulus.
  [[nodiscard]] static Result<PublicKey> from_rsa(std::string_view modulus, std::string_view exponent);
  /// Coordinates of exactly 32 (P-256) or 48 (P-384) bytes. kInvalid when the point is not on the curve.
  [[nodiscard]] static Result<PublicKey> from_ec(KeyKind curve, std::string_view x, std::string_view y);
  /// Exactly 32 bytes (RFC 8032 §5.1.5).
  [[nodiscard]] static Result<PublicKey> from_ed25519(std::string_view bytes);

  [[nodiscard]] KeyKind kind() const noexcept;
  /// Length of the RSA modulus or of the curve's field in bits.
  [[nodiscard]] int bits() const noexcept;
  [[nodiscard]] std::string to_pem() const;
  /// The SubjectPublicKeyInfo in DER; equal keys have equal bytes.
  [[nodiscard]] std::string to_der() const;

  /// The numbers of the key as unsigned big-endian bytes: for RSA `first` is the modulus and `second` the
  /// exponent, both without leading zeros; for EC they are x and y at full width; for Ed25519 `second` is
  /// empty.
  struct Numbers {
    std::string first;
    std::string second;
  };
  [[nodiscard]] Numbers numbers() const;

  /// Whether `signature` over `message` was made by the private half. False, too, for a scheme of another
  /// kind.
  [[nodiscard]] bool verify(SignatureScheme scheme, std::string_view message,
                            std::string_view signature) const;

  friend bool operator==(const PublicKey& a, const PublicKey& b) noexcept { return a.same_as(b); }

 private:
  friend struct KeyAccess;
  struct State;
  explicit PublicKey(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  [[nodiscard]] bool same_as(const PublicKey& other) const noexcept;

  std::shared_ptr<const State> state_;
};

class PrivateKey {
 public:
  /// A new random key. P-256 unless somebody needs RSA. RSA takes from 0.1 s (2048) to seconds (4096): not on
  /// a loop.
  [[nodiscard]] static PrivateKey generate(KeySpec spec = KeySpec::kEcP256);
  /// Reads the first private key in `pem`: PKCS#8, SEC1 ("EC PRIVATE KEY") or PKCS#1 ("RSA PRIVATE KEY").
  /// kUnsupported for an encrypted one or another kind of key, kInvalid for anything else that is wrong,
  /// including an inconsistent key.
  [[nodiscard]] static Result<PrivateKey> from_pem(std::string_view pem);
  [[nodiscard]] static Result<PrivateKey> from_pem(const Secret& pem) { return from_pem(pem.reveal()); }

  [[nodiscard]] KeyKind kind() const noexcept;
  [[nodiscard]] PublicKey public_key() const;
  /// Unencrypted PKCS#8.
  [[nodiscard]] Secret to_pem() const;

  /// The signature over `message`. kInvalid when the scheme does not fit the key.
  [[nodiscard]] Result<std::string> sign(SignatureScheme scheme, std::string_view message) const;

 private:
  friend struct KeyAccess;
  struct State;
  explicit PrivateKey(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  std::shared_ptr<const State> state_;
};

}  // namespace klutch::crypto

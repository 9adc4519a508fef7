// SPDX-License-Identifier: Apache-2.0
// The signing half of keys.h.
#include <openssl/ecdsa.h>

#include "base/check.h"
#include "crypto/key_access.h"
#include "crypto/keys.h"

namespace klutch::crypto {
namespace {

const EVP_MD* digest_of(SignatureScheme scheme) {
  switch (scheme) {
    case SignatureScheme::kRsaPkcs1Sha256:
    case SignatureScheme::kEcdsaP256Sha256: return EVP_sha256();
    case SignatureScheme::kEcdsaP384Sha384: return EVP_sha384();
    case SignatureScheme::kEd25519: return nullptr;  // hashes inside (RFC 8032)
  }
  CHECK(false);
}

bool is_ecdsa(SignatureScheme scheme) {
  return scheme == SignatureScheme::kEcdsaP256Sha256 || scheme == SignatureScheme::kEcdsaP384Sha384;
}

/// From the DER form OpenSSL speaks to r and s at full width (RFC 7518 §3.4).
std::string raw_from_der(std::string_view der, std::size_t width) {
  const unsigned char* bytes = openssl::data(der);
  const openssl::EcdsaSignature signature(d2i_ECDSA_SIG(nullptr, &bytes, static_cast<long>(der.size())));
  CHECK(signature != nullptr);
  return openssl::to_bytes(ECDSA_SIG_get0_r(signature.get()), width) +
         openssl::to_bytes(ECDSA_SIG_get0_s(signature.get()), width);
}

std::string der_from_raw(std::string_view raw) {
  const std::size_t width = raw.size() / 2;
  const openssl::EcdsaSignature signature(ECDSA_SIG_new());
  CHECK(signature != nullptr);
  CHECK(ECDSA_SIG_set0(signature.get(), openssl::from_bytes(raw.substr(0, width)).release(),
                       openssl::from_bytes(raw.substr(width)).release()) == 1);
  return openssl::der(i2d_ECDSA_SIG, signature.get());
}

}  // namespace

SignatureScheme default_scheme(KeyKind kind) noexcept {
  switch (kind) {
    case KeyKind::kEcP256: return SignatureScheme::kEcdsaP256Sha256;
    case KeyKind::kEcP384: return SignatureScheme::kEcdsaP384Sha384;
    case KeyKind::kRsa: return SignatureScheme::kRsaPkcs1Sha256;
    case KeyKind::kEd25519: return SignatureScheme::kEd25519;
  }
  CHECK(false);
}

bool PublicKey::verify(SignatureScheme scheme, std::string_view message, std::string_view signature) const {
  if (scheme != default_scheme(state_->kind)) return false;
  std::string der;
  if (is_ecdsa(scheme)) {
    if (signature.size() != 2 * field_size(state_->kind)) return false;
    der = der_from_raw(signature);
    signature = der;
  }
  const openssl::DigestCtx ctx(EVP_MD_CTX_new());
  CHECK(ctx != nullptr);
  CHECK(EVP_DigestVerifyInit(ctx.get(), nullptr, digest_of(scheme), nullptr, state_->key.get()) == 1);
  const int verdict = EVP_DigestVerify(ctx.get(), openssl::data(signature), signature.size(),
                                       openssl::data(message), message.size());
  if (verdict != 1) ERR_clear_error();
  return verdict == 1;
}

Result<std::string> PrivateKey::sign(SignatureScheme scheme, std::string_view message) const {
  if (scheme != default_scheme(state_->kind)) {
    return fail(Code::kInvalid, "the signature scheme is for another kind of key");
  }
  const openssl::DigestCtx ctx(EVP_MD_CTX_new());
  CHECK(ctx != nullptr);
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(state_->key.get())), '\0');
  std::size_t size = signature.size();
  if (EVP_DigestSignInit(ctx.get(), nullptr, digest_of(scheme), nullptr, state_->key.get()) != 1 ||
      EVP_DigestSign(ctx.get(), openssl::data(signature), &size, openssl::data(message), message.size()) !=
          1) {
    return fail(Code::kInternal, "cannot sign: " + openssl::take_error());
  }
  signature.resize(size);
  return is_ecdsa(scheme) ? raw_from_der(signature, field_size(state_->kind)) : signature;
}

}  // namespace klutch::crypto

// SPDX-License-Identifier: Apache-2.0
#include "crypto/keys.h"

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/check.h"
#include "crypto/key_access.h"

namespace klutch::crypto {
namespace {

constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;  // a larger one from a stranger only burns time
constexpr int kMaxRsaExponentBits = 64;
constexpr std::size_t kMaxKeyPem = std::size_t{64} << 10;

const char* curve_name(KeyKind kind) {
  return kind == KeyKind::kEcP256 ? "P-256" : "P-384";
}

openssl::BigNum number(const EVP_PKEY* key, const char* name) {
  BIGNUM* value = nullptr;
  CHECK(EVP_PKEY_get_bn_param(key, name, &value) == 1);
  return openssl::BigNum(value);
}

Result<KeyKind> classify_rsa(const EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < kMinRsaBits || bits > kMaxRsaBits) {
    return fail(Code::kUnsupported,
                fmt::format("an RSA key has {} bits; {} to {} are allowed", bits, kMinRsaBits, kMaxRsaBits));
  }
  const auto exponent = number(key, OSSL_PKEY_PARAM_RSA_E);
  const auto modulus = number(key, OSSL_PKEY_PARAM_RSA_N);
  if (!BN_is_odd(exponent.get()) || BN_is_one(exponent.get()) || !BN_is_odd(modulus.get()) ||
      BN_num_bits(exponent.get()) > kMaxRsaExponentBits) {
    return fail(Code::kInvalid, "the numbers of an RSA key are not sound");
  }
  return KeyKind::kRsa;
}

tl::unexpected<Error> unsupported_kind() {
  return fail(Code::kUnsupported, "this kind of key is not supported; use RSA, P-256, P-384 or Ed25519");
}

Result<KeyKind> classify_ec(const EVP_PKEY* key) {
  // RFC 5480 §2.1.1 wants a name; curves spelled out as parameters were used to forge (CVE-2020-0601).
  int explicit_curve = 0;
  char name[64] = {};
  std::size_t length = 0;
  if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_curve) != 1 ||
      explicit_curve != 0 || EVP_PKEY_get_group_name(key, name, sizeof name, &length) != 1) {
    ERR_clear_error();
    return unsupported_kind();
  }
  const std::string_view curve(name, length);
  if (curve == SN_X9_62_prime256v1) return KeyKind::kEcP256;
  if (curve == SN_secp384r1) return KeyKind::kEcP384;
  return unsupported_kind();
}

Result<KeyKind> classify(const EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA: return classify_rsa(key);
    case EVP_PKEY_ED25519: return KeyKind::kEd25519;
    case EVP_PKEY_EC: return classify_ec(key);
    default: return unsupported_kind();
  }
}

/// Builds a public key of `type` from parameters; OpenSSL refuses points that are not on the curve.
Result<openssl::Pkey> from_params(const char* type, OSSL_PARAM_BLD* builder) {
  const openssl::Params params(OSSL_PARAM_BLD_to_param(builder));
  const openssl::PkeyCtx ctx(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  CHECK(params != nullptr && ctx != nullptr);
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(ctx.get()) != 1 ||
      EVP_PKEY_fromdata(ctx.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return fail(Code::kInvalid, "the numbers are not a public key: " + openssl::take_error());
  }
  return openssl::Pkey(key);
}

openssl::Pkey generate_native(KeySpec spec) {
  switch (spec) {
    case KeySpec::kEcP256: return openssl::Pkey(EVP_EC_gen("P-256"));
    case KeySpec::kEcP384: return openssl::Pkey(EVP_EC_gen("P-384"));
    case KeySpec::kRsa2048: return openssl::Pkey(EVP_RSA_gen(2048U));
    case KeySpec::kRsa3072: return openssl::Pkey(EVP_RSA_gen(3072U));
    case KeySpec::kRsa4096: return openssl::Pkey(EVP_RSA_gen(4096U));
    case KeySpec::kEd25519: return openssl::Pkey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }
  CHECK(false);
}

}  // namespace

Result<PublicKey> KeyAccess::make_public(openssl::Pkey key) {
  const KeyKind kind = TRY(classify(key.get()));
  return PublicKey(std::make_shared<PublicKey::State>(PublicKey::State{{std::move(key), kind}}));
}

Result<PrivateKey> KeyAccess::make_private(openssl::Pkey key) {
  const KeyKind kind = TRY(classify(key.get()));
  return PrivateKey(std::make_shared<PrivateKey::State>(PrivateKey::State{{std::move(key), kind}}));
}

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  if (pem.size() > kMaxKeyPem) return fail(Code::kTooLarge, "a public key in PEM is larger than 64 KiB");
  const auto bio = openssl::read_bio(pem);
  openssl::Pkey key(PEM_read_bio_PUBKEY(bio.get(), nullptr, openssl::no_password, nullptr));
  if (key == nullptr) return fail(Code::kInvalid, "not a public key in PEM: " + openssl::take_error());
  ERR_clear_error();
  return KeyAccess::make_public(std::move(key));
}

Result<PublicKey> PublicKey::from_rsa(std::string_view modulus, std::string_view exponent) {
  if (modulus.size() > kMaxRsaBits / 8 || exponent.size() > kMaxRsaExponentBits / 8) {
    return fail(Code::kUnsupported, "the numbers of an RSA key are too long");
  }
  const auto n = openssl::from_bytes(modulus);
  const auto e = openssl::from_bytes(exponent);
  const openssl::ParamBuild builder(OSSL_PARAM_BLD_new());
  CHECK(builder != nullptr);
  CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1);
  CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1);
  return KeyAccess::make_public(TRY(from_params("RSA", builder.get())));
}

Result<PublicKey> PublicKey::from_ec(KeyKind curve, std::string_view x, std::string_view y) {
  CHECK(curve == KeyKind::kEcP256 || curve == KeyKind::kEcP384);
  if (x.size() != field_size(curve) || y.size() != field_size(curve)) {
    return fail(Code::kInvalid,
                fmt::format("a coordinate on {} has {} bytes", curve_name(curve), field_size(curve)));
  }
  std::string point = "\x04";  // uncompressed (SEC 1 §2.3.3)
  point.append(x).append(y);
  const openssl::ParamBuild builder(OSSL_PARAM_BLD_new());
  CHECK(builder != nullptr);
  CHECK(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve_name(curve), 0) ==
        1);
  CHECK(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                         point.size()) == 1);
  return KeyAccess::make_public(TRY(from_params("EC", builder.get())));
}

Result<PublicKey> PublicKey::from_ed25519(std::string_view bytes) {
  if (bytes.size() != 32) return fail(Code::kInvalid, "an Ed25519 public key has 32 bytes");
  openssl::Pkey key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, openssl::data(bytes), bytes.size()));
  CHECK(key != nullptr);
  return KeyAccess::make_public(std::move(key));
}

KeyKind PublicKey::kind() const noexcept {
  return state_->kind;
}

int PublicKey::bits() const noexcept {
  return EVP_PKEY_get_bits(state_->key.get());
}

std::string PublicKey::to_pem() const {
  const auto bio = openssl::write_bio();
  CHECK(PEM_write_bio_PUBKEY(bio.get(), state_->key.get()) == 1);
  return openssl::content(bio);
}

std::string PublicKey::to_der() const {
  return openssl::der(i2d_PUBKEY, state_->key.get());
}

PublicKey::Numbers PublicKey::numbers() const {
  const EVP_PKEY* key = state_->key.get();
  const auto minimal = [&](const char* name) {
    const auto value = number(key, name);
    return openssl::to_bytes(value.get(), static_cast<std::size_t>(BN_num_bytes(value.get())));
  };
  const auto coordinate = [&](const char* name) {
    return openssl::to_bytes(number(key, name).get(), field_size(state_->kind));
  };
  switch (state_->kind) {
    case KeyKind::kRsa: return {minimal(OSSL_PKEY_PARAM_RSA_N), minimal(OSSL_PKEY_PARAM_RSA_E)};
    case KeyKind::kEcP256:
    case KeyKind::kEcP384:
      return {coordinate(OSSL_PKEY_PARAM_EC_PUB_X), coordinate(OSSL_PKEY_PARAM_EC_PUB_Y)};
    case KeyKind::kEd25519: {
      std::string bytes(32, '\0');
      std::size_t size = bytes.size();
      CHECK(EVP_PKEY_get_raw_public_key(key, openssl::data(bytes), &size) == 1);
      return {bytes, {}};
    }
  }
  CHECK(false);
}

bool PublicKey::same_as(const PublicKey& other) const noexcept {
  return state_ == other.state_ || EVP_PKEY_eq(state_->key.get(), other.state_->key.get()) == 1;
}

PrivateKey PrivateKey::generate(KeySpec spec) {
  auto key = KeyAccess::make_private(generate_native(spec));
  CHECK(key.has_value());
  return *std::move(key);
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
  if (pem.size() > kMaxKeyPem) return fail(Code::kTooLarge, "a private key in PEM is larger than 64 KiB");
  const auto bio = openssl::read_bio(pem);
  openssl::Pkey native(PEM_read_bio_PrivateKey(bio.get(), nullptr, openssl::no_password, nullptr));
  const std::string reason = openssl::take_error();
  if (native == nullptr) {
    if (pem.find("ENCRYPTED") != pem.npos) {
      return fail(Code::kUnsupported, "the private key is encrypted; store it without a passphrase");
    }
    return fail(Code::kInvalid, "not a private key in PEM: " + reason);
  }
  auto key = TRY(KeyAccess::make_private(std::move(native)));
  // Cheaper than proving primes, and it catches a public half that belongs to another key.
  const SignatureScheme scheme = default_scheme(key.kind());
  const auto proof = key.sign(scheme, "klutch");
  if (!proof || !key.public_key().verify(scheme, "klutch", *proof)) {
    return fail(Code::kInvalid, "the private key is damaged: its halves do not belong together");
  }
  return key;
}

KeyKind PrivateKey::kind() const noexcept {
  return state_->kind;
}

PublicKey PrivateKey::public_key() const {
  const std::string der =
      openssl::der(i2d_PUBKEY, state_->key.get());  // a copy that cannot carry the private half along
  const unsigned char* bytes = openssl::data(der);
  auto key =
      KeyAccess::make_public(openssl::Pkey(d2i_PUBKEY(nullptr, &bytes, static_cast<long>(der.size()))));
  CHECK(key.has_value());
  return *std::move(key);
}

Secret PrivateKey::to_pem() const {
  const auto bio = openssl::write_bio();
  CHECK(PEM_write_bio_PKCS8PrivateKey(bio.get(), state_->key.get(), nullptr, nullptr, 0, nullptr, nullptr) ==
        1);
  std::string pem = openssl::content(bio);
  return Secret::take(pem);
}

namespace openssl {

EVP_PKEY* native(const PrivateKey& key) noexcept {
  return KeyAccess::native(key);
}

EVP_PKEY* native(const PublicKey& key) noexcept {
  return KeyAccess::native(key);
}

}  // namespace openssl
}  // namespace klutch::crypto

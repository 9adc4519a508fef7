// SPDX-License-Identifier: Apache-2.0
#include "crypto/hkdf.h"

#include <array>

#include "base/check.h"
#include "crypto/openssl.h"

namespace klutch::crypto {
namespace {

const char* digest_name(Hash hash) {
  return hash == Hash::kSha256 ? "SHA256" : hash == Hash::kSha384 ? "SHA384" : "SHA512";
}

OSSL_PARAM octets(const char* name, std::string_view bytes) {
  // The parameter type has no const; OpenSSL only reads it. It refuses null, even with length 0.
  const char* address = bytes.empty() ? "" : bytes.data();
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(address), bytes.size());
}

}  // namespace

Secret hkdf(Hash hash, const HkdfInput& input, std::size_t length) {
  CHECK(length > 0 && length <= 255 * digest_size(hash));
  const openssl::Kdf kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  CHECK(kdf != nullptr);
  const openssl::KdfCtx ctx(EVP_KDF_CTX_new(kdf.get()));
  CHECK(ctx != nullptr);
  const std::array<OSSL_PARAM, 5> params = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(digest_name(hash)), 0),
      octets(OSSL_KDF_PARAM_KEY, input.key.reveal()), octets(OSSL_KDF_PARAM_SALT, input.salt),
      octets(OSSL_KDF_PARAM_INFO, input.info), OSSL_PARAM_construct_end()};
  std::string derived(length, '\0');
  CHECK(EVP_KDF_derive(ctx.get(), openssl::data(derived), derived.size(), params.data()) == 1);
  return Secret::take(derived);
}

}  // namespace klutch::crypto

// SPDX-License-Identifier: Apache-2.0
#include "crypto/hmac.h"

#include <openssl/hmac.h>

#include <limits>

#include "base/check.h"
#include "crypto/compare.h"
#include "crypto/openssl.h"

namespace klutch::crypto {
namespace {

std::string hmac(const EVP_MD* hash, const Secret& key, std::string_view message) {
  const std::string_view secret = key.reveal();
  CHECK(secret.size() < std::numeric_limits<int>::max());
  std::string mac(static_cast<std::size_t>(EVP_MD_get_size(hash)), '\0');
  // OpenSSL takes a null key to mean "the key of last time", so an empty one needs an address too.
  const char* bytes = secret.empty() ? "" : secret.data();
  unsigned int size = 0;
  CHECK(HMAC(hash, bytes, static_cast<int>(secret.size()), openssl::data(message), message.size(),
             openssl::data(mac), &size) != nullptr);
  CHECK(size == mac.size());
  return mac;
}

}  // namespace

std::string hmac_sha256(const Secret& key, std::string_view message) {
  return hmac(EVP_sha256(), key, message);
}

std::string hmac_sha512(const Secret& key, std::string_view message) {
  return hmac(EVP_sha512(), key, message);
}

bool hmac_sha256_matches(const Secret& key, std::string_view message, std::string_view mac) {
  return constant_time_equal(hmac_sha256(key, message), mac);
}

}  // namespace klutch::crypto

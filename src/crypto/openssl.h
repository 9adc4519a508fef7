// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"

// Private to the .cc files of crypto, jose and http: OpenSSL objects with owners, and the way from our value
// types to the OpenSSL objects inside them. No public header includes this file. Every function that fails
// clears OpenSSL's per-thread error queue, so that a failure here is never reported by somebody else's TLS
// call later.

namespace klutch::crypto {

class PrivateKey;
class PublicKey;
class Certificate;

namespace openssl {

template <auto free_function>
struct Free {
  template <class T>
  void operator()(T* object) const noexcept {
    free_function(object);
  }
};

using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using BigNum = std::unique_ptr<BIGNUM, Free<BN_clear_free>>;
using CipherCtx = std::unique_ptr<EVP_CIPHER_CTX, Free<EVP_CIPHER_CTX_free>>;
using DigestCtx = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;
using ExtendedKeyUsage = std::unique_ptr<EXTENDED_KEY_USAGE, Free<EXTENDED_KEY_USAGE_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>>;
using Kdf = std::unique_ptr<EVP_KDF, Free<EVP_KDF_free>>;
using KdfCtx = std::unique_ptr<EVP_KDF_CTX, Free<EVP_KDF_CTX_free>>;
using ParamBuild = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;
using Pkey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using PkeyCtx = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using Store = std::unique_ptr<X509_STORE, Free<X509_STORE_free>>;
using StoreCtx = std::unique_ptr<X509_STORE_CTX, Free<X509_STORE_CTX_free>>;
using X509Ptr = std::unique_ptr<X509, Free<X509_free>>;
using X509NamePtr = std::unique_ptr<X509_NAME, Free<X509_NAME_free>>;
using X509ReqPtr = std::unique_ptr<X509_REQ, Free<X509_REQ_free>>;

struct ExtensionsDeleter {
  void operator()(STACK_OF(X509_EXTENSION) * extensions) const noexcept {
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  }
};
using Extensions = std::unique_ptr<STACK_OF(X509_EXTENSION), ExtensionsDeleter>;

/// A view of `bytes` for reading. `bytes` must outlive it and be shorter than 2 GiB.
Bio read_bio(std::string_view bytes);
/// A growing buffer that wipes itself.
Bio write_bio();
std::string content(const Bio& bio);

inline const unsigned char* data(std::string_view bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* data(std::string& bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

/// The DER form: der(i2d_X509, certificate).
template <class T>
std::string der(int (*encode)(const T*, unsigned char**), const T* object) {
  unsigned char* bytes = nullptr;
  const int size = encode(object, &bytes);
  CHECK(size > 0);
  std::string result(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return result;
}

/// Unsigned big-endian bytes of exactly `width`, which must suffice.
std::string to_bytes(const BIGNUM* value, std::size_t width);
BigNum from_bytes(std::string_view bytes);

/// The text of the first queued error and an empty queue. Never contains key material. "unknown" when empty.
std::string take_error();

/// A password callback that answers nothing: without it OpenSSL asks on the terminal.
int no_password(char* buffer, int size, int writing, void* context) noexcept;

/// Borrowed: valid while the value or a copy of it lives. OpenSSL calls on them must not modify the object.
EVP_PKEY* native(const PrivateKey& key) noexcept;
EVP_PKEY* native(const PublicKey& key) noexcept;
X509* native(const Certificate& certificate) noexcept;

}  // namespace openssl
}  // namespace klutch::crypto

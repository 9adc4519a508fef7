// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "crypto/certificate_request.h"
#include "crypto/openssl.h"

// Private to the .cc files of crypto: our names as OpenSSL structures, for certificates and requests. Names
// are put together as structures, never as OpenSSL's configuration text, where a comma in a name would add an
// entry.

namespace klutch::crypto {

/// kInvalid for a missing common name and for parts that are empty, too long or not UTF-8.
Result<openssl::X509NamePtr> make_name(const CertificateNames& names);

/// Null when there is no alternative name. kInvalid names the entry that is neither a DNS name nor an
/// address.
Result<openssl::GeneralNamesPtr> make_alternative_names(const CertificateNames& names);

/// Signs with the hash that fits the key: `sign` is X509_sign or X509_REQ_sign.
template <class T>
void sign_with(const PrivateKey& key, T* object, int (*sign)(T*, EVP_PKEY*, const EVP_MD*)) {
  const EVP_MD* hash = key.kind() == KeyKind::kEd25519  ? nullptr
                       : key.kind() == KeyKind::kEcP384 ? EVP_sha384()
                                                        : EVP_sha256();
  CHECK(sign(object, openssl::native(key), hash) > 0);
}

}  // namespace klutch::crypto

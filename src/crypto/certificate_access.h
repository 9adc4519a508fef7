// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "crypto/certificate.h"
#include "crypto/openssl.h"

// Private to the .cc files of crypto: what a Certificate holds, and how an OpenSSL certificate becomes one.

namespace klutch::crypto {

struct Certificate::State {
  openssl::X509Ptr x509;
  CertificateInfo info;
};

struct CertificateAccess {
  /// kInvalid when an extension or a date cannot be understood.
  static Result<Certificate> make(openssl::X509Ptr x509);
  static X509* native(const Certificate& certificate) noexcept { return certificate.state_->x509.get(); }
};

/// The parts of a name; also for certificate requests.
DistinguishedName read_name(const X509_NAME* name);

struct AlternativeNames {
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
};
/// kInvalid for a DNS name with characters outside printable ASCII or an address that has neither 4 nor 16
/// bytes.
Result<AlternativeNames> read_alternative_names(const GENERAL_NAMES* names);

}  // namespace klutch::crypto

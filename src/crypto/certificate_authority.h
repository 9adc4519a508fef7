// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/certificate.h"
#include "crypto/certificate_request.h"
#include "crypto/keys.h"

// A small certificate authority for the inside of a system: one self-signed root that signs server and client
// certificates (RFC 5280), and its replacement without a gap. Values without I/O: the caller stores PEM and
// passes the time. Safe from any thread.
//
//   const auto ca = TRY(CertificateAuthority::create({.common_name = "klutch"}, clock.now()));
//   const auto server = TRY(ca.issue_with_new_key({.names = {.common_name = "api", .dns_names =
//   {"api.example.com"}},
//                                                  .for_server = true}, clock.now()));

namespace klutch::crypto {

/// Everything we issue is valid from this much before its issue, for clocks that are behind.
inline constexpr Duration kBackdate = std::chrono::minutes(5);

struct AuthorityOptions {
  std::string common_name = {};
  Duration lifetime = std::chrono::hours(24 * 3650);
  KeySpec key = KeySpec::kEcP256;
};

struct IssueOptions {
  CertificateNames names = {};
  /// Cut to the end of the authority's own certificate.
  Duration lifetime = std::chrono::hours(24 * 365);
  bool for_server = false;  ///< At least one of the two; a server needs a DNS name or an address.
  bool for_client = false;
};

/// A certificate with the key made for it.
struct IssuedIdentity {
  Certificate certificate;
  PrivateKey key;
};

class CertificateAuthority {
 public:
  /// A new root with a new key, which may sign leaf certificates only (path length 0). kInvalid for a bad
  /// name or a lifetime that is not positive.
  [[nodiscard]] static Result<CertificateAuthority> create(const AuthorityOptions& options, Time now);
  /// An existing one. kInvalid when it is not an authority's certificate or the key is not the certificate's.
  [[nodiscard]] static Result<CertificateAuthority> load(Certificate certificate, PrivateKey key);

  [[nodiscard]] const Certificate& certificate() const noexcept { return certificate_; }
  [[nodiscard]] const PrivateKey& key() const noexcept { return key_; }

  /// A certificate for `holder`. The serial number has 128 random bits. kInvalid names what is wrong with
  /// `options`; kTerminal when the authority itself is not valid at `now`.
  [[nodiscard]] Result<Certificate> issue(const PublicKey& holder, const IssueOptions& options,
                                          Time now) const;
  /// As issue(), for a P-256 key that is made for it.
  [[nodiscard]] Result<IssuedIdentity> issue_with_new_key(const IssueOptions& options, Time now) const;

 private:
  CertificateAuthority(Certificate certificate, PrivateKey key)
      : certificate_(std::move(certificate)), key_(std::move(key)) {}

  Certificate certificate_;
  PrivateKey key_;
};

/// An authority and those before and after it. A new root is announced first, so that every verifier has the
/// new bundle before the first certificate that needs it appears; old roots stay until they expire.
struct AuthoritySet {
  CertificateAuthority active;                              ///< Signs.
  std::optional<CertificateAuthority> next = std::nullopt;  ///< Announced, does not sign yet.
  std::vector<Certificate> retired = {};                    ///< Signed once; some of it may still be in use.

  /// What verifiers should trust: active, next, retired.
  [[nodiscard]] std::vector<Certificate> trust_bundle() const;
};

struct RotationOptions {
  AuthorityOptions authority = {};
  /// From announcing a root until it signs. Long enough for every copy of the bundle to be renewed.
  Duration announce = std::chrono::hours(24);
};

/// One step of the rotation if one is due at `now`, else nothing: drops expired roots, announces a successor
/// when should_rotate() says so, puts it to work after `announce` or when the active root has expired.
/// Level-based: call it as often as you like, store the result before using it.
[[nodiscard]] Result<std::optional<AuthoritySet>> rotate(const AuthoritySet& set,
                                                         const RotationOptions& options, Time now);

}  // namespace klutch::crypto

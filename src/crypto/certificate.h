// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/keys.h"

// X.509 certificates (RFC 5280), read. A Certificate is immutable and shared: copies are cheap, any thread
// may use them. Reading one proves nothing: see certificate_verify.h. Names in it may come from a stranger;
// quote them before they go into a message. Parsing is bounded; failures are kInvalid or kTooLarge.

namespace klutch::crypto {

/// Who a certificate speaks of. Kubernetes reads the common name as the user and the organizations as its
/// groups.
struct DistinguishedName {
  std::string common_name;  ///< The last one if there are several; empty if there is none.
  std::vector<std::string> organizations;
  std::string text;  ///< The whole name as RFC 2253 writes it, control characters escaped.

  friend bool operator==(const DistinguishedName&, const DistinguishedName&) = default;
};

/// What the holder's key may do. A certificate without the extension in question allows all of it.
struct KeyUsage {
  bool digital_signature = false;
  bool certificate_sign = false;
  bool crl_sign = false;
  bool server_auth = false;  ///< Extended key usage, as are the next.
  bool client_auth = false;

  friend bool operator==(const KeyUsage&, const KeyUsage&) = default;
};

struct CertificateInfo {
  DistinguishedName subject;
  DistinguishedName issuer;
  std::vector<std::string> dns_names;     ///< Subject alternative names, in order, as they are written.
  std::vector<std::string> ip_addresses;  ///< "192.0.2.1", "2001:db8::1".
  Time not_before;                        ///< Dates that Time cannot hold become its nearest end.
  Time not_after;
  std::string serial;          ///< Lower-case hexadecimal, without leading zeros ("0" for zero).
  std::string fingerprint;     ///< SHA-256 over the DER, lower-case hexadecimal.
  std::string subject_key_id;  ///< Raw bytes; empty if absent, as is the next.
  std::string authority_key_id;
  bool is_ca = false;
  KeyUsage usage;
};

class Certificate {
 public:
  static constexpr std::size_t kMaxDer = std::size_t{64} << 10;

  /// The one certificate in `der`; nothing may follow it.
  [[nodiscard]] static Result<Certificate> from_der(std::string_view der);

  [[nodiscard]] const CertificateInfo& info() const& noexcept;
  /// A copy, because the certificate is about to go.
  [[nodiscard]] CertificateInfo info() && { return static_cast<const Certificate&>(*this).info(); }
  /// kUnsupported when the key is of a kind keys.h does not know.
  [[nodiscard]] Result<PublicKey> public_key() const;
  [[nodiscard]] std::string to_der() const;
  [[nodiscard]] std::string to_pem() const;

  /// The same bytes.
  friend bool operator==(const Certificate& a, const Certificate& b) noexcept {
    return a.info().fingerprint == b.info().fingerprint;
  }

 private:
  friend struct CertificateAccess;
  struct State;
  explicit Certificate(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  std::shared_ptr<const State> state_;
};

/// All certificates in `pem`, in order; blocks of other kinds, such as keys, are passed over. At least one.
/// kInvalid names the number (from 1) of the one that is wrong; kTooLarge above 4 MiB or 1000 certificates.
[[nodiscard]] Result<std::vector<Certificate>> parse_certificates(std::string_view pem);

/// As parse_certificates, for a text that must hold exactly one.
[[nodiscard]] Result<Certificate> parse_certificate(std::string_view pem);

/// The PEM blocks one after the other: a chain or a bundle.
[[nodiscard]] std::string to_pem(std::span<const Certificate> certificates);

/// Whether two thirds of the lifetime of `certificate` have passed at `now`, so that it is time for a new
/// one.
[[nodiscard]] bool should_rotate(const Certificate& certificate, Time now) noexcept;

}  // namespace klutch::crypto

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "crypto/keys.h"

// Certificate signing requests (PKCS#10, RFC 2986): a holder of a key asks for a certificate. What is asked
// for is only a wish; the authority decides what to issue. Immutable and shared: copies are cheap, any thread
// may use them.

namespace klutch::crypto {

/// Whom a certificate names.
struct CertificateNames {
  std::string common_name = {};  ///< Kubernetes: the user. 1 to 64 characters (RFC 5280 upper bound).
  std::vector<std::string> organizations = {};  ///< Kubernetes: the groups. Each 1 to 64 characters.
  std::vector<std::string> dns_names = {};      ///< "example.com", "*.example.com"; ASCII (IDN as xn--).
  std::vector<std::string> ip_addresses = {};   ///< "192.0.2.1", "2001:db8::1"
};

class CertificateRequest {
 public:
  /// A request signed by `key`. kInvalid names the entry of `names` that is not allowed.
  [[nodiscard]] static Result<CertificateRequest> create(const PrivateKey& key,
                                                         const CertificateNames& names);
  /// kInvalid when it is not one or its signature is not by its own key; kUnsupported for other keys;
  /// kTooLarge above 64 KiB.
  [[nodiscard]] static Result<CertificateRequest> from_pem(std::string_view pem);

  /// What is asked for; checked as little as a stranger's word.
  [[nodiscard]] const CertificateNames& names() const noexcept;
  /// The requester has shown to hold the private half.
  [[nodiscard]] const PublicKey& public_key() const noexcept;
  [[nodiscard]] std::string to_pem() const;

 private:
  struct State;
  explicit CertificateRequest(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  std::shared_ptr<const State> state_;
};

}  // namespace klutch::crypto

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/certificate.h"

// Whether a certificate can be trusted (RFC 5280 §6) and is for a host (RFC 9525). Pure functions of their
// arguments: no clock, no network, no revocation lists. Safe from any thread.

namespace klutch::crypto {

enum class Purpose { kServer, kClient };

struct VerifyOptions {
  Time now;
  Purpose purpose = Purpose::kServer;
  /// The host or address the certificate must be for; nothing: any.
  std::optional<std::string> host = std::nullopt;
};

/// Verifies `chain` (leaf first, then intermediates in any order) up to one of `trusted`. A certificate of
/// the bundle is trusted whether or not it signed itself. At most 8 intermediates, at least 112 bits of
/// security (no SHA-1, no RSA below 2048). kUnauthenticated says which certificate fails and why.
[[nodiscard]] Result<> verify_chain(std::span<const Certificate> chain, std::span<const Certificate> trusted,
                                    const VerifyOptions& options);

/// Whether one of the certificate's alternative names is `host`: a DNS name (one trailing dot is ignored; "*"
/// stands for exactly the leftmost label) or an IP address without brackets. The common name does not count
/// (RFC 9525 §2).
[[nodiscard]] bool matches_host(const Certificate& certificate, std::string_view host);

}  // namespace klutch::crypto

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/certificate_authority.h"
#include "http/tls.h"

// Certificates for tests over TLS, made anew in each test: good ones and every kind of bad one.

namespace klutch::test {

class TestPki {
 public:
  explicit TestPki(const std::string& name = "test root")
      : ca_(crypto::CertificateAuthority::create({.common_name = name},
                                                 system_clock().now() - std::chrono::hours(24 * 30))
                .value()) {}

  [[nodiscard]] std::string trusted() const { return ca_.certificate().to_pem(); }

  /// For localhost and the loopback addresses.
  [[nodiscard]] http::KeyPair server() const { return server_for({"localhost"}, {"127.0.0.1", "::1"}); }

  [[nodiscard]] http::KeyPair server_for(std::vector<std::string> names,
                                         std::vector<std::string> addresses = {}) const {
    return issue({.names = {.common_name = "server",
                            .dns_names = std::move(names),
                            .ip_addresses = std::move(addresses)},
                  .for_server = true},
                 system_clock().now());
  }

  /// Was good for a day, a week ago.
  [[nodiscard]] http::KeyPair expired_server() const {
    using std::chrono::hours;
    const Time then = system_clock().now() - hours(24 * 7);
    return issue(
        {.names = {.common_name = "server", .dns_names = {"localhost"}, .ip_addresses = {"127.0.0.1"}},
         .lifetime = hours(24),
         .for_server = true},
        then);
  }

  [[nodiscard]] http::KeyPair client(const std::string& user, std::vector<std::string> groups = {}) const {
    return issue({.names = {.common_name = user, .organizations = std::move(groups)}, .for_client = true},
                 system_clock().now());
  }

  /// Was good for a day, a week ago.
  [[nodiscard]] http::KeyPair expired_client(const std::string& user) const {
    using std::chrono::hours;
    return issue({.names = {.common_name = user}, .lifetime = hours(24), .for_client = true},
                 system_clock().now() - hours(24 * 7));
  }

  [[nodiscard]] http::TlsClient trusting_client() const {
    return http::TlsClient::create({.trusted = trusted()}).value();
  }

 private:
  [[nodiscard]] http::KeyPair issue(const crypto::IssueOptions& options, Time now) const {
    const auto identity = ca_.issue_with_new_key(options, now).value();
    return {.certificate_chain = identity.certificate.to_pem(), .private_key = identity.key.to_pem()};
  }

  crypto::CertificateAuthority ca_;
};

}  // namespace klutch::test

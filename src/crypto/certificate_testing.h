// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "crypto/certificate_authority.h"

// For the tests of this folder: a fixed time and short ways to an authority and its certificates.

namespace klutch::crypto {

using Certificates = std::vector<Certificate>;

inline constexpr Time kNow = std::chrono::sys_days(std::chrono::year(2025) / 6 / 15) + std::chrono::hours(12);
inline constexpr Duration kDay = std::chrono::hours(24);

inline CertificateAuthority make_authority(const std::string& name = "test root",
                                           KeySpec key = KeySpec::kEcP256) {
  return CertificateAuthority::create({.common_name = name, .key = key}, kNow).value();
}

inline IssueOptions for_server(std::vector<std::string> dns_names, std::vector<std::string> addresses = {}) {
  return {.names = {.common_name = "server",
                    .dns_names = std::move(dns_names),
                    .ip_addresses = std::move(addresses)},
          .for_server = true};
}

inline IssueOptions for_client(const std::string& user, std::vector<std::string> groups = {}) {
  return {.names = {.common_name = user, .organizations = std::move(groups)}, .for_client = true};
}

}  // namespace klutch::crypto

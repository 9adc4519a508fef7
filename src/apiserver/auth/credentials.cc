// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/credentials.h"

#include "base/strings.h"
#include "crypto/certificate.h"

namespace klutch::apiserver {

Result<std::optional<std::string_view>> bearer_token(const http::Headers& headers) {
  constexpr std::string_view kHeader = "Authorization";
  constexpr std::string_view kScheme = "Bearer";
  std::optional<std::string_view> credentials;
  for (const auto& [name, value] : headers) {
    if (!equal_ignore_case(name, kHeader)) continue;
    if (credentials) return fail(Code::kUnauthenticated, "there is more than one Authorization header");
    credentials = trim(value);
  }
  if (!credentials || !starts_with_ignore_case(*credentials, kScheme)) return std::nullopt;
  auto rest = credentials->substr(kScheme.size());
  if (!rest.empty() && rest.front() != ' ') return std::nullopt;  // another scheme
  rest = trim(rest);
  if (rest.empty() || rest.find_first_of(" \t") != std::string_view::npos) {
    return fail(Code::kUnauthenticated, "invalid bearer token");
  }
  return rest;
}

Result<CertificateUser> certificate_user(const std::string& pem) {
  const auto certificate = crypto::parse_certificate(pem);
  if (!certificate) return fail(certificate.error().with_code(Code::kUnauthenticated));
  const auto& info = certificate->info();
  if (!info.usage.client_auth) {
    return fail(Code::kUnauthenticated, "the certificate is not made for clients");
  }
  CertificateUser out{.user = {.name = info.subject.common_name, .groups = info.subject.organizations},
                      .not_before = info.not_before,
                      .not_after = info.not_after};
  out.user.extra[std::string(kCredentialId)] = {"X509SHA256=" + info.fingerprint};
  return out;
}

}  // namespace klutch::apiserver

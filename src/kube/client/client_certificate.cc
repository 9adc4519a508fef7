// SPDX-License-Identifier: Apache-2.0
#include "kube/client/client_certificate.h"

#include "base/duration.h"
#include "base/time.h"
#include "crypto/certificate.h"

namespace klutch::kube {
namespace {

/// By how much the clocks of client and server may differ.
constexpr auto kClockSkew = std::chrono::minutes(5);

}  // namespace

Result<ClientCertificate> make_client_certificate(const std::string& label, http::KeyPair pair) {
  const auto chain = crypto::parse_certificates(pair.certificate_chain);
  if (!chain) {
    return fail(Code::kInvalid,
                label + ": the client certificate is no PEM certificate: " + chain.error().message());
  }
  const auto info = chain->front().info();
  auto identity = std::make_shared<const http::KeyPair>(std::move(pair));
  // Only OpenSSL's word counts on whether it can use the pair; trust plays no part in that.
  const auto usable = http::TlsClient::create({.insecure_skip_verify = true, .identity = identity});
  if (!usable) {
    return fail(Code::kInvalid,
                label + ": the client certificate and key cannot be used: " + usable.error().message());
  }
  return ClientCertificate{std::move(identity), info.not_before, info.not_after};
}

Result<> check_validity(const ClientCertificate& certificate, const std::string& label, Time now) {
  if (now > certificate.not_after) {
    return fail(Code::kUnauthenticated, label + ": the client certificate expired at " +
                                            format_rfc3339(certificate.not_after) + ", " +
                                            format_age(now - certificate.not_after) + " ago");
  }
  if (now + kClockSkew < certificate.not_before) {
    return fail(Code::kUnauthenticated, label + ": the client certificate is not valid before " +
                                            format_rfc3339(certificate.not_before));
  }
  return {};
}

}  // namespace klutch::kube

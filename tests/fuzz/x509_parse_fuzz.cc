// SPDX-License-Identifier: Apache-2.0
// Any bytes as certificates, requests and keys: no crash, what was read survives writing and reading again,
// and nothing is trusted that nobody trusts. Text with a PEM header goes to the PEM readers, everything else
// to the DER reader.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "crypto/certificate.h"
#include "crypto/certificate_authority.h"
#include "crypto/certificate_request.h"
#include "crypto/certificate_verify.h"
#include "crypto/keys.h"

namespace {

using namespace klutch;
using namespace klutch::crypto;

constexpr Time kNow{std::chrono::seconds(1750000000)};

const std::vector<Certificate>& stranger() {
  static const std::vector<Certificate> root = {
      CertificateAuthority::create({.common_name = "stranger"}, kNow).value().certificate()};
  return root;
}

void check_certificate(const Certificate& certificate) {
  const auto& info = certificate.info();
  CHECK(!info.serial.empty() && info.fingerprint.size() == 64);
  const auto again = Certificate::from_der(certificate.to_der());
  if (again) CHECK(*again == certificate && again->info().subject == info.subject);
  CHECK(parse_certificate(certificate.to_pem()).has_value());
  for (const auto& name : info.dns_names) static_cast<void>(matches_host(certificate, name));
  for (const auto& address : info.ip_addresses) CHECK(matches_host(certificate, address));
  CHECK(!matches_host(certificate, ""));
  const auto key = certificate.public_key();
  if (key) CHECK(PublicKey::from_pem(key->to_pem()).value() == *key);
  static_cast<void>(should_rotate(certificate, kNow));
}

void check_chain(const std::vector<Certificate>& chain) {
  CHECK(!verify_chain(chain, {}, {.now = kNow}));
  CHECK(!verify_chain(chain, stranger(), {.now = kNow}));
  static_cast<void>(verify_chain(chain, chain, {.now = kNow, .purpose = Purpose::kClient}));
}

void try_pem(std::string_view text) {
  if (const auto chain = parse_certificates(text)) {
    for (const auto& certificate : *chain) check_certificate(certificate);
    check_chain(*chain);
  }
  if (const auto request = CertificateRequest::from_pem(text)) {
    CHECK(CertificateRequest::from_pem(request->to_pem()).value().public_key() == request->public_key());
  }
  if (const auto key = PrivateKey::from_pem(text)) {
    CHECK(PrivateKey::from_pem(key->to_pem()).value().public_key() == key->public_key());
  }
  if (const auto key = PublicKey::from_pem(text)) CHECK(PublicKey::from_pem(key->to_pem()).value() == *key);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.find("-----BEGIN") != text.npos) {
    try_pem(text);
  } else if (const auto certificate = Certificate::from_der(text)) {
    check_certificate(*certificate);
    check_chain({*certificate});
  }
  return 0;
}

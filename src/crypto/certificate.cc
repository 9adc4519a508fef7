// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificate.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/pem.h>

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "crypto/certificate_access.h"
#include "crypto/hash.h"
#include "crypto/key_access.h"

namespace klutch::crypto {
namespace {

constexpr std::size_t kMaxBundlePem = std::size_t{4} << 20;
constexpr std::size_t kMaxCertificates = 1000;

using Seconds = std::chrono::sys_seconds;

std::string bytes_of(const ASN1_STRING* string) {
  if (string == nullptr) return {};
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string utf8_of(const ASN1_STRING* string) {
  unsigned char* bytes = nullptr;
  const int size = ASN1_STRING_to_UTF8(&bytes, string);
  if (size < 0) {
    ERR_clear_error();
    return {};
  }
  std::string text(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return text;
}

/// RFC 5280 §4.1.2.5 uses the year 9999 for "never ends", which Time cannot hold.
Result<Time> read_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return fail(Code::kInvalid, "a date is not valid");
  const auto day = std::chrono::year(parts.tm_year + 1900) /
                   std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)) /
                   std::chrono::day(static_cast<unsigned>(parts.tm_mday));
  const Seconds seconds = std::chrono::sys_days(day) + std::chrono::hours(parts.tm_hour) +
                          std::chrono::minutes(parts.tm_min) + std::chrono::seconds(parts.tm_sec);
  const Seconds earliest = std::chrono::ceil<std::chrono::seconds>(Time::min());
  const Seconds latest = std::chrono::floor<std::chrono::seconds>(Time::max());
  return Time(std::clamp(seconds, earliest, latest));
}

std::string read_serial(const X509* x509) {
  const openssl::BigNum number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), nullptr));
  if (number == nullptr || BN_is_zero(number.get())) return "0";
  const std::string hex =
      to_hex(openssl::to_bytes(number.get(), static_cast<std::size_t>(BN_num_bytes(number.get()))));
  return hex.substr(hex.find_first_not_of('0'));
}

/// OpenSSL answers "all bits" when the extension is absent, which is what RFC 5280 §4.2.1.3 and .12 mean.
KeyUsage read_usage(X509* x509) {
  const std::uint32_t plain = X509_get_key_usage(x509);
  const std::uint32_t extended = X509_get_extended_key_usage(x509);
  return {.digital_signature = (plain & KU_DIGITAL_SIGNATURE) != 0,
          .certificate_sign = (plain & KU_KEY_CERT_SIGN) != 0,
          .crl_sign = (plain & KU_CRL_SIGN) != 0,
          .server_auth = (extended & (XKU_SSL_SERVER | XKU_ANYEKU)) != 0,
          .client_auth = (extended & (XKU_SSL_CLIENT | XKU_ANYEKU)) != 0};
}

Result<std::string> read_address(const ASN1_OCTET_STRING* address) {
  const std::string bytes = bytes_of(address);
  char text[INET6_ADDRSTRLEN] = {};
  if (bytes.size() != 4 && bytes.size() != 16)
    return fail(Code::kInvalid, "an IP address has the wrong length");
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  CHECK(inet_ntop(family, bytes.data(), text, sizeof text) != nullptr);
  return std::string(text);
}

Result<AlternativeNames> alternative_names_of(X509* x509) {
  int found = 0;
  const openssl::GeneralNamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(x509, NID_subject_alt_name, &found, nullptr)));
  if (names == nullptr && found != -1) return fail(Code::kInvalid, "the alternative names are not valid");
  return read_alternative_names(names.get());
}

Result<CertificateInfo> read_info(X509* x509) {
  // Parses and caches all extensions once, so that later readers in several threads only read.
  X509_check_purpose(x509, -1, 0);
  if ((X509_get_extension_flags(x509) & EXFLAG_INVALID) != 0) {
    return fail(Code::kInvalid, "an extension is not valid");
  }
  auto names = TRY(alternative_names_of(x509));
  const Time not_before = TRY(read_time(X509_get0_notBefore(x509)));
  const Time not_after = TRY(read_time(X509_get0_notAfter(x509)));
  return CertificateInfo{.subject = read_name(X509_get_subject_name(x509)),
                         .issuer = read_name(X509_get_issuer_name(x509)),
                         .dns_names = std::move(names.dns_names),
                         .ip_addresses = std::move(names.ip_addresses),
                         .not_before = not_before,
                         .not_after = not_after,
                         .serial = read_serial(x509),
                         .fingerprint = to_hex(sha256(openssl::der<X509>(i2d_X509, x509))),
                         .subject_key_id = bytes_of(X509_get0_subject_key_id(x509)),
                         .authority_key_id = bytes_of(X509_get0_authority_key_id(x509)),
                         .is_ca = X509_check_ca(x509) == 1,
                         .usage = read_usage(x509)};
}

}  // namespace

DistinguishedName read_name(const X509_NAME* name) {
  DistinguishedName result;
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
    const int kind = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
    if (kind == NID_commonName) result.common_name = utf8_of(X509_NAME_ENTRY_get_data(entry));
    if (kind == NID_organizationName)
      result.organizations.push_back(utf8_of(X509_NAME_ENTRY_get_data(entry)));
  }
  const auto bio = openssl::write_bio();
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253);
  result.text = openssl::content(bio);
  ERR_clear_error();
  return result;
}

Result<AlternativeNames> read_alternative_names(const GENERAL_NAMES* names) {
  AlternativeNames result;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DNS) {
      std::string text = bytes_of(name->d.dNSName);
      // A NUL or a newline inside made other readers see another name.
      if (std::ranges::any_of(text, [](unsigned char c) { return c <= ' ' || c > '~'; })) {
        return fail(Code::kInvalid, "a DNS name has characters that do not belong there");
      }
      result.dns_names.push_back(std::move(text));
    } else if (name->type == GEN_IPADD) {
      auto text = TRY(read_address(name->d.iPAddress));
      result.ip_addresses.push_back(std::move(text));
    }
  }
  return result;
}

Result<Certificate> CertificateAccess::make(openssl::X509Ptr x509) {
  auto info = read_info(x509.get());
  ERR_clear_error();
  if (!info) return fail(info.error());
  return Certificate(
      std::make_shared<Certificate::State>(Certificate::State{std::move(x509), *std::move(info)}));
}

Result<Certificate> Certificate::from_der(std::string_view der) {
  if (der.size() > kMaxDer) return fail(Code::kTooLarge, "a certificate is larger than 64 KiB");
  const unsigned char* bytes = openssl::data(der);
  openssl::X509Ptr x509(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
  if (x509 == nullptr) return fail(Code::kInvalid, "not a certificate: " + openssl::take_error());
  if (bytes != openssl::data(der) + der.size()) return fail(Code::kInvalid, "bytes follow the certificate");
  return CertificateAccess::make(std::move(x509));
}

const CertificateInfo& Certificate::info() const& noexcept {
  return state_->info;
}

Result<PublicKey> Certificate::public_key() const {
  openssl::Pkey key(X509_get_pubkey(state_->x509.get()));
  if (key == nullptr) {
    ERR_clear_error();
    return fail(Code::kUnsupported, "the certificate's key is of an unknown kind");
  }
  return KeyAccess::make_public(std::move(key));
}

std::string Certificate::to_der() const {
  return openssl::der<X509>(i2d_X509, state_->x509.get());
}

std::string Certificate::to_pem() const {
  const auto bio = openssl::write_bio();
  CHECK(PEM_write_bio_X509(bio.get(), state_->x509.get()) == 1);
  return openssl::content(bio);
}

Result<std::vector<Certificate>> parse_certificates(std::string_view pem) {
  if (pem.size() > kMaxBundlePem) return fail(Code::kTooLarge, "the certificates are larger than 4 MiB");
  const auto bio = openssl::read_bio(pem);
  std::vector<Certificate> certificates;
  while (true) {
    openssl::X509Ptr x509(PEM_read_bio_X509(bio.get(), nullptr, openssl::no_password, nullptr));
    const std::size_t number = certificates.size() + 1;
    if (x509 == nullptr) {
      const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
      const std::string reason = openssl::take_error();
      if (at_end) break;
      return fail(Code::kInvalid, fmt::format("certificate {} is not valid PEM: {}", number, reason));
    }
    if (number > kMaxCertificates) return fail(Code::kTooLarge, "more than 1000 certificates");
    auto certificate = CertificateAccess::make(std::move(x509));
    if (!certificate) return fail(certificate.error().with_context(fmt::format("certificate {}", number)));
    certificates.push_back(*std::move(certificate));
  }
  if (certificates.empty()) return fail(Code::kInvalid, "there is no certificate in PEM");
  return certificates;
}

Result<Certificate> parse_certificate(std::string_view pem) {
  auto certificates = TRY(parse_certificates(pem));
  if (certificates.size() != 1) {
    return fail(Code::kInvalid, fmt::format("there are {} certificates instead of one", certificates.size()));
  }
  return std::move(certificates.front());
}

std::string to_pem(std::span<const Certificate> certificates) {
  std::string pem;
  for (const auto& certificate : certificates) pem += certificate.to_pem();
  return pem;
}

bool should_rotate(const Certificate& certificate, Time now) noexcept {
  const auto seconds = [](Time time) { return std::chrono::floor<std::chrono::seconds>(time); };
  const auto& info = certificate.info();
  // In seconds: a difference of nanoseconds may overflow when a date sits at the end of what Time can hold.
  const auto lifetime = seconds(info.not_after) - seconds(info.not_before);
  return seconds(now) >= seconds(info.not_before) + lifetime * 2 / 3;
}

namespace openssl {

X509* native(const Certificate& certificate) noexcept {
  return CertificateAccess::native(certificate);
}

}  // namespace openssl
}  // namespace klutch::crypto

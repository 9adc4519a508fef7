// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificate.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "crypto/certificate_access.h"
#include "crypto/certificate_testing.h"
#include "crypto/hash.h"
#include "testing/test_keys.h"

namespace klutch::crypto {
namespace {

// Made with the OpenSSL command line: self-signed by the key of kEd25519Pem, serial 0x00c0ffee, dates
// 2020-01-02 03:04:05 to 9999-12-31 23:59:59, two CN and two O entries, SAN DNS:a.example, IP:192.0.2.1,
// IP:2001:db8::1, email:x@example.com.
constexpr std::string_view kForeignPem = R"(-----BEGIN CERTIFICATE-----
MIIBtDCCAWagAwIBAgIEAMD/7jAFBgMrZXAwRzEMMAoGA1UECgwDb25lMRMwEQYD
VQQKDAp0d28sIHRocmVlMQ4wDAYDVQQDDAVmaXJzdDESMBAGA1UEAwwJc2Vjb25k
IMO8MCAXDTIwMDEwMjAzMDQwNVoYDzk5OTkxMjMxMjM1OTU5WjBHMQwwCgYDVQQK
DANvbmUxEzARBgNVBAoMCnR3bywgdGhyZWUxDjAMBgNVBAMMBWZpcnN0MRIwEAYD
VQQDDAlzZWNvbmQgw7wwKjAFBgMrZXADIQDXWpgBgrEKt9VL/tPJZAc6DuFy89qm
IyWvAhpo9wdRGqNyMHAwDAYDVR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMCB4AwEwYD
VR0lBAwwCgYIKwYBBQUHAwIwOwYDVR0RBDQwMoIJYS5leGFtcGxlhwTAAAIBhxAg
AQ24AAAAAAAAAAAAAAABgQ14QGV4YW1wbGUuY29tMAUGAytlcANBAO0qeTadmyHl
e31ckwciMlVZ5SlgVm1Dmf5jMlxj3uDa2Ehp2xTJgkHibivdvEkY1HqtoiT3cBXr
/JmWhda3MQQ=
-----END CERTIFICATE-----
)";

TEST(Certificate, ReadsACertificateMadeElsewhere) {
  const auto& info = parse_certificate(kForeignPem).value().info();
  EXPECT_EQ(info.subject.common_name, "second \xc3\xbc");
  EXPECT_EQ(info.subject.organizations, (std::vector<std::string>{"one", "two, three"}));
  EXPECT_EQ(info.issuer, info.subject);
  EXPECT_EQ(info.dns_names, std::vector<std::string>{"a.example"});
  EXPECT_EQ(info.ip_addresses, (std::vector<std::string>{"192.0.2.1", "2001:db8::1"}));
  EXPECT_EQ(format_rfc3339(info.not_before), "2020-01-02T03:04:05Z");
  EXPECT_EQ(format_rfc3339(info.not_after), "2262-04-11T23:47:16Z") << "the end of what Time can hold";
  EXPECT_EQ(info.serial, "c0ffee");
  EXPECT_EQ(info.fingerprint, "614345f200bfc23eba94982d5fa5df46a585085cf9c984433d2f729b3cb48594");
  EXPECT_FALSE(info.is_ca);
  EXPECT_EQ(info.usage, (KeyUsage{.digital_signature = true, .client_auth = true}));
  EXPECT_EQ(info.authority_key_id, "");
}

TEST(Certificate, DerAndPemComeBack) {
  const Certificate certificate = parse_certificate(kForeignPem).value();
  EXPECT_EQ(certificate.to_pem(), kForeignPem);
  EXPECT_TRUE(Certificate::from_der(certificate.to_der()).value() == certificate);
  EXPECT_EQ(to_hex(sha256(certificate.to_der())), certificate.info().fingerprint);
  EXPECT_TRUE(certificate.public_key().value() ==
              PrivateKey::from_pem(test_keys::kEd25519Pem).value().public_key());
}

TEST(ParseCertificates, ReadsAChainAndPassesOverOtherBlocksAndText) {
  const auto first = make_authority("one").certificate();
  const auto second = make_authority("two").certificate();
  const std::string pem = "subject=one\n" + first.to_pem() + std::string(test_keys::kP256Pkcs8Pem) +
                          "\n# two\n" + second.to_pem();
  const auto both = parse_certificates(pem).value();
  ASSERT_EQ(both.size(), 2U);
  EXPECT_TRUE(both[0] == first && both[1] == second);
  EXPECT_EQ(to_pem(both), first.to_pem() + second.to_pem());
  EXPECT_TRUE(is(parse_certificate(pem).error(), Code::kInvalid)) << "two are not one";
}

TEST(ParseCertificates, RefusesWhatIsNotWholeOrTooMuch) {
  const std::string good = make_authority().certificate().to_pem();
  std::string damaged = good;
  damaged.replace(40, 4, "AAAA");
  struct Case {
    std::string pem;
    Code code;
    std::string_view reason;
  };
  const Case cases[] = {
      {"", Code::kInvalid, "empty"},
      {"hello", Code::kInvalid, "no PEM"},
      {std::string(test_keys::kP256Pkcs8Pem), Code::kInvalid, "only a key"},
      {good + damaged, Code::kInvalid, "the second is damaged"},
      {good + good.substr(0, 200), Code::kInvalid, "the second is cut off"},
      {std::string(std::size_t{5} << 20, '\n'), Code::kTooLarge, "more than 4 MiB"},
  };
  for (const auto& c : cases) {
    const auto result = parse_certificates(c.pem);
    ASSERT_FALSE(result.has_value()) << c.reason;
    EXPECT_TRUE(is(result.error(), c.code)) << c.reason << ": " << result.error().message();
  }
  EXPECT_NE(parse_certificates(good + damaged).error().message().find("certificate 2"), std::string::npos);
}

TEST(Certificate, DerMustEndWhereTheCertificateEnds) {
  const std::string der = make_authority().certificate().to_der();
  EXPECT_TRUE(is(Certificate::from_der(der + "x").error(), Code::kInvalid));
  EXPECT_TRUE(is(Certificate::from_der(der.substr(0, der.size() - 1)).error(), Code::kInvalid));
  EXPECT_TRUE(is(Certificate::from_der("").error(), Code::kInvalid));
  EXPECT_TRUE(is(Certificate::from_der(std::string(Certificate::kMaxDer + 1, 'x')).error(), Code::kTooLarge));
}

/// A certificate whose only alternative name is `bytes`, taken for a name of `kind`.
std::string certificate_naming(int kind, std::string_view bytes) {
  const auto leaf = make_authority().issue_with_new_key(for_client("a"), kNow).value().certificate;
  const openssl::X509Ptr x509(X509_dup(openssl::native(leaf)));
  const openssl::GeneralNamesPtr names(GENERAL_NAMES_new());
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_STRING* value = ASN1_STRING_type_new(kind == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);
  ASN1_STRING_set(value, bytes.data(), static_cast<int>(bytes.size()));
  GENERAL_NAME_set0_value(name, kind, value);
  sk_GENERAL_NAME_push(names.get(), name);
  X509_add1_ext_i2d(x509.get(), NID_subject_alt_name, names.get(), 0, X509V3_ADD_REPLACE);
  X509_sign(x509.get(), openssl::native(PrivateKey::generate()), EVP_sha256());
  return openssl::der<X509>(i2d_X509, x509.get());
}

TEST(Certificate, AlternativeNamesThatReadersCouldTakeForOthersAreRefused) {
  EXPECT_TRUE(Certificate::from_der(certificate_naming(GEN_DNS, "a.example")).has_value());
  EXPECT_TRUE(Certificate::from_der(certificate_naming(GEN_IPADD, "\x0a\x01\x02\x03")).has_value());
  const std::pair<std::string, std::string_view> cases[] = {
      {certificate_naming(GEN_DNS, std::string_view("a.example\0.evil", 15)), "NUL"},
      {certificate_naming(GEN_DNS, "a.example\n"), "a line break"},
      {certificate_naming(GEN_DNS, "\xc3\xbc.example"), "not ASCII"},
      {certificate_naming(GEN_IPADD, "\x0a\x01\x02"), "three bytes of address"},
      {certificate_naming(GEN_IPADD, "\x0a\x01\x02\x03\xff\xff\xff\xff"), "an address with a mask"},
  };
  for (const auto& [der, reason] : cases) {
    const auto certificate = Certificate::from_der(der);
    ASSERT_FALSE(certificate.has_value()) << reason;
    EXPECT_TRUE(is(certificate.error(), Code::kInvalid)) << reason;
  }
}

TEST(ShouldRotate, AtTwoThirdsOfTheLifetime) {
  const auto certificate =
      CertificateAuthority::create({.common_name = "x", .lifetime = 3 * kDay - kBackdate}, kNow)
          .value()
          .certificate();
  const Time start = certificate.info().not_before;
  EXPECT_EQ(certificate.info().not_after - start, 3 * kDay);
  EXPECT_FALSE(should_rotate(certificate, start - kDay));
  EXPECT_FALSE(should_rotate(certificate, start + 2 * kDay - std::chrono::seconds(1)));
  EXPECT_TRUE(should_rotate(certificate, start + 2 * kDay));
  EXPECT_TRUE(should_rotate(certificate, start + 30 * kDay));
  EXPECT_FALSE(should_rotate(parse_certificate(kForeignPem).value(), kNow))
      << "no overflow at the end of time";
}

}  // namespace
}  // namespace klutch::crypto

// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificate_authority.h"

#include <gtest/gtest.h>

#include "crypto/certificate_testing.h"
#include "crypto/certificate_verify.h"

namespace klutch::crypto {
namespace {

TEST(CertificateAuthority, TheRootSaysWhatItMayDo) {
  const auto root = make_authority("klutch");
  const auto& info = root.certificate().info();
  EXPECT_EQ(info.subject.common_name, "klutch");
  EXPECT_EQ(info.issuer, info.subject);
  EXPECT_TRUE(info.is_ca);
  EXPECT_TRUE(info.usage.certificate_sign);
  EXPECT_FALSE(info.usage.digital_signature);
  EXPECT_EQ(info.not_before, kNow - kBackdate);
  EXPECT_EQ(info.not_after, kNow + 3650 * kDay);
  EXPECT_EQ(info.subject_key_id.size(), 20U);
}

TEST(CertificateAuthority, IssuesWhatWasAskedFor) {
  const auto root = make_authority();
  IssueOptions options = for_client("system:node:a", {"system:nodes", "system:authenticated"});
  options.names.dns_names = {"a.example", "*.b.example"};
  options.names.ip_addresses = {"10.0.0.1", "::1"};
  options.for_server = true;
  options.lifetime = 90 * kDay;
  const auto issued = root.issue_with_new_key(options, kNow).value();
  const auto& info = issued.certificate.info();
  EXPECT_EQ(info.subject.common_name, "system:node:a");
  EXPECT_EQ(info.subject.organizations, options.names.organizations);
  EXPECT_EQ(info.dns_names, options.names.dns_names);
  EXPECT_EQ(info.ip_addresses, options.names.ip_addresses);
  EXPECT_EQ(info.not_before, kNow - kBackdate);
  EXPECT_EQ(info.not_after, kNow + 90 * kDay);
  EXPECT_EQ(info.issuer, root.certificate().info().subject);
  EXPECT_EQ(info.authority_key_id, root.certificate().info().subject_key_id);
  EXPECT_NE(info.subject_key_id, info.authority_key_id);
  EXPECT_FALSE(info.is_ca);
  EXPECT_EQ(info.usage, (KeyUsage{.digital_signature = true, .server_auth = true, .client_auth = true}));
  EXPECT_TRUE(issued.certificate.public_key().value() == issued.key.public_key());
}

TEST(CertificateAuthority, PurposesAreExact) {
  const auto root = make_authority();
  const auto server = root.issue_with_new_key(for_server({"a.example"}), kNow).value().certificate;
  EXPECT_TRUE(server.info().usage.server_auth);
  EXPECT_FALSE(server.info().usage.client_auth);
  const auto client = root.issue_with_new_key(for_client("alice"), kNow).value().certificate;
  EXPECT_FALSE(client.info().usage.server_auth);
  EXPECT_TRUE(client.info().usage.client_auth);
}

TEST(CertificateAuthority, SerialNumbersAreLongAndNeverTheSame) {
  const auto root = make_authority();
  const PublicKey key = PrivateKey::generate().public_key();
  const auto first = root.issue(key, for_client("a"), kNow).value().info().serial;
  const auto second = root.issue(key, for_client("a"), kNow).value().info().serial;
  EXPECT_NE(first, second);
  EXPECT_GE(first.size(), 31U);
  EXPECT_LE(first.size(), 32U);
}

TEST(CertificateAuthority, NothingOutlivesTheRoot) {
  const auto root =
      CertificateAuthority::create({.common_name = "short", .lifetime = 10 * kDay}, kNow).value();
  const auto leaf = root.issue_with_new_key(for_client("a"), kNow).value().certificate;
  EXPECT_EQ(leaf.info().not_after, root.certificate().info().not_after);
  EXPECT_EQ(leaf.info().not_before, root.certificate().info().not_before);
  EXPECT_TRUE(is(root.issue_with_new_key(for_client("a"), kNow + 10 * kDay).error(), Code::kTerminal));
  EXPECT_TRUE(is(root.issue_with_new_key(for_client("a"), kNow - kDay).error(), Code::kTerminal));
}

TEST(CertificateAuthority, EveryKindOfKeySignsAndIsSigned) {
  for (const KeySpec spec : {KeySpec::kEcP256, KeySpec::kEcP384, KeySpec::kEd25519, KeySpec::kRsa2048}) {
    const auto root = make_authority("root", spec);
    const auto leaf =
        root.issue(PrivateKey::generate(spec).public_key(), for_server({"a.example"}), kNow).value();
    EXPECT_TRUE(
        verify_chain(Certificates{leaf}, Certificates{root.certificate()}, {.now = kNow}).has_value());
  }
}

TEST(CertificateAuthority, RefusesNamesThatWouldNotBeRead) {
  const auto root = make_authority();
  const std::string long_label(64, 'a');
  struct Case {
    IssueOptions options;
    std::string_view reason;
  };
  const Case cases[] = {
      {for_client(""), "no common name"},
      {for_client(std::string(65, 'x')), "a common name above 64 characters"},
      {for_client("a\xff"), "not UTF-8"},
      {for_client(std::string("a\0b", 3)), "NUL in a name"},
      {for_client("a", {""}), "an empty group"},
      {for_client("a", {std::string(65, 'x')}), "a long group"},
      {for_server({}), "a server without a name"},
      {for_server({""}), "an empty DNS name"},
      {for_server({"a..b"}), "an empty label"},
      {for_server({"a.example."}), "a trailing dot"},
      {for_server({"a.example,IP:10.0.0.1"}), "OpenSSL's configuration syntax"},
      {for_server({"a b"}), "a blank"},
      {for_server({"*"}), "a bare wildcard"},
      {for_server({"*.com"}), "a wildcard for a top-level domain"},
      {for_server({"a.*.com"}), "a wildcard in the middle"},
      {for_server({"x*.example.com"}), "part of a label as wildcard"},
      {for_server({long_label + ".example"}), "a long label"},
      {for_server({"\xc3\xbc.example"}), "not ASCII"},
      {for_server({}, {"10.0.0.256"}), "no address"},
      {for_server({}, {"10.0.0.0/8"}), "a network"},
      {for_server({}, {std::string("::1\0x", 5)}), "NUL in an address"},
      {{.names = {.common_name = "a"}}, "for nobody"},
      {{.names = {.common_name = "a"}, .lifetime = Duration::zero(), .for_client = true}, "no lifetime"},
  };
  for (const auto& c : cases) {
    const auto result = root.issue_with_new_key(c.options, kNow);
    ASSERT_FALSE(result.has_value()) << c.reason;
    EXPECT_TRUE(is(result.error(), Code::kInvalid)) << c.reason << ": " << result.error().message();
  }
  EXPECT_TRUE(root.issue_with_new_key(for_client(std::string(64, 'x')), kNow).has_value());
}

TEST(CertificateAuthority, LoadsWhatItStored) {
  const auto root = make_authority();
  const auto again = CertificateAuthority::load(parse_certificate(root.certificate().to_pem()).value(),
                                                PrivateKey::from_pem(root.key().to_pem()).value())
                         .value();
  const auto leaf = again.issue_with_new_key(for_server({"a.example"}), kNow).value().certificate;
  EXPECT_TRUE(verify_chain(Certificates{leaf}, Certificates{root.certificate()}, {.now = kNow}).has_value());
  EXPECT_TRUE(
      is(CertificateAuthority::load(root.certificate(), PrivateKey::generate()).error(), Code::kInvalid));
}

TEST(CertificateRequest, AsksAndIsAnswered) {
  const auto root = make_authority();
  const PrivateKey key = PrivateKey::generate(KeySpec::kEd25519);
  const CertificateNames names{.common_name = "bob",
                               .organizations = {"dev"},
                               .dns_names = {"bob.example"},
                               .ip_addresses = {"192.0.2.7"}};
  const auto sent = CertificateRequest::create(key, names).value();
  const auto received = CertificateRequest::from_pem(sent.to_pem()).value();
  EXPECT_EQ(received.names().common_name, "bob");
  EXPECT_EQ(received.names().organizations, names.organizations);
  EXPECT_EQ(received.names().dns_names, names.dns_names);
  EXPECT_EQ(received.names().ip_addresses, names.ip_addresses);
  EXPECT_TRUE(received.public_key() == key.public_key());
  const auto certificate =
      root.issue(received.public_key(), {.names = received.names(), .for_client = true}, kNow).value();
  EXPECT_TRUE(certificate.public_key().value() == key.public_key());
}

TEST(CertificateRequest, RefusesAnAlteredRequest) {
  std::string pem =
      CertificateRequest::create(PrivateKey::generate(), {.common_name = "mallory"}).value().to_pem();
  EXPECT_TRUE(is(CertificateRequest::from_pem(pem.substr(0, 100)).error(), Code::kInvalid));
  const std::size_t near_end = pem.rfind("-----END") - 8;  // inside the signature
  pem[near_end] = pem[near_end] == 'A' ? 'B' : 'A';
  EXPECT_TRUE(is(CertificateRequest::from_pem(pem).error(), Code::kInvalid));
  EXPECT_TRUE(
      is(CertificateRequest::from_pem(std::string(std::size_t{65} << 10, 'x')).error(), Code::kTooLarge));
}

TEST(Rotate, DoesNothingBeforeItsTime) {
  const AuthoritySet set{.active = make_authority()};
  EXPECT_FALSE(rotate(set, {.authority = {.common_name = "next"}}, kNow).value().has_value());
}

TEST(Rotate, AnnouncesThenSwitchesThenForgets) {
  const RotationOptions options{.authority = {.common_name = "root", .lifetime = 30 * kDay},
                                .announce = 2 * kDay};
  AuthoritySet set{.active = CertificateAuthority::create(options.authority, kNow).value()};
  const Certificate first = set.active.certificate();
  const auto leaf_of_first =
      set.active.issue_with_new_key(for_server({"a.example"}), kNow).value().certificate;

  const Time announced = kNow + 20 * kDay;
  set = rotate(set, options, announced).value().value();
  ASSERT_TRUE(set.next.has_value());
  EXPECT_TRUE(set.active.certificate() == first) << "the old root still signs";
  EXPECT_EQ(set.trust_bundle().size(), 2U);
  EXPECT_FALSE(rotate(set, options, announced).value().has_value()) << "one step is taken once";
  EXPECT_FALSE(rotate(set, options, announced + 2 * kDay - std::chrono::seconds(1)).value().has_value());

  const Time switched = announced + 2 * kDay;
  const Certificate second = set.next->certificate();
  set = rotate(set, options, switched).value().value();
  EXPECT_TRUE(set.active.certificate() == second);
  EXPECT_FALSE(set.next.has_value());
  EXPECT_EQ(set.retired, Certificates{first});
  const auto leaf_of_second =
      set.active.issue_with_new_key(for_server({"a.example"}), switched).value().certificate;
  for (const auto& leaf : {leaf_of_first, leaf_of_second}) {
    EXPECT_TRUE(verify_chain(Certificates{leaf}, set.trust_bundle(), {.now = switched}).has_value())
        << "roots of one name are told apart by their keys";
  }

  set = rotate(set, options, kNow + 30 * kDay).value().value();
  EXPECT_EQ(set.trust_bundle(), Certificates{second});
}

TEST(Rotate, AnExpiredRootIsReplacedAtOnce) {
  const RotationOptions options{.authority = {.common_name = "root", .lifetime = 30 * kDay}};
  const AuthoritySet set{.active = CertificateAuthority::create(options.authority, kNow).value()};
  const auto after = rotate(set, options, kNow + 40 * kDay).value().value();
  EXPECT_FALSE(after.active.certificate() == set.active.certificate());
  EXPECT_TRUE(after.retired.empty());
  EXPECT_TRUE(after.active.issue_with_new_key(for_client("a"), kNow + 40 * kDay).has_value());
}

}  // namespace
}  // namespace klutch::crypto

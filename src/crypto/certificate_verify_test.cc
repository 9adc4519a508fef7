// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificate_verify.h"

#include <gtest/gtest.h>

#include "crypto/certificate_testing.h"

namespace klutch::crypto {
namespace {

TEST(VerifyChain, AcceptsWhatTheAuthorityIssued) {
  const auto root = make_authority();
  const auto server = root.issue_with_new_key(for_server({"api.example.com"}), kNow).value().certificate;
  const auto client = root.issue_with_new_key(for_client("alice"), kNow).value().certificate;
  const Certificates trusted = {root.certificate()};
  EXPECT_TRUE(
      verify_chain(Certificates{server}, trusted, {.now = kNow, .host = "api.example.com"}).has_value());
  EXPECT_TRUE(
      verify_chain(Certificates{client}, trusted, {.now = kNow, .purpose = Purpose::kClient}).has_value());
}

TEST(VerifyChain, RefusesEverythingElseAndSaysWhy) {
  const auto root = make_authority();
  const auto namesake = make_authority();
  const auto server = root.issue_with_new_key(for_server({"api.example.com"}), kNow).value();
  const auto client = root.issue_with_new_key(for_client("alice"), kNow).value();
  const auto forged = namesake.issue_with_new_key(for_server({"api.example.com"}), kNow).value();
  const auto year = 366 * kDay;
  struct Case {
    Certificates chain;
    Certificates trusted;
    VerifyOptions options;
    std::string_view says;
    std::string_view reason;
  };
  const Case cases[] = {
      {{}, {root.certificate()}, {.now = kNow}, "no certificate", "nothing shown"},
      {{server.certificate}, {}, {.now = kNow}, "issuer", "nothing trusted"},
      {{server.certificate},
       {root.certificate()},
       {.now = kNow + year},
       "expired at 2026-06-15T12:00:00Z",
       "expired"},
      {{server.certificate},
       {root.certificate()},
       {.now = kNow - 2 * kBackdate},
       "not valid before 2025-06-15T11:55:00Z",
       "from the future"},
      {{server.certificate},
       {root.certificate()},
       {.now = kNow, .purpose = Purpose::kClient},
       "purpose",
       "a server as client"},
      {{client.certificate},
       {root.certificate()},
       {.now = kNow, .purpose = Purpose::kServer},
       "purpose",
       "a client as server"},
      {{forged.certificate},
       {root.certificate()},
       {.now = kNow},
       "issuer",
       "a root of the same name with another key"},
      {{forged.certificate, namesake.certificate()},
       {root.certificate()},
       {.now = kNow},
       "self-signed",
       "a stranger's root brought along"},
      {{server.certificate},
       {root.certificate()},
       {.now = kNow, .host = "example.com"},
       "not for \"example.com\"",
       "another host"},
      {{server.certificate},
       {client.certificate},
       {.now = kNow},
       "issuer",
       "trusting a leaf does not trust its siblings"},
  };
  for (const auto& c : cases) {
    const auto result = verify_chain(c.chain, c.trusted, c.options);
    ASSERT_FALSE(result.has_value()) << c.reason;
    EXPECT_TRUE(is(result.error(), Code::kUnauthenticated)) << c.reason;
    EXPECT_NE(result.error().message().find(c.says), std::string::npos)
        << c.reason << ": " << result.error().message();
  }
}

TEST(VerifyChain, ALeafCannotActAsAnAuthority) {
  const auto root = make_authority();
  const auto leaf = root.issue_with_new_key(for_server({"a.example"}), kNow).value();
  EXPECT_TRUE(is(CertificateAuthority::load(leaf.certificate, leaf.key).error(), Code::kInvalid));
}

TEST(VerifyChain, AnyCertificateOfTheBundleIsAnAnchor) {
  const auto root = make_authority();
  const auto leaf = root.issue_with_new_key(for_server({"a.example"}), kNow).value().certificate;
  EXPECT_TRUE(verify_chain(Certificates{leaf}, Certificates{leaf}, {.now = kNow}).has_value());
}

TEST(MatchesHost, ComparesAlternativeNamesOnly) {
  const auto root = make_authority();
  const auto certificate =
      root.issue_with_new_key(
              for_server({"api.example.com", "*.apps.example.com"}, {"192.0.2.1", "2001:db8::1"}), kNow)
          .value()
          .certificate;
  for (const std::string_view host : {"api.example.com", "API.Example.COM", "api.example.com.",
                                      "x.apps.example.com", "192.0.2.1", "2001:db8::1", "2001:DB8:0:0::1"}) {
    EXPECT_TRUE(matches_host(certificate, host)) << host;
  }
  const std::pair<std::string_view, std::string_view> others[] = {
      {"server", "the common name"},
      {"example.com", "the parent"},
      {"x.api.example.com", "a child"},
      {"apps.example.com", "the wildcard needs a label"},
      {"x.y.apps.example.com", "the wildcard is one label"},
      {"*.apps.example.com", "a wildcard is no host"},
      {".example.com", "a suffix is no host"},
      {"192.0.2.2", "another address"},
      {"[2001:db8::1]", "brackets belong to URLs"},
      {std::string_view("api.example.com\0.evil", 21), "NUL"},
      {"", "nothing"},
      {".", "only a dot"},
  };
  for (const auto& [host, reason] : others) EXPECT_FALSE(matches_host(certificate, host)) << reason;
}

}  // namespace
}  // namespace klutch::crypto

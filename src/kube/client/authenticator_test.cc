// SPDX-License-Identifier: Apache-2.0
#include "kube/client/authenticator.h"

#include <gtest/gtest.h>

#include "json/build.h"
#include "kube/client/client_testing.h"
#include "testing/fiber_test.h"

namespace klutch::kube {
namespace {

ClientConfig config_with(Credentials credentials) {
  credentials.label = "user \"alice\" of /f";
  return {.server = http::Url::parse("https://h").value(), .credentials = std::move(credentials)};
}

std::string shown(Ctx& ctx, Authenticator& authenticator) {
  const auto credential = authenticator.get(ctx);
  if (!credential) return credential.error().message();
  return (*credential)->authorization ? std::string((*credential)->authorization->reveal()) : "";
}

class Folder {
 public:
  std::string write(std::string_view name, std::string_view text) const {
    EXPECT_TRUE(os::write_file_atomic(path(name), text));
    return path(name);
  }
  [[nodiscard]] std::string path(std::string_view name) const { return folder_.file(name); }

 private:
  os::TempDir folder_ = os::TempDir::create().value();
};

IO_FIBER_TEST(Authenticator, ShowsTokensAndPasswords) {
  const auto show = [&](Credentials credentials) {
    return shown(ctx, *Authenticator::create(ctx, config_with(std::move(credentials))).value());
  };
  EXPECT_EQ(show({}), "");
  EXPECT_EQ(show({.token = Secret("t")}), "Bearer t");
  EXPECT_EQ(show({.username = "Aladdin", .password = Secret("open sesame")}),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  const auto wrong = [&](Credentials credentials) {
    return Authenticator::create(ctx, config_with(std::move(credentials))).error();
  };
  EXPECT_EQ(wrong({.token = Secret("a\r\nX: y")}).code(), Code::kInvalid);
  EXPECT_EQ(wrong({.username = "a:b"}).code(), Code::kInvalid);
  EXPECT_EQ(wrong({.token_file = "/nonexistent/token"}).code(), Code::kNotFound);
  EXPECT_EQ(show({.token = Secret("t"), .token_file = "/nonexistent/token"}), "Bearer t");
}

IO_FIBER_TEST(Authenticator, ATokenFileIsReadAgainAfterAWhileOrWhenRefused) {
  const Folder folder;
  const auto path = folder.write("token", "one\n");
  const auto lazy = Authenticator::create(ctx, config_with({.token_file = path})).value();
  const auto eager =
      Authenticator::create(ctx, config_with({.token_file = path}), {.reread_interval = Duration::zero()})
          .value();
  EXPECT_EQ(shown(ctx, *lazy), "Bearer one");
  folder.write("token", "two");
  EXPECT_EQ(shown(ctx, *lazy), "Bearer one") << "the minute has not passed";
  EXPECT_EQ(shown(ctx, *eager), "Bearer two");
  const auto refused = lazy->get(ctx).value();
  const auto next = lazy->renew(ctx, refused).value();
  ASSERT_NE(next, nullptr);
  EXPECT_EQ(next->authorization->reveal(), "Bearer two");
  EXPECT_EQ(lazy->renew(ctx, next).value(), nullptr) << "nothing new";
  EXPECT_EQ(lazy->renew(ctx, refused).value(), next) << "somebody renewed it already";

  folder.write("token", " \n");
  EXPECT_EQ(shown(ctx, *eager), "Bearer two") << "empty for a moment";
  ASSERT_TRUE(os::remove_file(path));
  EXPECT_EQ(shown(ctx, *eager), "Bearer two") << "missing for a moment";
}

IO_FIBER_TEST(Authenticator, ClientCertificatesAreReadAgainAsAPair) {
  const Folder folder;
  const test::TestPki pki;
  const auto write = [&](const http::KeyPair& pair) {
    folder.write("crt", pair.certificate_chain);
    folder.write("key", pair.private_key.reveal());
  };
  const auto first = pki.client("alice");
  write(first);
  const auto authenticator =
      Authenticator::create(
          ctx,
          config_with({.client_certificate_file = folder.path("crt"), .client_key_file = folder.path("key")}),
          {.reread_interval = Duration::zero()})
          .value();
  const auto chain = [&] { return authenticator->get(ctx).value()->identity->certificate_chain; };
  EXPECT_EQ(chain(), first.certificate_chain);
  EXPECT_EQ(authenticator->get(ctx).value(), authenticator->get(ctx).value()) << "nothing changed";
  const auto second = pki.client("alice");
  folder.write("crt", second.certificate_chain);
  EXPECT_EQ(chain(), first.certificate_chain) << "the key is still the old one";
  folder.write("key", second.private_key.reveal());
  EXPECT_EQ(chain(), second.certificate_chain);
}

IO_FIBER_TEST(Authenticator, WhatIsWrongWithACertificateIsSaidBeforeAServerSaysNo) {
  const test::TestPki pki;
  const auto good = pki.client("alice");
  const auto other = pki.client("alice");
  const auto expired = pki.expired_client("alice");
  const auto create = [&](const std::string& certificate, const Secret& key, Secret token = {}) {
    return Authenticator::create(
        ctx, config_with({.token = std::move(token), .client_certificate = certificate, .client_key = key}));
  };
  const auto late = create(expired.certificate_chain, expired.private_key).error();
  EXPECT_EQ(late.code(), Code::kUnauthenticated);
  for (const auto* word : {"user \"alice\" of /f", "expired at 20", "ago"}) {
    EXPECT_NE(late.message().find(word), std::string::npos) << late.message();
  }
  EXPECT_TRUE(create(expired.certificate_chain, expired.private_key, Secret("t"))) << "the token may do";
  EXPECT_EQ(create(good.certificate_chain, other.private_key).error().code(), Code::kInvalid);
  EXPECT_EQ(create("x", good.private_key).error().code(), Code::kInvalid);
  EXPECT_EQ(create(good.certificate_chain, Secret("x")).error().code(), Code::kInvalid);
}

IO_FIBER_TEST(Authenticator, AnExpiredCertificateIsReplacedFromItsFileOrNamed) {
  const Folder folder;
  const test::TestPki pki;
  ManualClock clock(system_clock().now());
  const auto first = pki.client("alice");
  folder.write("crt", first.certificate_chain);
  folder.write("key", first.private_key.reveal());
  const auto authenticator =
      Authenticator::create(
          ctx,
          config_with({.client_certificate_file = folder.path("crt"), .client_key_file = folder.path("key")}),
          {.clock = &clock})
          .value();
  ASSERT_TRUE(authenticator->get(ctx));
  clock.advance(std::chrono::hours(24 * 365 * 20));
  EXPECT_EQ(authenticator->get(ctx).error().code(), Code::kUnauthenticated);
}

IO_FIBER_TEST(Authenticator, APluginGivesTokenAndCertificate) {
  const test::TestPki pki;
  const auto pair = pki.client("alice");
  const auto answer =
      json::object({{"kind", "ExecCredential"},
                    {"apiVersion", "client.authentication.k8s.io/v1"},
                    {"status", json::object({{"token", "t"},
                                             {"clientCertificateData", pair.certificate_chain},
                                             {"clientKeyData", pair.private_key.reveal()}})}});
  const testing::TestScript script("echo . >> \"$0.runs\"\ncat <<'END'\n" + json::print(answer) + "\nEND");
  Credentials credentials;
  credentials.exec = ExecPlugin{.api_version = "client.authentication.k8s.io/v1",
                                .command = script.path(),
                                .interactive = ExecPlugin::Interactive::kNever};
  const auto authenticator = Authenticator::create(ctx, config_with(credentials)).value();
  EXPECT_EQ(script.read("plugin.runs"), "") << "not before somebody needs it";
  const auto credential = authenticator->get(ctx).value();
  EXPECT_EQ(credential->authorization->reveal(), "Bearer t");
  EXPECT_EQ(credential->identity->certificate_chain, pair.certificate_chain);
  EXPECT_NE(authenticator->renew(ctx, credential).value(), nullptr);
  EXPECT_EQ(script.read("plugin.runs"), ".\n.\n");

  credentials.token = Secret("static");
  const auto plain = Authenticator::create(ctx, config_with(credentials)).value();
  EXPECT_EQ(shown(ctx, *plain), "Bearer static") << "a token goes before a plugin, as in client-go";
  EXPECT_EQ(script.read("plugin.runs"), ".\n.\n");
}

}  // namespace
}  // namespace klutch::kube

// SPDX-License-Identifier: Apache-2.0
#include "http/proxy.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "crypto/base64.h"
#include "testing/table.h"

namespace klutch::http {
namespace {

std::string with_port(const Url& url) {
  return std::string(url.scheme()) + "://" + url.host_and_port();
}

std::string chosen(const ProxyRules& rules, std::string_view text) {
  const auto* server = rules.proxy_for(Url::parse(text).value());
  return server != nullptr ? with_port(server->url) : "direct";
}

TEST(ProxyRules, ChooseAsGoDoes) {
  for (const auto& row : testing::read_table("src/http/testdata/go_proxy.tsv", 5)) {
    const auto rules = ProxyRules::create({.http_proxy = row[0], .https_proxy = row[1], .no_proxy = row[2]});
    ASSERT_TRUE(rules) << rules.error().message();
    const auto expected = row[4] == "direct" ? row[4] : with_port(*Url::parse(row[4]));
    EXPECT_EQ(chosen(*rules, row[3]), expected) << row[3] << " with NO_PROXY=" << row[2];
  }
}

TEST(ProxyRules, WithoutSettingsEverythingIsDirect) {
  EXPECT_EQ(chosen(ProxyRules(), "http://example.com"), "direct");
  EXPECT_EQ(chosen(*ProxyRules::create({}), "https://example.com"), "direct");
}

TEST(ProxyRules, AFixedProxyTakesLoopbackToo) {
  const auto rules = ProxyRules::fixed("https://proxy:8443/ignored");
  EXPECT_EQ(chosen(*rules, "http://127.0.0.1"), "https://proxy:8443");
  EXPECT_EQ(chosen(*rules, "https://example.com"), "https://proxy:8443");
}

TEST(ProxyRules, CredentialsBecomeABasicAuthorization) {
  const auto rules = ProxyRules::fixed("http://user:p%40ss@proxy:1");
  const auto* server = rules->proxy_for(*Url::parse("http://x"));
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->url.to_string(), "http://proxy:1");
  EXPECT_EQ(server->authorization.reveal(), "Basic " + crypto::base64_encode("user:p@ss"));
  EXPECT_TRUE(ProxyRules::fixed("http://proxy:1")->proxy_for(*Url::parse("http://x"))->authorization.empty());
}

TEST(ProxyRules, RefuseWhatCannotBeAProxy) {
  EXPECT_EQ(ProxyRules::fixed("socks5://p:1").error().code(), Code::kUnsupported);
  EXPECT_EQ(ProxyRules::fixed("socks5h://p:1").error().code(), Code::kUnsupported);
  EXPECT_EQ(ProxyRules::fixed("").error().code(), Code::kInvalid);
  EXPECT_EQ(ProxyRules::fixed("ftp://p").error().code(), Code::kInvalid);
  const auto error =
      ProxyRules::create({.http_proxy = {}, .https_proxy = "http://bob:secret@:1", .no_proxy = {}}).error();
  EXPECT_EQ(error.code(), Code::kInvalid);
  EXPECT_NE(error.message().find("HTTPS_PROXY"), std::string::npos) << error.message();
  EXPECT_EQ(error.message().find("secret"), std::string::npos) << error.message();
}

/// Sets environment variables of this process and takes them back.
class ProxyEnvironment : public ::testing::Test {
 protected:
  void SetUp() override { clear(); }
  void TearDown() override { clear(); }
  static void clear() {
    for (const auto* name : {"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy",
                             "REQUEST_METHOD"}) {
      ::unsetenv(name);
    }
  }
};

TEST_F(ProxyEnvironment, BothSpellingsAreReadAndTheUpperCaseOneWins) {
  ::setenv("http_proxy", "lower:1", 1);
  ::setenv("https_proxy", "lower:2", 1);
  ::setenv("HTTPS_PROXY", "upper:3", 1);
  ::setenv("no_proxy", "skipped", 1);
  const auto rules = ProxyRules::from_environment();
  ASSERT_TRUE(rules);
  EXPECT_EQ(chosen(*rules, "http://h"), "http://lower:1");
  EXPECT_EQ(chosen(*rules, "https://h"), "http://upper:3");
  EXPECT_EQ(chosen(*rules, "https://skipped"), "direct");
}

TEST_F(ProxyEnvironment, ACgiRequestCannotChooseTheProxy) {
  ::setenv("HTTP_PROXY", "evil:1", 1);
  ::setenv("REQUEST_METHOD", "GET", 1);
  EXPECT_EQ(chosen(*ProxyRules::from_environment(), "http://h"), "direct");
}

}  // namespace
}  // namespace klutch::http

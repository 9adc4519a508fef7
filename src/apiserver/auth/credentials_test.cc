// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/credentials.h"

#include <gtest/gtest.h>

#include "testing/test_pki.h"

namespace klutch::apiserver {
namespace {

TEST(BearerToken, IsFoundInItsHeader) {
  struct Case {
    const char* value;
    std::optional<std::string_view> token;
    const char* reason;
  };
  const Case cases[] = {
      {"Bearer abc", "abc", "usual"},
      {"bEARER abc", "abc", "the scheme has no case"},
      {"  Bearer   abc  ", "abc", "spaces around"},
      {"Basic abc", std::nullopt, "another scheme"},
      {"Bearers abc", std::nullopt, "another scheme that begins alike"},
      {"", std::nullopt, "nothing"},
  };
  for (const auto& test : cases) {
    const http::Headers headers{{"authorization", test.value}};
    const auto token = bearer_token(headers);
    ASSERT_TRUE(token) << test.reason;
    EXPECT_EQ(*token, test.token) << test.reason;
  }
  EXPECT_FALSE(bearer_token({})->has_value());
}

TEST(BearerToken, IsRefusedWhenItIsMalformed) {
  for (const char* value : {"Bearer", "Bearer ", "Bearer a b", "Bearer a\tb"}) {
    const http::Headers headers{{"Authorization", value}};
    const auto token = bearer_token(headers);
    ASSERT_FALSE(token) << value;
    EXPECT_EQ(token.error().code(), Code::kUnauthenticated) << value;
  }
  const http::Headers twice{{"Authorization", "Bearer a"}, {"AUTHORIZATION", "Bearer a"}};
  EXPECT_EQ(bearer_token(twice).error().code(), Code::kUnauthenticated);
}

TEST(CertificateUser, IsItsNameAndOrganizations) {
  const test::TestPki pki;
  const auto user = certificate_user(pki.client("alice", {"a", "b"}).certificate_chain);
  ASSERT_TRUE(user);
  EXPECT_EQ(user->user.name, "alice");
  EXPECT_EQ(user->user.groups, (std::vector<std::string>{"a", "b"}));
  const auto& id = user->user.extra.at(std::string(kCredentialId));
  ASSERT_EQ(id.size(), 1U);
  EXPECT_TRUE(id[0].starts_with("X509SHA256=")) << id[0];
  EXPECT_EQ(id[0].size(), 11U + 64);
  EXPECT_LT(user->not_before, user->not_after);
}

TEST(CertificateUser, IsNobodyForCertificatesOfServersAndOtherTexts) {
  const test::TestPki pki;
  EXPECT_EQ(certificate_user(pki.server().certificate_chain).error().code(), Code::kUnauthenticated);
  EXPECT_EQ(certificate_user("nonsense").error().code(), Code::kUnauthenticated);
}

TEST(ServiceAccountOf, TakesApartOnlyTheNamesOfServiceAccounts) {
  EXPECT_EQ(service_account_of("system:serviceaccount:ns:a.b"), (kube::Key{"ns", "a.b"}));
  for (const char* other :
       {"alice", "system:serviceaccount:", "system:serviceaccount:ns",
        "system:serviceaccount:ns:", "system:serviceaccount::a", "system:serviceaccount:a.b:c",
        "system:serviceaccount:a:b:c", "system:serviceaccount:A:b", "system:serviceaccounts:a:b"}) {
    EXPECT_FALSE(service_account_of(other)) << other;
  }
}

}  // namespace
}  // namespace klutch::apiserver

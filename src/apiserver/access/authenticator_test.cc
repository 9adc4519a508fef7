// SPDX-License-Identifier: Apache-2.0
#include "apiserver/access/authenticator.h"

#include <gtest/gtest.h>

#include "apiserver/access/access_testing.h"
#include "base/os/file.h"
#include "kube/api/status.h"
#include "testing/fiber_test.h"
#include "testing/test_pki.h"

namespace klutch::apiserver {
namespace {

using Texts = std::vector<std::string>;

/// A client certificate with the subject "O = only-a-group", good until 2126; our own authority makes none
/// without a name. Made by `openssl req -x509 -addext extendedKeyUsage=clientAuth`.
constexpr const char* kNamelessClient = R"(-----BEGIN CERTIFICATE-----
MIIBkzCCATqgAwIBAgIUQiORKC+SGpFdygD/6OmnZIjUOfIwCgYIKoZIzj0EAwIw
FzEVMBMGA1UECgwMb25seS1hLWdyb3VwMCAXDTI2MTEyMTE0NDc1NFoYDzIxMjYx
MDI4MTQ0NzU0WjAXMRUwEwYDVQQKDAxvbmx5LWEtZ3JvdXAwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAAS0Nre85h+YFI9nlpZjM57F24hmMPCmyx4UQin9td6KUwmL
/6XW/5fCmPS/j9Ldkml56SAnVDZbb20l2rq5vwH6o2IwYDAdBgNVHQ4EFgQUJTAc
ejOi44WsPh9p1xXhyrolvW4wHwYDVR0jBBgwFoAUJTAcejOi44WsPh9p1xXhyrol
vW4wEwYDVR0lBAwwCgYIKwYBBQUHAwIwCQYDVR0TBAIwADAKBggqhkjOPQQDAgNH
ADBEAiB8ldOcDHsq0XmTiOqosaUaD9Ydih9ZPOybZhDErQO8+wIgewEoXp2mGV9R
bQZ9+QMdYWjkr0QQI9rDqe+D3UHUAKs=
-----END CERTIFICATE-----
)";

class Fixture {
 public:
  explicit Fixture(Ctx& ctx) : ctx_(ctx), storage_(*Storage::open(ctx, make_ephemeral_backend())) {
    EXPECT_TRUE(os::write_file_atomic(folder_.file("tokens"), "static-1,carol,u-c,\"ops,dev\"\n"));
    options.static_tokens = *StaticTokens::load(folder_.file("tokens"));
    options.clock = &clock;
    tokens_ = *ServiceAccountTokens::create(*storage_, crypto::PrivateKey::generate(), {.clock = &clock});
    put_text(ctx, *storage_, kServiceAccountsType, {"ns", "robot"}, R"({"metadata":{"uid":"u-1"}})");
  }
  ~Fixture() { storage_->stop(ctx_); }

  std::string robot_token() const {
    return std::string(tokens_->issue({.ns = "ns", .account = {"robot", "u-1"}})->token.reveal());
  }
  Authenticator& authenticator() {
    if (!authenticator_) authenticator_.emplace(*tokens_, options);
    return *authenticator_;
  }
  Result<User> ask(http::Headers headers, const std::string& certificate = {}) {
    static http::BufferedRequestBody body;
    headers.add("Host", "h");
    auto request = http::ServerRequest::from_head({.method = "GET", .target = "/", .headers = headers}, body);
    http::TlsSession session;
    if (!certificate.empty()) session.peer_chain = {certificate};
    request->tls = &session;
    return authenticator().authenticate(*request);
  }

 private:
  Ctx& ctx_;
  os::TempDir folder_ = *os::TempDir::create();
  std::unique_ptr<Storage> storage_;
  std::unique_ptr<ServiceAccountTokens> tokens_;
  std::optional<Authenticator> authenticator_;

 public:
  ManualClock clock{system_clock().now()};
  Authenticator::Options options = {};
};

void expect_unauthorized(const Result<User>& user, const char* reason) {
  ASSERT_FALSE(user) << reason;
  EXPECT_EQ(user.error().code(), Code::kUnauthenticated) << reason;
  const auto status = kube::Status::from_error(user.error());
  EXPECT_EQ(status.http_status, 401) << reason;
  EXPECT_EQ(status.message, "Unauthorized") << reason;
  EXPECT_EQ(status.reason, "Unauthorized") << reason;
}

FIBER_TEST(Authenticator, KnowsWhoShowsACertificate) {
  Fixture fixture(ctx);
  const test::TestPki pki;
  const auto user = fixture.ask({}, pki.client("alice", {"a", "b"}).certificate_chain);
  ASSERT_TRUE(user);
  EXPECT_EQ(user->name, "alice");
  EXPECT_EQ(user->groups, (Texts{"a", "b", "system:authenticated"}));
  EXPECT_TRUE(user->extra.at(std::string(kCredentialId)).front().starts_with("X509SHA256="));
}

FIBER_TEST(Authenticator, BelievesACertificateFirst) {
  Fixture fixture(ctx);
  const test::TestPki pki;
  const auto chain = pki.client("alice").certificate_chain;
  EXPECT_EQ(fixture.ask({{"Authorization", "Bearer static-1"}}, chain)->name, "alice");
  EXPECT_EQ(fixture.ask({{"Authorization", "Bearer wrong"}}, chain)->name, "alice") << "as in kube-apiserver";
}

FIBER_TEST(Authenticator, RefusesACertificateThatExpiredOnALongConnection) {
  Fixture fixture(ctx);
  const test::TestPki pki;
  const auto chain = pki.client("alice").certificate_chain;
  EXPECT_TRUE(fixture.ask({}, chain));
  fixture.clock.advance(std::chrono::hours(24 * 3650));
  expect_unauthorized(fixture.ask({}, chain), "expired");
  EXPECT_EQ(fixture.ask({{"Authorization", "Bearer static-1"}}, chain)->name, "carol")
      << "a token still helps";
  fixture.clock.advance(-std::chrono::hours(24 * 3651));
  expect_unauthorized(fixture.ask({}, chain), "not yet valid");
}

FIBER_TEST(Authenticator, TakesACertificateWithoutNameForNone) {
  Fixture fixture(ctx);
  const std::string chain = kNamelessClient;
  fixture.clock.set(Time(std::chrono::sys_days(std::chrono::year(2040) / 1 / 1)));
  EXPECT_EQ(fixture.ask({}, chain)->name, "system:anonymous");
  EXPECT_EQ(fixture.ask({{"Authorization", "Bearer static-1"}}, chain)->name, "carol");
  expect_unauthorized(fixture.ask({{"Authorization", "Bearer wrong"}}, chain), "wrong token");
}

FIBER_TEST(Authenticator, KnowsBearerTokens) {
  Fixture fixture(ctx);
  const auto carol = fixture.ask({{"Authorization", "Bearer static-1"}});
  ASSERT_TRUE(carol);
  EXPECT_EQ(carol->name, "carol");
  EXPECT_EQ(carol->uid, "u-c");
  EXPECT_EQ(carol->groups, (Texts{"ops", "dev", "system:authenticated"}));
  const auto robot = fixture.ask({{"Authorization", "Bearer " + fixture.robot_token()}});
  ASSERT_TRUE(robot);
  EXPECT_EQ(robot->name, "system:serviceaccount:ns:robot");
  EXPECT_EQ(robot->groups,
            (Texts{"system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"}));
}

FIBER_TEST(Authenticator, NeverTakesAWrongTokenForNobody) {
  Fixture fixture(ctx);
  const std::pair<http::Headers, const char*> cases[] = {
      {{{"Authorization", "Bearer wrong"}}, "unknown"},
      {{{"Authorization", "Bearer"}}, "empty"},
      {{{"Authorization", "Bearer static-1 x"}}, "with something behind it"},
      {{{"Authorization", "Bearer static-1"}, {"Authorization", "Bearer static-1"}}, "twice"},
      {{{"Authorization", "Bearer a.b.c"}}, "almost a JWT"},
      {{{"Authorization", "Bearer " + fixture.robot_token() + "x"}}, "a changed signature"},
      {{{"Authorization", "Bearer " + std::string(100'000, 'x')}}, "huge"},
  };
  for (const auto& [headers, reason] : cases) expect_unauthorized(fixture.ask(headers), reason);
}

FIBER_TEST(Authenticator, TakesWhoShowsNothingForNobody) {
  Fixture fixture(ctx);
  const auto user = fixture.ask({});
  ASSERT_TRUE(user);
  EXPECT_EQ(user->name, "system:anonymous");
  EXPECT_EQ(user->groups, Texts{"system:unauthenticated"});
}

FIBER_TEST(Authenticator, RefusesNobodyWhenToldSo) {
  Fixture fixture(ctx);
  fixture.options.allow_anonymous = false;
  expect_unauthorized(fixture.ask({}), "no credentials");
  EXPECT_TRUE(fixture.ask({{"Authorization", "Bearer static-1"}}));
}

FIBER_TEST(Authenticator, ReviewsTokensForAnAudience) {
  Fixture fixture(ctx);
  auto& authenticator = fixture.authenticator();
  const auto text = [&](const std::string& token, const Texts& audiences) {
    const auto user = authenticator.authenticate_token(token, audiences);
    return user ? user->user.name : user.error().message();
  };
  const std::string ours = "https://kubernetes.default.svc.cluster.local";
  EXPECT_EQ(text("static-1", {}), "carol");
  EXPECT_EQ(text("static-1", {"vault", ours}), "carol");
  EXPECT_EQ(authenticator.authenticate_token("static-1", {"vault", ours})->audiences, Texts{ours});
  EXPECT_EQ(text("static-1", {"vault"}), "invalid bearer token");
  EXPECT_EQ(text("wrong", {}), "invalid bearer token");
  EXPECT_EQ(text(fixture.robot_token(), {}), "system:serviceaccount:ns:robot");
  EXPECT_TRUE(text(fixture.robot_token(), {"vault"}).starts_with("[invalid bearer token, "));
}

}  // namespace
}  // namespace klutch::apiserver

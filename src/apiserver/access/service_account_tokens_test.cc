// SPDX-License-Identifier: Apache-2.0
#include "apiserver/access/service_account_tokens.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "apiserver/access/access_testing.h"
#include "base/os/file.h"
#include "base/time.h"
#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "jose/jws.h"
#include "jose/jwt.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "testing/arbitrary_json.h"
#include "testing/fiber_test.h"
#include "testing/test_keys.h"

namespace klutch::apiserver {
namespace {

using Ref = ServiceAccountTokens::Ref;
constexpr const char* kIssuer = "https://cluster.example";

std::string object_text(std::string_view uid, std::string_view more = "") {
  return fmt::format(R"({{"metadata":{{"uid":"{}"{}}}}})", uid, more);
}

json::Value part_of(std::string_view token, std::size_t index) {
  std::string_view rest = token;
  for (std::size_t i = 0; i < index; ++i) rest.remove_prefix(rest.find('.') + 1);
  const auto text = crypto::base64_decode(rest.substr(0, rest.find('.')), crypto::Base64::kUrlUnpadded);
  return json::parse(*text).value();
}

class Fixture {
 public:
  explicit Fixture(Ctx& ctx, crypto::PrivateKey key = crypto::PrivateKey::generate())
      : ctx_(ctx), storage(*Storage::open(ctx, make_ephemeral_backend())), key_(std::move(key)) {
    tokens = *ServiceAccountTokens::create(*storage, key_, {.issuer = kIssuer, .clock = &clock});
    put(kServiceAccountsType, {"ns", "robot"}, object_text("u-1"));
  }
  ~Fixture() { storage->stop(ctx_); }

  void put(std::string_view type, const kube::Key& key, const std::string& text) {
    put_text(ctx_, *storage, type, key, text);
  }
  void remove(std::string_view type, const kube::Key& key) { remove_object(ctx_, *storage, type, key); }

  std::string issue(ServiceAccountTokens::Request request = {}) const {
    request.ns = "ns";
    request.account = {"robot", "u-1"};
    return std::string(tokens->issue(request).value().token.reveal());
  }
  std::string issue_legacy() {
    auto token = std::string(tokens->issue_legacy("ns", {"robot", "u-1"}, "robot-token").value().reveal());
    put_legacy_secret(token);
    return token;
  }
  void put_legacy_secret(std::string_view token, std::string_view metadata = R"("uid":"s-1")") {
    put(kSecretsType, {"ns", "robot-token"},
        fmt::format(R"({{"metadata":{{{}}},"data":{{"token":"{}"}}}})", metadata,
                    crypto::base64_encode(token)));
  }
  /// "" if it is good, else what is wrong, else "not ours".
  std::string outcome(std::string_view token, const std::vector<std::string>& audiences = {}) {
    const auto verified = tokens->verify(token, audiences);
    if (!verified) {
      EXPECT_EQ(verified.error().code(), Code::kUnauthenticated);
      return verified.error().message();
    }
    return verified->has_value() ? "" : "not ours";
  }
  std::string public_pem() const { return key_.public_key().to_pem(); }
  std::string sign(const json::Value& claims) const {
    const jose::SigningKey key{key_, ""};
    return jose::sign_jwt(claims, key, "").value();
  }

 private:
  Ctx& ctx_;

 public:
  ManualClock clock{*parse_rfc3339("2026-01-01T00:00:00Z")};
  std::unique_ptr<Storage> storage;
  std::unique_ptr<ServiceAccountTokens> tokens;

 private:
  crypto::PrivateKey key_;
};

FIBER_TEST(ServiceAccountTokens, SayWhatThoseOfKubernetesSay) {
  Fixture fixture(ctx);
  const auto issued = fixture.tokens->issue({.ns = "ns",
                                             .account = {"robot", "u-1"},
                                             .audiences = {"a", "b"},
                                             .lifetime = std::chrono::minutes(10),
                                             .pod = Ref{"p", "u-2"},
                                             .node = Ref{"n", "u-3"}});
  ASSERT_TRUE(issued);
  const auto header = part_of(issued->token.reveal(), 0);
  EXPECT_EQ(header.find_string("alg"), "ES256");
  EXPECT_EQ(header.find_string("kid")->size(), 43U);
  EXPECT_EQ(header.size(), 2U);
  auto claims = part_of(issued->token.reveal(), 1);
  const auto id = claims.take("jti");
  ASSERT_TRUE(id);
  EXPECT_EQ(issued->credential_id, "JTI=" + std::string(id->as_string()));
  const auto start = jose::to_numeric_date(fixture.clock.now());
  EXPECT_EQ(claims, json::parse(fmt::format(
                                    R"({{"aud":["a","b"],"exp":{},"iat":{},"nbf":{},"iss":"{}",
      "sub":"system:serviceaccount:ns:robot","kubernetes.io":{{"namespace":"ns",
      "serviceaccount":{{"name":"robot","uid":"u-1"}},"pod":{{"name":"p","uid":"u-2"}},
      "node":{{"name":"n","uid":"u-3"}}}}}})",
                                    start + 600, start, start, kIssuer))
                        .value());
  EXPECT_EQ(issued->expires_at, fixture.clock.now() + std::chrono::minutes(10));
}

FIBER_TEST(ServiceAccountTokens, StandForTheirServiceAccount) {
  Fixture fixture(ctx);
  fixture.put(kPodsType, {"ns", "p"}, object_text("u-2"));
  const auto token = fixture.issue({.pod = Ref{"p", "u-2"}, .node = Ref{"n", "u-3"}});
  const auto verified = fixture.tokens->verify(token);
  ASSERT_TRUE(verified && *verified);
  const auto& [user, audiences] = **verified;
  EXPECT_EQ(user.name, "system:serviceaccount:ns:robot");
  EXPECT_EQ(user.uid, "u-1");
  EXPECT_EQ(user.groups, (std::vector<std::string>{"system:serviceaccounts", "system:serviceaccounts:ns"}));
  EXPECT_EQ(audiences, std::vector<std::string>{kIssuer});
  EXPECT_EQ(user.extra.at("authentication.kubernetes.io/pod-name"), std::vector<std::string>{"p"});
  EXPECT_EQ(user.extra.at("authentication.kubernetes.io/pod-uid"), std::vector<std::string>{"u-2"});
  EXPECT_EQ(user.extra.at("authentication.kubernetes.io/node-name"), std::vector<std::string>{"n"});
  EXPECT_EQ(user.extra.at("authentication.kubernetes.io/node-uid"), std::vector<std::string>{"u-3"});
  EXPECT_TRUE(user.extra.at(std::string(kCredentialId)).front().starts_with("JTI="));
}

FIBER_TEST(ServiceAccountTokens, EndWithWhatTheyAreBoundTo) {
  struct Case {
    std::string_view type;
    kube::Key key;
    ServiceAccountTokens::Request request;
    const char* reason;
  };
  const Case cases[] = {
      {kSecretsType, {"ns", "x"}, {.secret = Ref{"x", "u-2"}}, "a Secret"},
      {kPodsType, {"ns", "x"}, {.pod = Ref{"x", "u-2"}}, "a Pod"},
      {kNodesType, {"", "x"}, {.node = Ref{"x", "u-2"}}, "a Node"},
      {kServiceAccountsType, {"ns", "robot"}, {}, "the ServiceAccount itself"},
  };
  for (const auto& [type, key, request, reason] : cases) {
    Fixture fixture(ctx);
    const bool is_account = type == kServiceAccountsType;
    const std::string uid = is_account ? "u-1" : "u-2";
    const auto token = fixture.issue(request);
    if (!is_account) {
      EXPECT_NE(fixture.outcome(token), "") << reason << ": it never was there";
    }
    fixture.put(type, key, object_text(uid));
    EXPECT_EQ(fixture.outcome(token), "") << reason;
    fixture.put(type, key, object_text("u-other"));
    EXPECT_NE(fixture.outcome(token), "") << reason << ": made anew";
    fixture.put(type, key, object_text(uid, R"(,"deletionTimestamp":"2026-01-01T00:00:00Z")"));
    EXPECT_EQ(fixture.outcome(token), "") << reason << ": ending";
    fixture.clock.advance(std::chrono::seconds(61));
    EXPECT_NE(fixture.outcome(token), "") << reason << ": ended";
    fixture.put(type, key, object_text(uid));
    EXPECT_EQ(fixture.outcome(token), "") << reason;
    fixture.remove(type, key);
    EXPECT_NE(fixture.outcome(token), "") << reason << ": gone";
  }
}

FIBER_TEST(ServiceAccountTokens, Expire) {
  Fixture fixture(ctx);
  const auto token = fixture.issue({.lifetime = std::chrono::minutes(10)});
  EXPECT_EQ(fixture.outcome(token), "");
  fixture.clock.advance(std::chrono::minutes(11) - std::chrono::seconds(1));
  EXPECT_EQ(fixture.outcome(token), "") << "clocks may differ by a minute";
  fixture.clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(fixture.outcome(token), "service account token has expired") << "although its signature is known";
}

FIBER_TEST(ServiceAccountTokens, AreForTheirAudience) {
  Fixture fixture(ctx);
  const auto token = fixture.issue({.audiences = {"vault", "ci"}});
  EXPECT_NE(fixture.outcome(token), "") << "not for this server";
  EXPECT_EQ(fixture.outcome(token, {"vault"}), "");
  EXPECT_NE(fixture.outcome(token, {"other"}), "");
  EXPECT_EQ((*fixture.tokens->verify(token, {"ci", "other", "vault"}))->audiences,
            (std::vector<std::string>{"vault", "ci"}));
}

FIBER_TEST(ServiceAccountTokens, OfTheLegacyKindLiveAsLongAsTheirSecret) {
  Fixture fixture(ctx);
  const auto token = fixture.issue_legacy();
  EXPECT_EQ(part_of(token, 1), json::parse(R"({"iss":"kubernetes/serviceaccount",
      "kubernetes.io/serviceaccount/namespace":"ns","kubernetes.io/serviceaccount/secret.name":"robot-token",
      "kubernetes.io/serviceaccount/service-account.name":"robot",
      "kubernetes.io/serviceaccount/service-account.uid":"u-1","sub":"system:serviceaccount:ns:robot"})")
                                   .value());
  fixture.clock.advance(std::chrono::hours(24 * 3650));
  EXPECT_EQ(fixture.outcome(token), "");
  EXPECT_EQ((*fixture.tokens->verify(token))->user.extra.size(), 0U);

  fixture.put_legacy_secret(
      token, R"("uid":"s-1","labels":{"kubernetes.io/legacy-token-invalid-since":"2026-01-01"})");
  EXPECT_EQ(fixture.outcome(token), "the token in secret ns/robot-token has been marked invalid");
  fixture.put_legacy_secret(token, R"("uid":"s-1","deletionTimestamp":"2036-01-01T00:00:00Z")");
  EXPECT_EQ(fixture.outcome(token), "Token has been invalidated");
  fixture.put_legacy_secret("another");
  EXPECT_EQ(fixture.outcome(token), "Token does not match server's copy");
  fixture.put_legacy_secret("");
  EXPECT_EQ(fixture.outcome(token), "Token does not match server's copy");
  fixture.put_legacy_secret(token);
  EXPECT_EQ(fixture.outcome(token), "");
  fixture.put(kServiceAccountsType, {"ns", "robot"}, object_text("u-9"));
  EXPECT_NE(fixture.outcome(token), "") << "another ServiceAccount of that name";
  fixture.put(kServiceAccountsType, {"ns", "robot"}, object_text("u-1"));
  fixture.remove(kSecretsType, {"ns", "robot-token"});
  EXPECT_EQ(fixture.outcome(token), "Token has been invalidated");
}

std::string unsigned_token(std::string_view header, const json::Value& claims) {
  const auto encode = [](std::string_view text) {
    return crypto::base64_encode(text, crypto::Base64::kUrlUnpadded);
  };
  return encode(header) + "." + encode(json::print(claims));
}

FIBER_TEST(ServiceAccountTokens, AreRefusedWhenTheyAreForged) {
  Fixture fixture(ctx);
  const auto good = fixture.issue();
  const auto header = part_of(good, 0);
  const auto claims = part_of(good, 1);
  const std::string kid(*header.find_string("kid"));
  const auto changed = [&](std::string_view name, json::Value value) {
    auto copy = claims;
    copy.set(name, std::move(value));
    return fixture.sign(copy);
  };
  const auto without = [&](std::string_view name) {
    auto copy = claims;
    copy.erase(name);
    return fixture.sign(copy);
  };
  const auto hmac_head = unsigned_token(fmt::format(R"({{"alg":"HS256","kid":"{}"}})", kid), claims);
  const auto other = crypto::PrivateKey::generate();
  const jose::SigningKey wrong_key{other, kid};
  const jose::SigningKey wrong_kid{other, "elsewhere"};
  const auto now = jose::to_numeric_date(fixture.clock.now());
  const std::pair<std::string, const char*> cases[] = {
      {unsigned_token(R"({"alg":"none"})", claims) + ".", "no signature"},
      {unsigned_token(fmt::format(R"({{"alg":"none","kid":"{}"}})", kid), claims) + ".", "none with a kid"},
      {hmac_head + "." +
           crypto::base64_encode(crypto::hmac_sha256(Secret(fixture.public_pem()), hmac_head),
                                 crypto::Base64::kUrlUnpadded),
       "HS256 with a public key as secret"},
      {jose::sign_jwt(claims, wrong_key, "").value(), "signed with another key"},
      {jose::sign_jwt(claims, wrong_kid, "").value(), "a key that nobody knows"},
      {good.substr(0, good.rfind('.') + 1), "signature cut off"},
      {good + "A", "signature too long"},
      {changed("exp", now - 61), "expired"},
      {changed("nbf", now + 61), "not yet valid"},
      {changed("iat", now + 61), "from the future"},
      {changed("exp", "soon"), "no time"},
      {without("exp"), "without an end"},
      {without("aud"), "without audience"},
      {changed("aud", json::array({""})), "an empty audience"},
      {without("kubernetes.io"), "without account"},
      {changed("kubernetes.io", json::object({{"namespace", "ns"}})), "without account's name"},
      {changed("kubernetes.io",
               json::object({{"namespace", ""},
                             {"serviceaccount", json::object({{"name", "robot"}, {"uid", "u-1"}})}})),
       "without namespace"},
      {changed("kubernetes.io",
               json::object({{"namespace", "ns"},
                             {"serviceaccount", json::object({{"name", "robot"}, {"uid", ""}})}})),
       "without uid"},
      {changed("kubernetes.io",
               json::object({{"namespace", "ns"},
                             {"serviceaccount", json::object({{"name", "robot"}, {"uid", "u-1"}})},
                             {"pod", "p"}})),
       "bound to nonsense"},
  };
  EXPECT_EQ(fixture.outcome(good), "");
  EXPECT_EQ(fixture.outcome(fixture.sign(claims)), "") << "the same without kid";
  for (const auto& [token, reason] : cases) {
    const auto outcome = fixture.outcome(token);
    EXPECT_NE(outcome, "") << reason;
    EXPECT_NE(outcome, "not ours") << reason;
    EXPECT_EQ(outcome.find(token), std::string::npos) << reason;
  }
}

FIBER_TEST(ServiceAccountTokens, OfTheLegacyKindCannotBeTakenForBoundOnes) {
  Fixture fixture(ctx);
  const auto legacy = fixture.issue_legacy();
  auto claims = part_of(fixture.issue(), 1);
  claims.set("iss", "kubernetes/serviceaccount");
  EXPECT_NE(fixture.outcome(fixture.sign(claims)), "") << "bound claims under the legacy issuer";
  auto old = part_of(legacy, 1);
  old.set("iss", kIssuer);
  EXPECT_NE(fixture.outcome(fixture.sign(old)), "") << "legacy claims under our issuer never expire";
}

FIBER_TEST(ServiceAccountTokens, LeaveTokensOfOthersAlone) {
  Fixture fixture(ctx);
  auto claims = part_of(fixture.issue(), 1);
  claims.set("iss", "https://elsewhere.example");
  for (const std::string& token : {fixture.sign(claims), std::string("opaque"), std::string("a.b.c"),
                                   std::string(), std::string(1 << 20, 'a'), std::string("..")}) {
    EXPECT_EQ(fixture.outcome(token), "not ours");
  }
}

FIBER_TEST(ServiceAccountTokens, NoChangeOfAByteGoesUnseen) {
  Fixture fixture(ctx);
  const auto good = fixture.issue();
  EXPECT_TRUE(rc::check([&](unsigned position, char byte) {
    auto token = good;
    char& place = token[position % token.size()];
    RC_PRE(place != byte);
    place = byte;
    RC_ASSERT(fixture.outcome(token) != "");
  }));
}

FIBER_TEST(ServiceAccountTokens, WithOddClaimsStandForNobodyElse) {
  Fixture fixture(ctx);
  const auto legacy = part_of(fixture.issue_legacy(), 1);
  const auto bound = part_of(fixture.issue(), 1);
  EXPECT_TRUE(rc::check([&](bool old, unsigned place, const json::Value& odd) {
    auto claims = old ? legacy : bound;
    auto* part = &claims;
    // Now and then a member of what the token is bound to.
    if (!old && place % 2 == 0) part = claims.find("kubernetes.io");
    const std::string key(part->members()[place / 2 % part->size()].key());
    if (key == "iss") return;
    part->set(key, odd);
    const auto verified = fixture.tokens->verify(fixture.sign(claims));
    if (!verified || !*verified) return;
    RC_ASSERT((*verified)->user.name == "system:serviceaccount:ns:robot");
  }));
}

FIBER_TEST(ServiceAccountTokens, SignedWithAFormerKeyAreStillGood) {
  const auto former = crypto::PrivateKey::from_pem(test_keys::kRsaPkcs1Pem).value();
  Fixture before(ctx, former);
  const auto token = before.issue();
  EXPECT_EQ(part_of(token, 0).find_string("alg"), "RS256");
  Fixture after(ctx);
  EXPECT_NE(after.outcome(token), "");
  after.tokens = *ServiceAccountTokens::create(
      *after.storage, crypto::PrivateKey::generate(),
      {.issuer = kIssuer, .former_keys = {former.public_key()}, .clock = &after.clock});
  EXPECT_EQ(after.outcome(token), "");
  EXPECT_EQ(after.tokens->jwks().find("keys")->size(), 2U);
}

FIBER_TEST(ServiceAccountTokens, ArePublishedForOthersToVerify) {
  Fixture fixture(ctx);
  const auto keys = jose::parse_jwk_set(json::print(fixture.tokens->jwks())).value();
  EXPECT_TRUE(jose::verify_jws(fixture.issue(), keys, {.algorithms = {jose::Algorithm::kEs256}}));
  EXPECT_EQ(fixture.tokens->openid_configuration("https://1.2.3.4:6443"), json::parse(R"({
      "issuer":"https://cluster.example","jwks_uri":"https://1.2.3.4:6443/openid/v1/jwks",
      "response_types_supported":["id_token"],"subject_types_supported":["public"],
      "id_token_signing_alg_values_supported":["ES256"]})")
                                                                              .value());
}

FIBER_TEST(ServiceAccountTokens, NeedAnIssuerOfTheirOwn) {
  Fixture fixture(ctx);
  for (const char* issuer : {"", "kubernetes/serviceaccount"}) {
    const auto tokens =
        ServiceAccountTokens::create(*fixture.storage, crypto::PrivateKey::generate(), {.issuer = issuer});
    ASSERT_FALSE(tokens);
    EXPECT_EQ(tokens.error().code(), Code::kInvalid);
  }
}

TEST(ServiceAccountKey, IsMadeOnceAndKeptPrivate) {
  const auto folder = *os::TempDir::create();
  const auto path = folder.file("sa.key");
  const auto made = ServiceAccountTokens::ensure_key(path);
  ASSERT_TRUE(made);
  EXPECT_EQ(os::find_file(path).value()->mode, 0600U);
  EXPECT_EQ(ServiceAccountTokens::ensure_key(path)->public_key(), made->public_key());
  ASSERT_TRUE(os::write_file_atomic(path, made->to_pem().reveal(), 0644));
  EXPECT_EQ(ServiceAccountTokens::ensure_key(path).error().code(), Code::kForbidden);
  ASSERT_TRUE(os::write_file_atomic(path, "nonsense"));
  const auto bad = ServiceAccountTokens::ensure_key(path);
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message().find(path), std::string::npos);
  ASSERT_TRUE(
      os::write_file_atomic(path, crypto::PrivateKey::generate(crypto::KeySpec::kEd25519).to_pem().reveal()));
  EXPECT_EQ(ServiceAccountTokens::ensure_key(path).error().code(), Code::kUnsupported);
}

}  // namespace
}  // namespace klutch::apiserver

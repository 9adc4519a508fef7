// SPDX-License-Identifier: Apache-2.0
#include "jose/jwt.h"

#include <gtest/gtest.h>

#include "jose/token_testing.h"
#include "json/build.h"
#include "json/print.h"

namespace klutch::jose {
namespace {

constexpr Time kNow{std::chrono::seconds(1750000000)};
constexpr std::int64_t kNowSeconds = 1750000000;

JwtOptions verifying() {
  return {.algorithms = kAllAlgorithms, .issuer = "https://issuer.example", .audiences = {"klutch"}};
}

json::Value good_claims() {
  return json::object({{"iss", "https://issuer.example"},
                       {"sub", "alice"},
                       {"aud", "klutch"},
                       {"exp", kNowSeconds + 3600},
                       {"iat", kNowSeconds},
                       {"groups", json::array({"dev"})}});
}

json::Value with(std::string_view name, json::Value value) {
  json::Value claims = good_claims();
  claims.set(name, std::move(value));
  return claims;
}

json::Value without(std::string_view name) {
  json::Value claims = good_claims();
  claims.erase(name);
  return claims;
}

Result<Claims> verify_claims(const json::Value& claims, const JwtOptions& options = verifying()) {
  return verify_jwt(sign_jwt(claims, ed_key()).value(), all_keys(), options, kNow);
}

TEST(Jwt, GivesTheClaimsOfAGoodToken) {
  for (const auto& key : {rsa_key(), ec_key(), ed_key()}) {
    const auto claims =
        verify_jwt(sign_jwt(good_claims(), key).value(), all_keys(), verifying(), kNow).value();
    EXPECT_EQ(claims.issuer, "https://issuer.example");
    EXPECT_EQ(claims.subject, "alice");
    EXPECT_EQ(claims.audiences, std::vector<std::string>{"klutch"});
    EXPECT_EQ(claims.expires_at, kNow + std::chrono::hours(1));
    EXPECT_EQ(claims.issued_at, kNow);
    EXPECT_EQ(claims.all, good_claims());
  }
}

TEST(Jwt, AcceptsWhatTheStandardAllows) {
  const std::pair<json::Value, std::string_view> cases[] = {
      {with("aud", json::array({"other", "klutch"})), "several audiences"},
      {without("sub"), "no subject"},
      {without("iat"), "no issue date"},
      {with("exp", kNowSeconds + 0.5), "a fraction of a second"},
      {with("exp", 253402300799), "the year 9999"},
      {with("exp", 1e300), "never"},
      {with("exp", kNowSeconds - 59), "within the leeway"},
      {with("nbf", kNowSeconds + 60), "at the edge of the leeway"},
      {with("iat", kNowSeconds + 60), "issued by a clock that is ahead"},
      {with("nbf", -1e300), "valid since ever"},
  };
  for (const auto& [claims, reason] : cases) {
    const auto result = verify_claims(claims);
    EXPECT_TRUE(result.has_value()) << reason << ": " << (result ? "" : result.error().message());
  }
}

TEST(Jwt, RefusesWrongClaimsAndNamesTheCheck) {
  struct Case {
    json::Value claims;
    std::string_view says;
    std::string_view reason;
  };
  const Case cases[] = {
      {without("iss"), "\"iss\"", "no issuer"},
      {with("iss", "https://issuer.example/"), "issuer", "a slash more"},
      {with("iss", "HTTPS://issuer.example"), "issuer", "case counts"},
      {with("iss", json::array({"https://issuer.example"})), "\"iss\"", "an array as issuer"},
      {without("aud"), "\"aud\"", "no audience"},
      {with("aud", "other"), "audience", "another audience"},
      {with("aud", "klutch2"), "audience", "a longer audience"},
      {with("aud", json::array()), "audience", "an empty list"},
      {with("aud", json::array({"klutch", 7})), "\"aud\"", "a number among the audiences"},
      {with("aud", 7), "\"aud\"", "a number as audience"},
      {without("exp"), "\"exp\"", "no expiry"},
      {with("exp", "1750003600"), "\"exp\"", "a string as expiry"},
      {with("exp", nullptr), "\"exp\"", "null as expiry"},
      {with("exp", kNowSeconds - 60), "expired at 2025-06-15T15:05:40Z", "past the leeway"},
      {with("exp", 0), "expired", "long ago"},
      {with("exp", -1e300), "expired", "before all time"},
      {with("exp", std::int64_t{-9223372036854775807}), "expired", "as far back as integers go"},
      {with("nbf", kNowSeconds + 61), "not valid before", "not yet"},
      {with("nbf", 1e300), "not valid before", "never"},
      {with("nbf", "x"), "\"nbf\"", "a string as start"},
      {with("iat", kNowSeconds + 61), "issued in the future", "issued tomorrow"},
      {with("iat", true), "\"iat\"", "a boolean as date"},
      {with("sub", 7), "\"sub\"", "a number as subject"},
  };
  for (const auto& c : cases) {
    const auto result = verify_claims(c.claims);
    ASSERT_FALSE(result.has_value()) << c.reason;
    EXPECT_TRUE(is(result.error(), Code::kUnauthenticated)) << c.reason;
    EXPECT_NE(result.error().message().find(c.says), std::string::npos)
        << c.reason << ": " << result.error().message();
    EXPECT_EQ(result.error().message().find("alice"), std::string::npos) << c.reason << ": repeats the token";
  }
}

TEST(Jwt, TheNonceMustBeTheOneThatWasSent) {
  JwtOptions options = verifying();
  options.nonce = "n-0S6";
  EXPECT_TRUE(verify_claims(with("nonce", "n-0S6"), options).has_value());
  EXPECT_TRUE(is(verify_claims(with("nonce", "n-0S7"), options).error(), Code::kUnauthenticated));
  EXPECT_TRUE(is(verify_claims(with("nonce", 7), options).error(), Code::kUnauthenticated));
  EXPECT_TRUE(is(verify_claims(good_claims(), options).error(), Code::kUnauthenticated));
}

TEST(Jwt, RequiredClaimsMustBeThere) {
  JwtOptions options = verifying();
  options.required = {"sub", "email"};
  EXPECT_TRUE(verify_claims(with("email", "a@example.com"), options).has_value());
  EXPECT_TRUE(is(verify_claims(good_claims(), options).error(), Code::kUnauthenticated));
  EXPECT_TRUE(is(verify_claims(with("email", nullptr), options).error(), Code::kUnauthenticated));
}

TEST(Jwt, TheTypeKeepsTokensForOtherUsesOut) {
  JwtOptions options = verifying();
  options.type = "at+jwt";
  const auto verify_type = [&](std::string_view type) {
    return verify_jwt(sign_jwt(good_claims(), ed_key(), type).value(), all_keys(), options, kNow).has_value();
  };
  EXPECT_TRUE(verify_type("at+jwt"));
  EXPECT_TRUE(verify_type("application/AT+JWT"));
  EXPECT_FALSE(verify_type("JWT"));
  EXPECT_FALSE(verify_type(""));
}

TEST(Jwt, RefusesPayloadsThatAreNoClaims) {
  const auto nested = [](int depth) {
    return R"({"iss":"https://issuer.example","aud":"klutch","exp":1750003600,"x":)" +
           std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  const std::pair<std::string, std::string_view> cases[] = {
      {"", "empty"},
      {"[]", "an array"},
      {"null", "null"},
      {"{", "half an object"},
      {R"({"iss":"https://issuer.example","aud":"klutch","exp":1750003600,"exp":9999999999})",
       "a duplicate claim"},
      {R"({"iss":"https://issuer.example","aud":"klutch","exp":1750003600,"a":{"b":1,"b":2}})",
       "a duplicate deeper"},
      {nested(40), "nested too deep"},
  };
  for (const auto& [payload, reason] : cases) {
    const auto result = verify_jwt(sign_jws(payload, ed_key()).value(), all_keys(), verifying(), kNow);
    ASSERT_FALSE(result.has_value()) << reason;
    EXPECT_TRUE(is(result.error(), Code::kUnauthenticated)) << reason;
  }
  EXPECT_TRUE(verify_jwt(sign_jws(nested(20), ed_key()).value(), all_keys(), verifying(), kNow).has_value());
}

TEST(Jwt, AWrongKeyIsRefusedWhateverTheClaims) {
  const SigningKey stranger{.key = crypto::PrivateKey::generate(), .kid = "ec"};
  EXPECT_TRUE(is(verify_jwt(sign_jwt(good_claims(), stranger).value(), all_keys(), verifying(), kNow).error(),
                 Code::kUnauthenticated));
  EXPECT_TRUE(is(verify_jwt(sign_jwt(good_claims(), ed_key()).value(), JwkSet{}, verifying(), kNow).error(),
                 Code::kUnauthenticated));
}

TEST(Jwt, AVerifierWithoutItsThreeChecksIsAMistake) {
  const std::string token = sign_jwt(good_claims(), ed_key()).value();
  JwtOptions no_algorithm = verifying();
  no_algorithm.algorithms.clear();
  JwtOptions no_issuer = verifying();
  no_issuer.issuer.clear();
  JwtOptions no_audience = verifying();
  no_audience.audiences.clear();
  JwtOptions empty_audience = verifying();
  empty_audience.audiences = {""};
  for (const auto& options : {no_algorithm, no_issuer, no_audience, empty_audience}) {
    EXPECT_TRUE(is(verify_jwt(token, all_keys(), options, kNow).error(), Code::kInvalid));
  }
}

TEST(Jwt, TheUnverifiedIssuerIsOnlyAHint) {
  EXPECT_EQ(unverified_issuer(compact("{}", R"({"iss":"x"})", "")), "x");
  EXPECT_FALSE(unverified_issuer(compact("{}", R"({"iss":7})", "")).has_value());
  EXPECT_FALSE(unverified_issuer(compact("{}", "[]", "")).has_value());
  EXPECT_FALSE(unverified_issuer(compact("{}", R"({"iss":"x","iss":"y"})", "")).has_value());
  EXPECT_FALSE(unverified_issuer("x.y").has_value());
  EXPECT_FALSE(unverified_issuer("").has_value());
  EXPECT_FALSE(unverified_issuer(compact("{}", R"({"iss":"x"})", ""), 10).has_value());
}

TEST(Jwt, SignsOnlyObjects) {
  EXPECT_TRUE(is(sign_jwt(json::array(), ed_key()).error(), Code::kInvalid));
  EXPECT_EQ(to_numeric_date(kNow + std::chrono::milliseconds(900)), kNowSeconds);
  EXPECT_EQ(to_numeric_date(Time(std::chrono::milliseconds(-1))), -1);
}

}  // namespace
}  // namespace klutch::jose

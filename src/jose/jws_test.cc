// SPDX-License-Identifier: Apache-2.0
#include "jose/jws.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "jose/token_testing.h"
#include "json/parse.h"

namespace klutch::jose {
namespace {

constexpr std::string_view kRfc7515Payload =
    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";

constexpr std::string_view kRfc7515A2 =
    "eyJhbGciOiJSUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
    "O8W2Fp5jujGbds9uJdbF9CUAr7t"
    "1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_"
    "dO--xi12jzDw"
    "usC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_"
    "IoypGlUPQGe77R"
    "w";

constexpr std::string_view kRfc7515A3 =
    "eyJhbGciOiJFUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

constexpr std::string_view kRfc8037A4 =
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-"
    "09PGcvMg3AIbQR6dWbhijcNR4ki4"
    "iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

Result<VerifiedJws> verify(std::string_view token, const JwkSet& keys = all_keys()) {
  return verify_jws(token, keys, {.algorithms = kAllAlgorithms});
}

TEST(Jws, VerifiesTheVectorsOfRfc7515AndRfc8037) {
  const auto a2 = verify(kRfc7515A2).value();
  EXPECT_EQ(a2.payload, kRfc7515Payload);
  EXPECT_EQ(a2.algorithm, Algorithm::kRs256);
  EXPECT_EQ(a2.kid, "");
  EXPECT_EQ(verify(kRfc7515A3).value().payload, kRfc7515Payload);
  EXPECT_EQ(verify(kRfc8037A4).value().payload, "Example of Ed25519 signing");
}

TEST(Jws, SignsTheDeterministicVectorsByteForByte) {
  SigningKey rsa = rsa_key();
  rsa.kid.clear();
  EXPECT_EQ(sign_jws(kRfc7515Payload, rsa).value(), kRfc7515A2);
  SigningKey ed = ed_key();
  ed.kid.clear();
  EXPECT_EQ(sign_jws("Example of Ed25519 signing", ed).value(), kRfc8037A4);
}

TEST(Jws, VerifiesTheExampleOfRfc7520Section4_1) {
  const auto keys = parse_jwk_set(R"({"keys": [{
      "kty": "RSA", "kid": "bilbo.baggins@hobbiton.example", "use": "sig", "e": "AQAB",
      "n": "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw"
      }]})")
                        .value();
  const auto jws = verify(
      "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9."
      "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm"
      "9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJl"
      "IHN3ZXB0IG9mZiB0by4.MRjdkly7_-"
      "oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-"
      "BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_"
      "qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_"
      "de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_"
      "fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
      keys);
  ASSERT_TRUE(jws.has_value()) << jws.error().message();
  EXPECT_EQ(jws->kid, "bilbo.baggins@hobbiton.example");
  EXPECT_EQ(jws->payload.substr(0, 31), "It\xe2\x80\x99s a dangerous business, Fr");
}

TEST(Jws, EveryKindOfKeySignsWhatVerifies) {
  for (const auto& key : {rsa_key(), ec_key(), ed_key()}) {
    const auto jws = verify(sign_jws("payload", key, "JWT").value()).value();
    EXPECT_EQ(jws.payload, "payload");
    EXPECT_EQ(jws.kid, key.kid);
    EXPECT_EQ(jws.type, "JWT");
  }
  const SigningKey p384{.key = crypto::PrivateKey::generate(crypto::KeySpec::kEcP384)};
  EXPECT_TRUE(is(sign_jws("x", p384).error(), Code::kUnsupported));
}

TEST(Jws, OnlyAlgorithmsOfTheListAreAccepted) {
  const std::string token = sign_jws("x", ec_key()).value();
  EXPECT_TRUE(verify_jws(token, all_keys(), {.algorithms = {Algorithm::kEs256}}).has_value());
  EXPECT_TRUE(
      is(verify_jws(token, all_keys(), {.algorithms = {Algorithm::kRs256, Algorithm::kEdDsa}}).error(),
         Code::kUnauthenticated));
  EXPECT_TRUE(is(verify_jws(token, all_keys(), {}).error(), Code::kUnauthenticated));
}

TEST(Jws, NoneIsRefusedHoweverItIsWritten) {
  const std::string word = "none";
  for (unsigned mask = 0; mask < 16; ++mask) {
    std::string name = word;
    for (std::size_t i = 0; i < 4; ++i) {
      if ((mask >> i & 1) != 0) name[i] = static_cast<char>(name[i] - 'a' + 'A');
    }
    for (const std::string_view signature : {"", "x"}) {
      const auto jws = verify(compact("{\"alg\":\"" + name + "\"}", "{}", signature));
      ASSERT_FALSE(jws.has_value()) << name;
      EXPECT_TRUE(is(jws.error(), Code::kUnauthenticated)) << name;
    }
  }
}

TEST(Jws, AKeyIsNotUsedForAnotherAlgorithm) {
  // RS256 by name, signed with P-256; and so on for every wrong pair.
  for (const auto& key : {rsa_key(), ec_key(), ed_key()}) {
    for (const std::string name : {"RS256", "ES256", "EdDSA"}) {
      if (name == name_of(algorithm_of(key.key.kind()).value())) continue;
      for (const std::string kid : {"", ",\"kid\":\"rsa\"", ",\"kid\":\"ec\"", ",\"kid\":\"ed\""}) {
        EXPECT_FALSE(
            verify(signed_with_header("{\"alg\":\"" + name + "\"" + kid + "}", "x", key)).has_value())
            << name << kid;
      }
    }
  }
}

TEST(Jws, TheKeyIdChoosesTheKey) {
  SigningKey old_key = ec_key();
  old_key.kid = "old";
  SigningKey new_key{.key = crypto::PrivateKey::generate(), .kid = "new"};
  const JwkSet both = public_set({old_key, new_key});
  EXPECT_TRUE(verify(sign_jws("x", old_key).value(), both).has_value());
  EXPECT_TRUE(verify(sign_jws("x", new_key).value(), both).has_value());
  const SigningKey liar{.key = new_key.key, .kid = "old"};
  EXPECT_FALSE(verify(sign_jws("x", liar).value(), both).has_value());
  const SigningKey anonymous{.key = new_key.key};
  EXPECT_TRUE(verify(sign_jws("x", anonymous).value(), both).has_value())
      << "without kid, all keys are tried";
}

TEST(Jws, AnUnknownKeyIdSaysSoThatKeysCanBeFetchedAgain) {
  const std::string token = sign_jws("x", ec_key()).value();
  const auto unknown = verify(token, public_set({rsa_key(), ed_key()}));
  ASSERT_FALSE(unknown.has_value());
  EXPECT_TRUE(is(unknown.error(), Code::kUnauthenticated));
  EXPECT_NE(unknown.error().detail<UnknownKey>(), nullptr);
  std::string tampered = token;
  tampered[token.size() / 2] = tampered[token.size() / 2] == 'A' ? 'B' : 'A';
  const auto wrong = verify(tampered);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().detail<UnknownKey>(), nullptr) << "a wrong signature is no reason to fetch keys";
}

TEST(Jws, TheNumberOfTriesIsBounded) {
  JwkSet many;
  for (int i = 0; i < 8; ++i)
    many.keys.push_back(make_jwk(crypto::PrivateKey::generate().public_key()).value());
  many.keys.push_back(make_jwk(ec_key().key.public_key()).value());
  const SigningKey anonymous{.key = ec_key().key};
  EXPECT_FALSE(verify(sign_jws("x", anonymous).value(), many).has_value());
  std::swap(many.keys.front(), many.keys.back());
  EXPECT_TRUE(verify(sign_jws("x", anonymous).value(), many).has_value());
}

TEST(Jws, RefusesEveryBrokenForm) {
  const std::string good = sign_jws("payload", ec_key()).value();
  const std::size_t dot1 = good.find('.');
  const std::size_t dot2 = good.rfind('.');
  const std::string header = good.substr(0, dot1);
  const std::string body = good.substr(dot1, dot2 - dot1);
  const std::string signature = good.substr(dot2);
  const auto with_header = [](std::string_view text) {
    return signed_with_header(text, "payload", ec_key());
  };
  struct Case {
    std::string token;
    std::string_view reason;
  };
  const Case cases[] = {
      {"", "empty"},
      {".", "one dot"},
      {"..", "two dots"},
      {"garbage", "no dots"},
      {std::string(100, '.'), "a hundred dots"},
      {header + body, "no signature"},
      {header + body + ".", "an empty signature"},
      {good + ".", "a fourth part"},
      {good + "=", "padding"},
      {good + "A", "surplus"},
      {good.substr(0, good.size() - 1), "cut by one"},
      {good.substr(0, good.size() / 2), "cut in half"},
      {" " + good, "a blank in front"},
      {good + "\n", "a line break at the end"},
      {header + "x" + body + signature, "a changed header"},
      {header + body + "x" + signature, "a changed payload"},
      {header + ".eyJ4IjoxfQ" + signature, "another payload"},
      {header + body + "." + std::string(86, 'A'), "zeros as signature"},
      {with_header("{}"), "no algorithm"},
      {with_header(R"({"alg":7})"), "a number as algorithm"},
      {with_header(R"({"alg":null})"), "null as algorithm"},
      {with_header(R"({"alg":["ES256"]})"), "an array as algorithm"},
      {with_header(R"({"ALG":"ES256"})"), "case counts in names"},
      {with_header(R"({"alg":"es256"})"), "case counts in values"},
      {with_header(R"({"alg":"HS256"})"), "an HMAC"},
      {with_header(R"({"alg":"ES384"})"), "another curve"},
      {with_header(R"(["ES256"])"), "an array as header"},
      {with_header(R"("ES256")"), "a string as header"},
      {with_header(R"({"alg":"ES256","alg":"none"})"), "a duplicate member"},
      {with_header(R"({"alg":"ES256","x":{"y":1,"y":2}})"), "a duplicate member deeper down"},
      {with_header(R"({"alg":"ES256","crit":["b64"],"b64":false})"), "a critical extension"},
      {with_header(R"({"alg":"ES256","crit":[]})"), "an empty list of critical extensions"},
      {with_header(R"({"alg":"ES256","kid":7})"), "a number as key id"},
      {with_header(R"({"alg":"ES256","typ":7})"), "a number as type"},
      {with_header(R"({"alg":"ES256"} x)"), "text after the header"},
      {with_header(R"({"alg":"ES256","x":[[[[[[[[[[1]]]]]]]]]]})"), "nested too deep"},
      {with_header("{\"alg\":\"ES256\",\"x\":\"\xff\"}"), "not UTF-8"},
  };
  for (const auto& c : cases) {
    const auto jws = verify(c.token);
    ASSERT_FALSE(jws.has_value()) << c.reason;
    EXPECT_TRUE(is(jws.error(), Code::kUnauthenticated)) << c.reason << ": " << jws.error().message();
  }
  EXPECT_TRUE(verify(with_header(R"({"alg":"ES256"})")).has_value()) << "the frame of the cases works";
  EXPECT_TRUE(verify(with_header(R"({"alg":"ES256","jku":"https://evil.example","jwk":{}})")).has_value())
      << "keys and addresses in the header are ignored";
}

TEST(Jws, TheDerFormOfAnEcdsaSignatureIsRefused) {
  // RFC 7518 §3.4 wants r || s. A converter that also took DER would give one signature two forms.
  const std::string der = "\x30\x44\x02\x20" + std::string(32, '\x11') + "\x02\x20" + std::string(32, '\x22');
  EXPECT_FALSE(verify(compact(R"({"alg":"ES256"})", "x", der)).has_value());
}

TEST(Jws, TooLongATokenIsRefusedBeforeItIsRead) {
  const std::string token = sign_jws(std::string(20000, 'x'), ec_key()).value();
  EXPECT_TRUE(is(verify(token).error(), Code::kUnauthenticated));
  EXPECT_TRUE(
      verify_jws(token, all_keys(), {.algorithms = kAllAlgorithms, .max_bytes = 32 << 10}).has_value());
}

RC_GTEST_PROP(Jws, EveryPayloadComesBack, (const std::string& payload)) {
  RC_ASSERT(verify(sign_jws(payload, ed_key()).value()).value().payload == payload);
}

RC_GTEST_PROP(Jws, AnyOtherCharacterAnywhereFails, (std::size_t place, char c)) {
  std::string token = sign_jws(R"({"sub":"alice"})", ed_key()).value();
  place %= token.size();
  RC_PRE(token[place] != c);
  token[place] = c;
  RC_ASSERT(!verify(token).has_value());
}

}  // namespace
}  // namespace klutch::jose

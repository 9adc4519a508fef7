// SPDX-License-Identifier: Apache-2.0
#include "jose/jwk.h"

#include <gtest/gtest.h>

#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "testing/test_keys.h"

namespace klutch::jose {
namespace {

using crypto::KeyKind;
using crypto::PrivateKey;

crypto::PublicKey public_key_of(std::string_view pem) {
  return PrivateKey::from_pem(pem).value().public_key();
}

json::Value ec_jwk() {
  return to_json(make_jwk(public_key_of(test_keys::kP256Sec1Pem), "ec").value());
}

TEST(Jwk, ThumbprintsOfRfc7638AndRfc8037) {
  const auto rsa = parse_jwk(json::parse(R"({
      "kty": "RSA",
      "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
      "e": "AQAB",
      "alg": "RS256",
      "kid": "2011-04-29"})")
                                 .value())
                       .value();
  EXPECT_EQ(thumbprint(rsa.key).value(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs") << "RFC 7638 §3.1";
  EXPECT_EQ(rsa.kid, "2011-04-29");
  EXPECT_EQ(thumbprint(public_key_of(test_keys::kEd25519Pem)).value(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
      << "RFC 8037 §A.3";
  EXPECT_EQ(thumbprint(public_key_of(test_keys::kP256Sec1Pem)).value(),
            "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U")
      << "computed by jwcrypto";
}

TEST(Jwk, PrintsTheNumbersOfTheRfc) {
  EXPECT_EQ(json::print(ec_jwk()),
            R"({"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
            R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","kid":"ec","use":"sig","alg":"ES256"})");
  EXPECT_EQ(json::print(to_json(make_jwk(public_key_of(test_keys::kEd25519Pem), "a").value())),
            R"({"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a",)"
            R"("use":"sig","alg":"EdDSA"})");
}

TEST(Jwk, ComesBackFromJson) {
  for (const std::string_view pem :
       {test_keys::kRsaPkcs1Pem, test_keys::kP256Sec1Pem, test_keys::kEd25519Pem}) {
    const Jwk jwk = make_jwk(public_key_of(pem)).value();
    const Jwk again = parse_jwk(to_json(jwk)).value();
    EXPECT_TRUE(again.key == jwk.key);
    EXPECT_EQ(again.algorithm, jwk.algorithm);
    EXPECT_EQ(again.kid, thumbprint(jwk.key).value());
  }
}

TEST(Jwk, KeysWithoutAlgorithmAreNotMade) {
  const auto p384 = PrivateKey::generate(crypto::KeySpec::kEcP384).public_key();
  EXPECT_TRUE(is(make_jwk(p384).error(), Code::kUnsupported));
  EXPECT_TRUE(is(thumbprint(p384).error(), Code::kUnsupported));
}

TEST(Jwk, RefusesKeysThatAreWrongOrForSomethingElse) {
  const auto with = [](std::string_view member, json::Value value) {
    json::Value jwk = ec_jwk();
    jwk.set(member, std::move(value));
    return jwk;
  };
  const auto without = [](std::string_view member) {
    json::Value jwk = ec_jwk();
    jwk.erase(member);
    return jwk;
  };
  struct Case {
    json::Value jwk;
    Code code;
    std::string_view reason;
  };
  const Case cases[] = {
      {"a string", Code::kInvalid, "no object"},
      {without("kty"), Code::kInvalid, "no type"},
      {without("x"), Code::kInvalid, "half a point"},
      {without("crv"), Code::kUnsupported, "no curve"},
      {with("kty", "oct"), Code::kUnsupported, "a shared secret"},
      {with("crv", "P-521"), Code::kUnsupported, "another curve"},
      {with("kty", "OKP"), Code::kUnsupported, "the curve of another type"},
      {with("x", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU="), Code::kInvalid, "padded"},
      {with("x", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEA"), Code::kInvalid, "a point off the curve"},
      {with("x", 7), Code::kInvalid, "a number for text"},
      {with("kid", 7), Code::kInvalid, "a number as key id"},
      {with("d", "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"), Code::kInvalid, "the private number"},
      {with("k", "AAAA"), Code::kInvalid, "a symmetric secret"},
      {with("use", "enc"), Code::kUnsupported, "for encryption"},
      {with("use", nullptr), Code::kUnsupported, "a use of the wrong type"},
      {with("alg", "RS256"), Code::kUnsupported, "the algorithm of another type"},
      {with("alg", "ECDH-ES"), Code::kUnsupported, "another algorithm"},
      {with("key_ops", json::array({"sign"})), Code::kUnsupported, "not for verifying"},
      {with("key_ops", "verify"), Code::kInvalid, "operations that are no array"},
  };
  for (const auto& c : cases) {
    const auto jwk = parse_jwk(c.jwk);
    ASSERT_FALSE(jwk.has_value()) << c.reason;
    EXPECT_TRUE(is(jwk.error(), c.code)) << c.reason << ": " << jwk.error().message();
  }
  EXPECT_TRUE(parse_jwk(with("key_ops", json::array({"sign", "verify"}))).has_value());
  EXPECT_TRUE(parse_jwk(with("x5c", json::array())).has_value()) << "unknown members are ignored";
}

TEST(JwkSet, KeepsUsableKeysAndCountsTheOthers) {
  json::Value encryption = ec_jwk();
  encryption.set("use", "enc");
  const auto text = json::print(json::object({{"keys", json::array({ec_jwk(), encryption, "junk"})}}));
  const JwkSet set = parse_jwk_set(text).value();
  ASSERT_EQ(set.keys.size(), 1U);
  EXPECT_EQ(set.keys[0].kid, "ec");
  EXPECT_EQ(set.ignored, 2U);
  EXPECT_EQ(parse_jwk_set(json::print(to_json(set))).value().keys.size(), 1U);
  EXPECT_TRUE(parse_jwk_set(R"({"keys":[]})").value().keys.empty());
}

TEST(JwkSet, RefusesWhatIsNoSetOrTooLarge) {
  std::string many = R"({"keys":[1)";
  for (std::size_t i = 0; i < JwkSet::kMaxKeys; ++i) many += ",1";
  many += "]}";
  const std::pair<std::string, Code> cases[] = {
      {"", Code::kBadRequest},
      {"[]", Code::kInvalid},
      {"{}", Code::kInvalid},
      {R"({"keys":{}})", Code::kInvalid},
      {R"({"keys":[],"keys":[]})", Code::kBadRequest},
      {many, Code::kTooLarge},
      {std::string(JwkSet::kMaxBytes + 1, ' '), Code::kTooLarge},
      {R"({"keys":[[[[[[[[[[]]]]]]]]]]})", Code::kTooLarge},
  };
  for (const auto& [text, code] : cases) {
    const auto set = parse_jwk_set(text);
    ASSERT_FALSE(set.has_value()) << text.substr(0, 40);
    EXPECT_TRUE(is(set.error(), code)) << text.substr(0, 40) << ": " << set.error().message();
  }
}

TEST(Algorithm, NamesAreExact) {
  for (const Algorithm algorithm : {Algorithm::kRs256, Algorithm::kEs256, Algorithm::kEdDsa}) {
    EXPECT_EQ(find_algorithm(name_of(algorithm)), algorithm);
  }
  for (const std::string_view name : {"none", "rs256", "HS256", "RS256 ", "ES384", ""}) {
    EXPECT_FALSE(find_algorithm(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace klutch::jose

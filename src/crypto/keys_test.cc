// SPDX-License-Identifier: Apache-2.0
#include "crypto/keys.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "crypto/base64.h"
#include "crypto/hash.h"
#include "testing/test_keys.h"

namespace klutch::crypto {
namespace {

using namespace klutch::test_keys;

static_assert(!fmt::is_formattable<Secret>::value);
static_assert(!fmt::is_formattable<PrivateKey>::value);

struct Kind {
  std::string_view pem;
  KeyKind kind;
  SignatureScheme scheme;
  int bits;
  std::size_t signature_size;
};

const Kind kKinds[] = {
    {kRsaPkcs1Pem, KeyKind::kRsa, SignatureScheme::kRsaPkcs1Sha256, 2048, 256},
    {kP256Sec1Pem, KeyKind::kEcP256, SignatureScheme::kEcdsaP256Sha256, 256, 64},
    {kEd25519Pem, KeyKind::kEd25519, SignatureScheme::kEd25519, 256, 64},
};

TEST(PrivateKey, EveryKindReadsSignsAndVerifies) {
  for (const auto& k : kKinds) {
    const auto key = PrivateKey::from_pem(k.pem).value();
    EXPECT_EQ(key.kind(), k.kind);
    const PublicKey public_key = key.public_key();
    EXPECT_EQ(public_key.kind(), k.kind);
    EXPECT_EQ(public_key.bits(), k.bits);
    EXPECT_EQ(default_scheme(k.kind), k.scheme);
    const std::string signature = key.sign(k.scheme, "message").value();
    EXPECT_EQ(signature.size(), k.signature_size);
    EXPECT_TRUE(public_key.verify(k.scheme, "message", signature));
    EXPECT_FALSE(public_key.verify(k.scheme, "massage", signature));
    EXPECT_FALSE(public_key.verify(k.scheme, "message", signature.substr(1)));
    EXPECT_FALSE(public_key.verify(k.scheme, "message", signature + '\0'));
    EXPECT_FALSE(public_key.verify(k.scheme, "message", ""));
    EXPECT_FALSE(public_key.verify(k.scheme, "message", std::string(signature.size(), '\0')));
  }
}

TEST(PrivateKey, GeneratedKeysDifferAndWork) {
  for (const KeySpec spec : {KeySpec::kEcP256, KeySpec::kEcP384, KeySpec::kEd25519, KeySpec::kRsa2048}) {
    const auto key = PrivateKey::generate(spec);
    const SignatureScheme scheme = default_scheme(key.kind());
    EXPECT_TRUE(key.public_key().verify(scheme, "m", key.sign(scheme, "m").value()));
    if (spec != KeySpec::kRsa2048) {
      EXPECT_FALSE(key.public_key() == PrivateKey::generate(spec).public_key());
    }
  }
  EXPECT_EQ(PrivateKey::generate().kind(), KeyKind::kEcP256);
}

TEST(PrivateKey, PemComesBack) {
  for (const auto& k : kKinds) {
    const auto key = PrivateKey::from_pem(k.pem).value();
    const Secret pem = key.to_pem();
    EXPECT_EQ(pem.reveal().substr(0, 28), "-----BEGIN PRIVATE KEY-----\n");
    EXPECT_TRUE(PrivateKey::from_pem(pem).value().public_key() == key.public_key());
  }
}

TEST(PrivateKey, ReadsTheSameKeyFromSec1AndPkcs8) {
  EXPECT_TRUE(PrivateKey::from_pem(kP256Sec1Pem).value().public_key() ==
              PrivateKey::from_pem(kP256Pkcs8Pem).value().public_key());
  EXPECT_EQ(PrivateKey::from_pem(kP256WithParametersPem).value().kind(), KeyKind::kEcP256);
}

TEST(PrivateKey, RefusesWhatItDoesNotSupportWithoutAskingForAPassphrase) {
  struct Case {
    std::string_view pem;
    Code code;
    std::string_view reason;
  };
  const std::string large(std::size_t{65} << 10, 'x');
  const Case cases[] = {
      {"", Code::kInvalid, "empty"},
      {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", Code::kInvalid, "no key inside"},
      {kP256Sec1Pem.substr(0, 100), Code::kInvalid, "cut off"},
      {kEncryptedPkcs8Pem, Code::kUnsupported, "encrypted PKCS#8"},
      {kEncryptedSec1Pem, Code::kUnsupported, "encrypted SEC1"},
      {kRsa1024Pem, Code::kUnsupported, "RSA below 2048 bits"},
      {kSecp256k1Pem, Code::kUnsupported, "another curve"},
      {kExplicitCurvePem, Code::kUnsupported, "a curve by parameters"},
      {kX25519Pem, Code::kUnsupported, "a key that cannot sign"},
      {kRsaPssPem, Code::kUnsupported, "RSA-PSS"},
      {large, Code::kTooLarge, "more than 64 KiB"},
  };
  for (const auto& c : cases) {
    const auto key = PrivateKey::from_pem(c.pem);
    ASSERT_FALSE(key.has_value()) << c.reason;
    EXPECT_TRUE(is(key.error(), c.code)) << c.reason << ": " << key.error().message();
  }
}

TEST(PrivateKey, RefusesHalvesThatDoNotBelongTogether) {
  std::string pem(kP256Sec1Pem);
  const auto at = pem.find("II6b");  // within the private number
  ASSERT_NE(at, std::string::npos);
  pem[at + 3] = 'c';
  const auto key = PrivateKey::from_pem(pem);
  ASSERT_FALSE(key.has_value());
  EXPECT_TRUE(is(key.error(), Code::kInvalid));
}

TEST(PrivateKey, ASchemeOfAnotherKindIsRefused) {
  for (const auto& k : kKinds) {
    const auto key = PrivateKey::from_pem(k.pem).value();
    for (const auto& other : kKinds) {
      if (other.kind == k.kind) continue;
      EXPECT_TRUE(is(key.sign(other.scheme, "m").error(), Code::kInvalid));
      EXPECT_FALSE(key.public_key().verify(other.scheme, "m", key.sign(k.scheme, "m").value()));
    }
  }
}

TEST(PublicKey, PemAndNumbersComeBack) {
  for (const auto& k : kKinds) {
    const PublicKey key = PrivateKey::from_pem(k.pem).value().public_key();
    EXPECT_TRUE(PublicKey::from_pem(key.to_pem()).value() == key);
    const auto numbers = key.numbers();
    const auto again = k.kind == KeyKind::kRsa ? PublicKey::from_rsa(numbers.first, numbers.second)
                       : k.kind == KeyKind::kEd25519
                           ? PublicKey::from_ed25519(numbers.first)
                           : PublicKey::from_ec(k.kind, numbers.first, numbers.second);
    ASSERT_TRUE(again.has_value()) << again.error().message();
    EXPECT_EQ(again->to_der(), key.to_der());
  }
}

TEST(PublicKey, NumbersAreThoseOfTheRfc) {
  const auto rsa = PrivateKey::from_pem(kRsaPkcs1Pem).value().public_key().numbers();
  EXPECT_EQ(base64_encode(rsa.first, Base64::kUrlUnpadded).substr(0, 16), "ofgWCuLjybRlzo0t");
  EXPECT_EQ(base64_encode(rsa.second, Base64::kUrlUnpadded), "AQAB");
  const auto ec = PrivateKey::from_pem(kP256Sec1Pem).value().public_key().numbers();
  EXPECT_EQ(base64_encode(ec.first, Base64::kUrlUnpadded), "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
  EXPECT_EQ(base64_encode(ec.second, Base64::kUrlUnpadded), "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
  const auto ed = PrivateKey::from_pem(kEd25519Pem).value().public_key().numbers();
  EXPECT_EQ(base64_encode(ed.first, Base64::kUrlUnpadded), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
}

TEST(PublicKey, RefusesUnsoundNumbers) {
  const auto rsa = PrivateKey::from_pem(kRsaPkcs1Pem).value().public_key().numbers();
  const auto ec = PrivateKey::from_pem(kP256Sec1Pem).value().public_key().numbers();
  std::string even_modulus = rsa.first;
  even_modulus.back() = static_cast<char>(even_modulus.back() & ~1);
  std::string off_curve = ec.second;
  off_curve.back() = static_cast<char>(off_curve.back() ^ 1);
  struct Case {
    Result<PublicKey> key;
    std::string_view reason;
  };
  const Case cases[] = {
      {PublicKey::from_rsa(even_modulus, rsa.second), "an even modulus"},
      {PublicKey::from_rsa(rsa.first, "\x01"), "exponent 1 signs nothing"},
      {PublicKey::from_rsa(rsa.first, "\x04"), "an even exponent"},
      {PublicKey::from_rsa(rsa.first, ""), "exponent 0"},
      {PublicKey::from_rsa("", rsa.second), "modulus 0"},
      {PublicKey::from_rsa(rsa.first.substr(0, 128), rsa.second), "1024 bits"},
      {PublicKey::from_rsa(std::string(1025, '\xff'), rsa.second), "a modulus that burns time"},
      {PublicKey::from_rsa(rsa.first, std::string(9, '\xff')), "an exponent that burns time"},
      {PublicKey::from_ec(KeyKind::kEcP256, ec.first, off_curve), "a point off the curve"},
      {PublicKey::from_ec(KeyKind::kEcP256, std::string(32, '\0'), std::string(32, '\0')), "zero"},
      {PublicKey::from_ec(KeyKind::kEcP256, ec.first.substr(1), ec.second), "a short coordinate"},
      {PublicKey::from_ec(KeyKind::kEcP384, ec.first, ec.second), "the wrong curve"},
      {PublicKey::from_ed25519("short"), "not 32 bytes"},
      {PublicKey::from_pem("nothing"), "no PEM"},
      {PublicKey::from_pem(kP256Sec1Pem), "a private key"},
  };
  for (const auto& c : cases) EXPECT_FALSE(c.key.has_value()) << c.reason;
}

TEST(PrivateKey, OneKeyServesManyThreads) {
  for (const auto& k : kKinds) {
    const auto key = PrivateKey::from_pem(k.pem).value();
    const auto public_key = key.public_key();
    std::atomic<int> good = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        const std::string message(1, static_cast<char>(i));
        for (int n = 0; n < 10; ++n) {
          good += public_key.verify(k.scheme, message, key.sign(k.scheme, message).value()) ? 1 : 0;
        }
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(good, 40);
  }
}

TEST(PublicKey, KeepsNothingOfThePrivateHalf) {
  const PrivateKey key = PrivateKey::from_pem(kRsaPkcs1Pem).value();
  EXPECT_LT(key.public_key().to_der().size(), 300U);
  EXPECT_EQ(key.public_key().to_pem().find("PRIVATE"), std::string::npos);
}

}  // namespace
}  // namespace klutch::crypto

// SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klutch::crypto {
namespace {

Secret key_of(char fill) {
  return Secret(std::string(Keyring::kKeySize, fill));
}

Keyring ring_of(const std::vector<Secret>& keys) {
  return Keyring::create(keys).value();
}

TEST(Keyring, OpensWhatItSealed) {
  const Keyring ring = ring_of({key_of('a')});
  const std::string envelope = ring.seal("attack at dawn", "cookie session").value();
  EXPECT_EQ(envelope.size(), 14 + Keyring::kOverhead);
  EXPECT_EQ(envelope.find("dawn"), std::string::npos);
  EXPECT_EQ(ring.open(envelope, "cookie session").value().reveal(), "attack at dawn");
  EXPECT_EQ(ring.open(ring.seal("", "").value(), "").value().reveal(), "");
}

TEST(Keyring, TheSamePlaintextNeverLooksTheSame) {
  const Keyring ring = ring_of({key_of('a')});
  EXPECT_NE(ring.seal("x", "").value(), ring.seal("x", "").value());
}

// Made with another implementation (pyca/cryptography) from the description in aead.h. An update that cannot
// open yesterday's cookies must be a decision.
TEST(Keyring, OpensAnEnvelopeMadeElsewhere) {
  std::string envelope;
  for (const unsigned char byte :
       {0x01, 0x0d, 0x83, 0x05, 0x03, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a,
        0x0b, 0xd6, 0x6e, 0x90, 0x81, 0x33, 0xe4, 0x62, 0xf4, 0xab, 0xe9, 0x4b, 0x56, 0xde, 0xf0, 0x91,
        0x24, 0xaf, 0xbc, 0x6d, 0xa4, 0xcf, 0xfb, 0x18, 0x73, 0xb4, 0x4d, 0xab, 0xce, 0x04, 0x12}) {
    envelope += static_cast<char>(byte);
  }
  EXPECT_EQ(ring_of({key_of('a')}).open(envelope, "cookie session").value().reveal(), "attack at dawn");
}

TEST(Keyring, RotationOpensOldEnvelopesAndSealsWithTheNewKey) {
  const Keyring before = ring_of({key_of('a')});
  const Keyring during = ring_of({key_of('b'), key_of('a')});
  const Keyring after = ring_of({key_of('b')});
  const std::string old_envelope = before.seal("x", "").value();
  const std::string new_envelope = during.seal("x", "").value();
  EXPECT_EQ(during.open(old_envelope, "").value().reveal(), "x");
  EXPECT_TRUE(during.is_stale(old_envelope));
  EXPECT_FALSE(during.is_stale(new_envelope));
  EXPECT_EQ(after.open(new_envelope, "").value().reveal(), "x");
  EXPECT_TRUE(is(after.open(old_envelope, "").error(), Code::kInvalid));
  EXPECT_TRUE(is(before.open(new_envelope, "").error(), Code::kInvalid));
}

TEST(Keyring, RefusesUnsuitableKeys) {
  struct Case {
    std::vector<Secret> keys;
    std::string_view reason;
  };
  const Case cases[] = {
      {{}, "no key"},
      {{Secret("short")}, "too short"},
      {{Secret(std::string(33, 'a'))}, "too long"},
      {{key_of('a'), key_of('b'), key_of('a')}, "twice the same"},
      {std::vector<Secret>(Keyring::kMaxKeys + 1, key_of('a')), "too many"},
  };
  for (const auto& c : cases) {
    const auto ring = Keyring::create(c.keys);
    ASSERT_FALSE(ring.has_value()) << c.reason;
    EXPECT_TRUE(is(ring.error(), Code::kInvalid)) << c.reason;
  }
}

TEST(Keyring, PartsOfTheAssociatedDataCannotBeShiftedIntoTheContent) {
  const Keyring ring = ring_of({key_of('a')});
  const std::string envelope = ring.seal("content", "ab").value();
  for (const std::string_view other : {"", "a", "abc", "b"})
    EXPECT_FALSE(ring.open(envelope, other).has_value());
}

TEST(Keyring, TooLongAPlaintextIsRefused) {
  const Keyring ring = ring_of({key_of('a')});
  const std::string large(Keyring::kMaxPlaintext + 1, 'x');
  EXPECT_TRUE(is(ring.seal(large, "").error(), Code::kTooLarge));
}

RC_GTEST_PROP(Keyring, EveryPlaintextComesBack,
              (const std::string& plaintext, const std::string& associated)) {
  const Keyring ring = ring_of({key_of('a')});
  const auto opened = ring.open(ring.seal(plaintext, associated).value(), associated);
  RC_ASSERT(opened.has_value());
  RC_ASSERT(opened->reveal() == plaintext);
}

RC_GTEST_PROP(Keyring, AnyFlippedBitFails, (const std::string& plaintext, std::size_t place)) {
  const Keyring ring = ring_of({key_of('a'), key_of('b')});
  std::string envelope = ring.seal(plaintext, "aad").value();
  const std::size_t bit = place % (envelope.size() * 8);
  envelope[bit / 8] = static_cast<char>(envelope[bit / 8] ^ (1 << (bit % 8)));
  RC_ASSERT(!ring.open(envelope, "aad").has_value());
}

RC_GTEST_PROP(Keyring, AnyCutOrExtensionFails, (const std::string& plaintext, std::size_t place)) {
  const Keyring ring = ring_of({key_of('a')});
  const std::string envelope = ring.seal(plaintext, "").value();
  RC_ASSERT(!ring.open(envelope.substr(0, place % envelope.size()), "").has_value());
  RC_ASSERT(!ring.open(envelope + 'x', "").has_value());
}

}  // namespace
}  // namespace klutch::crypto

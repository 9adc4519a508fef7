// SPDX-License-Identifier: Apache-2.0
#include "crypto/hkdf.h"

#include <gtest/gtest.h>

namespace klutch::crypto {
namespace {

/// The bytes first, first + 1, ... last.
std::string bytes_between(int first, int last) {
  std::string bytes;
  for (int i = first; i <= last; ++i) bytes += static_cast<char>(i);
  return bytes;
}

std::string derive(const std::string& key, std::string_view salt, std::string_view info, std::size_t length) {
  const Secret secret(key);
  return to_hex(hkdf(Hash::kSha256, {.key = secret, .salt = salt, .info = info}, length).reveal());
}

TEST(Hkdf, VectorsOfRfc5869AppendixA) {
  EXPECT_EQ(derive(std::string(22, '\x0b'), bytes_between(0x00, 0x0c), bytes_between(0xf0, 0xf9), 42),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
      << "A.1";
  EXPECT_EQ(derive(bytes_between(0x00, 0x4f), bytes_between(0x60, 0xaf), bytes_between(0xb0, 0xff), 82),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
            "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
            "cc30c58179ec3e87c14c01d5c1f3434f1d87")
      << "A.2, longer inputs";
  EXPECT_EQ(derive(std::string(22, '\x0b'), "", "", 42),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
      << "A.3, neither salt nor info";
}

TEST(Hkdf, PurposesGiveIndependentKeys) {
  const std::string key(32, 'k');
  EXPECT_NE(derive(key, "", "cookie", 32), derive(key, "", "state", 32));
  EXPECT_EQ(derive(key, "", "cookie", 64).substr(0, 64), derive(key, "", "cookie", 32));
  const Secret secret(key);
  EXPECT_NE(hkdf(Hash::kSha512, {.key = secret}, 32).reveal(),
            hkdf(Hash::kSha384, {.key = secret}, 32).reveal());
}

}  // namespace
}  // namespace klutch::crypto

// SPDX-License-Identifier: Apache-2.0
#include "crypto/random.h"

#include <gtest/gtest.h>

#include <set>

namespace klutch::crypto {
namespace {

TEST(Random, GivesTheLengthAskedForAndNeverTheSameAgain) {
  EXPECT_EQ(random_bytes(0), "");
  EXPECT_EQ(random_bytes(33).size(), 33U);
  EXPECT_EQ(random_key(32).size(), 32U);
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_bytes(16));
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(Random, TokensAreUrlSafeAndLongEnough) {
  EXPECT_EQ(random_token().size(), 43U);
  EXPECT_EQ(random_token(1).size(), 2U);
  EXPECT_EQ(random_token(129).size(), 23U) << "rounded up to 17 bytes";
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(
        random_token().find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
        std::string::npos);
  }
}

}  // namespace
}  // namespace klutch::crypto

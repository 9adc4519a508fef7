// SPDX-License-Identifier: Apache-2.0
#include "async/token_bucket.h"

#include <gtest/gtest.h>

namespace klutch::async {
namespace {

using namespace std::chrono_literals;

TEST(TokenBucket, GivesItsBurstAtOnceAndThenOnePerInterval) {
  TokenBucket bucket({.per_second = 2, .burst = 3});
  const Instant start{1h};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.try_take(start)) << i;
  EXPECT_FALSE(bucket.try_take(start));
  EXPECT_FALSE(bucket.try_take(start + 499ms));
  EXPECT_TRUE(bucket.try_take(start + 500ms));
  EXPECT_FALSE(bucket.try_take(start + 500ms));
}

TEST(TokenBucket, NeverHoldsMoreThanItsBurst) {
  TokenBucket bucket({.per_second = 100, .burst = 2});
  const Instant start{1h};
  EXPECT_TRUE(bucket.full(start));
  EXPECT_TRUE(bucket.try_take(start));
  EXPECT_FALSE(bucket.full(start));
  EXPECT_TRUE(bucket.full(start + 1h));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(bucket.try_take(start + 1h));
  EXPECT_FALSE(bucket.try_take(start + 1h));
}

TEST(TokenBucket, ReservesTokensOfTheFutureInOrder) {
  TokenBucket bucket({.per_second = 10, .burst = 1});
  const Instant start{1h};
  EXPECT_EQ(bucket.reserve(start), 0ns);
  EXPECT_EQ(bucket.reserve(start), 100ms);
  EXPECT_EQ(bucket.reserve(start), 200ms);
  EXPECT_EQ(bucket.reserve(start + 300ms), 0ns);
}

TEST(TokenBucket, WithoutARateThereIsNoLimit) {
  TokenBucket bucket;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(bucket.try_take(Instant{}));
    EXPECT_EQ(bucket.reserve(Instant{}), 0ns);
  }
}

TEST(TokenBucket, ATimeThatGoesBackIsTakenForNow) {
  TokenBucket bucket({.per_second = 1, .burst = 1});
  EXPECT_TRUE(bucket.try_take(Instant{1h}));
  EXPECT_FALSE(bucket.try_take(Instant{}));
  EXPECT_FALSE(bucket.try_take(Instant{1h}));
}

}  // namespace
}  // namespace klutch::async

// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/request_limits.h"

#include <gtest/gtest.h>

#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

using std::chrono::seconds;

constexpr Instant kStart = Instant() + seconds(1000);

int admitted(RequestLimits& limits, const User& user, int requests, Instant now) {
  int count = 0;
  for (int i = 0; i < requests; ++i) count += limits.admit(user, now) ? 1 : 0;
  return count;
}

TEST(RequestLimits, LetABurstThroughAndThenASteadyRate) {
  RequestLimits limits({.rate = {.per_second = 10, .burst = 20}});
  EXPECT_EQ(admitted(limits, {.name = "alice"}, 100, kStart), 20);
  EXPECT_EQ(admitted(limits, {.name = "alice"}, 100, kStart + seconds(1)), 10);
  EXPECT_EQ(admitted(limits, {.name = "alice"}, 100, kStart + seconds(100)), 20);
}

TEST(RequestLimits, CountEveryUserApart) {
  RequestLimits limits({.rate = {.per_second = 10, .burst = 20}});
  EXPECT_EQ(admitted(limits, {.name = "alice"}, 100, kStart), 20);
  EXPECT_EQ(admitted(limits, {.name = "bob"}, 5, kStart), 5);
}

TEST(RequestLimits, TellClientsWhenToComeAgain) {
  RequestLimits limits({.rate = {.per_second = 1, .burst = 1}});
  ASSERT_TRUE(limits.admit({.name = "alice"}, kStart));
  const auto refused = limits.admit({.name = "alice"}, kStart);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kTooManyRequests);
  EXPECT_EQ(refused.error().retry_after(), seconds(1));
  const auto status = kube::Status::from_error(refused.error());
  EXPECT_EQ(status.http_status, 429);
  EXPECT_EQ(status.reason, "TooManyRequests");
  EXPECT_EQ(status.retry_after_seconds, 1);
}

TEST(RequestLimits, DoNotHoldUpMasters) {
  RequestLimits limits({.rate = {.per_second = 1, .burst = 1}});
  EXPECT_EQ(admitted(limits, {.name = "root", .groups = {"system:masters"}}, 1000, kStart), 1000);
  EXPECT_EQ(limits.users(), 0U);
}

TEST(RequestLimits, RememberALimitedNumberOfUsers) {
  RequestLimits limits({.rate = {.per_second = 1, .burst = 2}, .max_users = 10});
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(limits.admit({.name = std::to_string(i)}, kStart));
  EXPECT_EQ(limits.users(), 10U);
  EXPECT_TRUE(limits.admit({.name = "late"}, kStart + seconds(60)));
  EXPECT_EQ(limits.users(), 1U) << "who is at rest is forgotten first";
}

TEST(RequestLimits, AreOffWithoutARate) {
  RequestLimits limits({.rate = {.per_second = 0}});
  EXPECT_EQ(admitted(limits, {.name = "alice"}, 10'000, kStart), 10'000);
}

}  // namespace
}  // namespace klutch::apiserver

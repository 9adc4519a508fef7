// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/freshness.h"

#include <gtest/gtest.h>

#include "json/build.h"

namespace klutch::kube {
namespace {

using namespace std::chrono_literals;
using Verdict = Freshness::Verdict;

const Key kKey{"default", "a"};
constexpr Instant kNow{1h};

Object versioned(const char* version, const char* uid = "u") {
  return json::object(
      {{"metadata", json::object({{"name", "a"}, {"uid", uid}, {"resourceVersion", version}})}});
}

TEST(Freshness, AnObjectOlderThanOurWriteIsBehind) {
  struct Case {
    const char* written;
    const char* cached;
    Verdict expected;
    const char* reason;
  };
  for (const Case& c :
       {Case{"12", "11", Verdict::kBehind, "older"}, Case{"12", "12", Verdict::kFresh, "ours"},
        Case{"12", "13", Verdict::kFresh, "newer"}, Case{"100", "99", Verdict::kBehind, "numbers, not texts"},
        Case{"b", "a", Verdict::kFresh, "no order is known: not held back"}}) {
    Freshness freshness;
    freshness.at_least(kKey, versioned("1"), c.written, kNow + 10s);
    const Object cached = versioned(c.cached);
    EXPECT_EQ(freshness.judge(kKey, &cached, kNow), c.expected) << c.reason;
    EXPECT_EQ(freshness.size(), c.expected == Verdict::kFresh ? 0U : 1U) << c.reason;
  }
}

TEST(Freshness, AfterAConflictTheSameVersionIsNotEnough) {
  for (const char* version : {"12", "opaque"}) {
    Freshness freshness;
    freshness.newer_than(kKey, versioned(version), version, kNow + 10s);
    const Object same = versioned(version);
    EXPECT_EQ(freshness.judge(kKey, &same, kNow), Verdict::kBehind) << version;
    const Object newer = versioned("13");
    EXPECT_EQ(freshness.judge(kKey, &newer, kNow), Verdict::kFresh) << version;
  }
}

TEST(Freshness, WhatIsGoneOrAnotherObjectIsNotWaitedFor) {
  Freshness freshness;
  freshness.at_least(kKey, versioned("1"), "12", kNow + 10s);
  EXPECT_EQ(freshness.judge(kKey, nullptr, kNow), Verdict::kFresh);
  freshness.at_least(kKey, versioned("1"), "12", kNow + 10s);
  const Object other = versioned("5", "another");
  EXPECT_EQ(freshness.judge(kKey, &other, kNow), Verdict::kFresh);
}

TEST(Freshness, WaitingEndsAtItsTime) {
  Freshness freshness;
  freshness.at_least(kKey, versioned("1"), "12", kNow + 10s);
  const Object cached = versioned("11");
  EXPECT_EQ(freshness.judge(kKey, &cached, kNow + 9s), Verdict::kBehind);
  EXPECT_EQ(freshness.until(kKey), kNow + 10s);
  EXPECT_EQ(freshness.judge(kKey, &cached, kNow + 10s), Verdict::kOverdue);
}

TEST(Freshness, CatchingUpIsToldOnce) {
  Freshness freshness;
  const Object old = versioned("11");
  const Object current = versioned("12");
  EXPECT_FALSE(freshness.caught_up(kKey, &current)) << "nobody waits";
  freshness.at_least(kKey, old, "12", kNow + 10s);
  EXPECT_FALSE(freshness.caught_up(kKey, &old));
  EXPECT_TRUE(freshness.caught_up(kKey, &current));
  EXPECT_FALSE(freshness.caught_up(kKey, &current));
}

}  // namespace
}  // namespace klutch::kube

// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/event_correlator.h"

#include <gtest/gtest.h>

namespace klutch::kube {
namespace {

using namespace std::chrono_literals;

/// Observes and counts names.
struct Observing {
  explicit Observing(EventLimits limits = {}) : correlator(limits) {}
  EventCorrelator::Decision observe(const std::string& message, const std::string& object = "o") {
    return correlator.observe({object, "Warning/Failed", message}, now, Time(now.time_since_epoch()),
                              [&] { return "event" + std::to_string(++names); });
  }
  EventCorrelator correlator;
  Instant now{1h};
  int names = 0;
};

constexpr async::Rate kNoLimit = {};

TEST(EventCorrelator, TheSameEventAgainRaisesItsCount) {
  Observing events;
  const auto first = events.observe("m");
  events.now += 1min;
  const auto second = events.observe("m");
  EXPECT_EQ(first.count, 1);
  EXPECT_EQ(second.count, 2);
  EXPECT_EQ(second.name, first.name);
  EXPECT_EQ(second.first, first.first);
  EXPECT_EQ(events.names, 1);
}

TEST(EventCorrelator, FromTenDifferentMessagesOnSimilarEventsAreCombined) {
  Observing events({.per_object = kNoLimit});
  for (int i = 1; i < 10; ++i) {
    EXPECT_EQ(events.observe("m" + std::to_string(i)).message, "m" + std::to_string(i));
  }
  const auto combined = events.observe("m10");
  EXPECT_EQ(combined.message, "(combined from similar events): m10");
  EXPECT_EQ(combined.count, 1);
  const auto more = events.observe("m11");
  EXPECT_EQ(more.message, "(combined from similar events): m11");
  EXPECT_EQ(more.count, 2);
  EXPECT_EQ(more.name, combined.name);
  EXPECT_EQ(events.observe("m1", "another").message, "m1") << "other objects are not concerned";
}

TEST(EventCorrelator, WhatIsRareIsNotCombined) {
  Observing events({.per_object = kNoLimit});
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(events.observe("m" + std::to_string(i)).message, "m" + std::to_string(i));
    events.now += 11min;
  }
}

TEST(EventCorrelator, AnObjectHasABurstAndThenOneInFiveMinutes) {
  Observing events;
  for (int i = 0; i < 25; ++i) EXPECT_TRUE(events.observe("m").send) << i;
  EXPECT_FALSE(events.observe("m").send);
  EXPECT_TRUE(events.observe("m", "another").send);
  events.now += 5min;
  const auto later = events.observe("m");
  EXPECT_TRUE(later.send);
  EXPECT_EQ(later.count, 27) << "those that were not sent count";
  EXPECT_FALSE(events.observe("m").send);
}

TEST(EventCorrelator, TheLongestUnusedIsForgottenFirst) {
  Observing events({.per_object = kNoLimit, .remembered = 2});
  events.observe("m", "a");
  events.observe("m", "b");
  events.observe("m", "a");
  events.observe("m", "c");
  EXPECT_EQ(events.observe("m", "a").count, 3);
  EXPECT_EQ(events.observe("m", "b").count, 1) << "forgotten for the sake of c";
}

}  // namespace
}  // namespace klutch::kube

// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "json/build.h"
#include "kube/runtime/reflector_rig_testing.h"
#include "testing/fiber_test.h"

// How a Reflector watches, and what it does when that breaks.

namespace klutch::kube {
namespace {

using namespace std::chrono_literals;
using testing::added;
using testing::bookmark;
using testing::config_map;
using testing::deleted;
using testing::end_of_list;
using testing::EndOfWatch;
using testing::list_of;
using testing::modified;
using testing::WatchStep;

const Error kBroken(Code::kUnavailable, "connection reset");
const Error kExpired(Code::kGone, "too old resource version");

/// Has listed a@1 at version 5, and watches from there when it runs.
struct WatchRig : ReflectorRig {
  explicit WatchRig(Ctx& ctx, double random = 0) : ReflectorRig(ctx, {.streaming_lists = false}, random) {
    client.on_send(list_of({config_map("a", 1)}, "5"));
  }
  /// Without the first list.
  Lines later_requests() const {
    Lines lines = requests();
    lines.erase(lines.begin());
    return lines;
  }
};

FIBER_TEST(ReflectorWatch, EventsAreStoredAndToldInOrder) {
  WatchRig rig(ctx);
  rig.client.on_watch({modified(config_map("a", 6)), added(config_map("b", 7)), deleted(config_map("a", 8)),
                       added(config_map("a", 9, "another"))});
  rig.run_for(ctx);
  EXPECT_EQ(rig.take_changes(), (Lines{"+a@1", "a@1>6", "+b@7", "-a@6", "+a@9"}));
  EXPECT_EQ(rig.store.resource_version(), "9");
  EXPECT_EQ(rig.reflector.counts().events, 4U);
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorWatch, AnOrderlyEndIsResumedAtOnceFromTheLastVersion) {
  WatchRig rig(ctx);
  rig.client.on_watch({modified(config_map("a", 6)), EndOfWatch{}});
  rig.client.on_watch({2s, EndOfWatch{}});
  rig.client.on_watch({bookmark(70), 2s, EndOfWatch{}});
  rig.run_for(ctx, 10s);
  EXPECT_EQ(rig.later_requests(), (Lines{"watch 5", "watch 6", "watch 6 after 2s", "watch 70 after 4s"}));
  EXPECT_EQ(rig.store.resource_version(), "70");
  EXPECT_EQ(rig.reflector.counts().failures, 0U);
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorWatch, WatchesThatEndAtOnceAndBringNothingAreSlowedDown) {
  WatchRig rig(ctx);
  for (int i = 0; i < 3; ++i) rig.client.on_watch({bookmark(5), EndOfWatch{}});
  rig.run_for(ctx, 10s);
  EXPECT_EQ(rig.later_requests(),
            (Lines{"watch 5", "watch 5 after 800ms", "watch 5 after 2.4s", "watch 5 after 5.6s"}));
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorWatch, ABreakAfterAnEventIsResumedAtOnce) {
  WatchRig rig(ctx);
  rig.client.on_watch({modified(config_map("a", 6)), kBroken});
  rig.client.on_watch({modified(config_map("a", 6)), kBroken});  // a replay is of no use
  rig.client.on_watch({modified(config_map("a", 9))});
  rig.run_for(ctx, 5s);
  EXPECT_EQ(rig.later_requests(), (Lines{"watch 5", "watch 6", "watch 6 after 800ms"}));
  EXPECT_EQ(rig.take_changes(), (Lines{"+a@1", "a@1>6", "a@6>9"}));
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorWatch, AServerThatIsAwayIsAskedMoreAndMoreSeldomAndTheStoreStays) {
  WatchRig rig(ctx);
  for (int i = 0; i < 9; ++i) rig.client.on_watch(Error(Code::kUnavailable, "connection refused"));
  rig.run_for(ctx, 3min);
  EXPECT_EQ(rig.later_requests(),
            (Lines{"watch 5", "watch 5 after 800ms", "watch 5 after 2.4s", "watch 5 after 5.6s",
                   "watch 5 after 12s", "watch 5 after 24.8s", "watch 5 after 50.4s", "watch 5 after 1m20.4s",
                   "watch 5 after 1m50.4s", "watch 5 after 2m20.4s"}));
  EXPECT_EQ(rig.take_changes(), (Lines{"+a@1"}));
  EXPECT_TRUE(rig.store.get({"default", "a"}).present());
  EXPECT_TRUE(rig.store.get({"default", "b"}).absent());
  EXPECT_EQ(rig.reflector.counts().failures, 9U);
  EXPECT_EQ(rig.reflector.last_error(), std::nullopt) << "it goes well again";
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorWatch, ChanceAddsUpToAsMuchAgain) {
  WatchRig rig(ctx, 0.5);
  for (int i = 0; i < 2; ++i) rig.client.on_watch(kBroken);
  rig.run_for(ctx, 10s);
  EXPECT_EQ(rig.later_requests(), (Lines{"watch 5", "watch 5 after 1.2s", "watch 5 after 3.6s"}));
  EXPECT_EQ(rig.client.asked().back().parameter("timeoutSeconds"), "450");
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorWatch, FailuresAreForgottenAfterAWhile) {
  WatchRig rig(ctx);
  for (int i = 0; i < 3; ++i) rig.client.on_watch(kBroken);
  rig.client.on_watch({3min, EndOfWatch{}});
  rig.client.on_watch(kBroken);
  rig.run_for(ctx, 4min);
  EXPECT_EQ(rig.later_requests().back(), "watch 5 after 3m6.4s");
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorWatch, WhatTheServerAsksForIsHonouredUpToABound) {
  WatchRig rig(ctx);
  const Error busy(Code::kTooManyRequests, "slow down");
  rig.client.on_watch(busy.with_retry_after(7s));
  rig.client.on_watch(busy.with_retry_after(1s));
  rig.client.on_watch(busy.with_retry_after(1000h));
  rig.run_for(ctx, 10min);
  EXPECT_EQ(rig.later_requests(),
            (Lines{"watch 5", "watch 5 after 7s", "watch 5 after 8.6s", "watch 5 after 5m8.6s"}));
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorWatch, AnExpiredVersionLeadsToAListAtOnce) {
  for (const bool at_open : {true, false}) {
    SCOPED_TRACE(at_open);
    WatchRig rig(ctx);
    rig.client.on_watch({modified(config_map("a", 6)), 40s, EndOfWatch{}});
    if (at_open) {
      rig.client.on_watch(kExpired);
    } else {
      rig.client.on_watch({kExpired});
    }
    rig.client.on_send(list_of({config_map("b", 50)}, "60"));
    rig.run_for(ctx, 1min);
    EXPECT_EQ(rig.later_requests(),
              (Lines{"watch 5", "watch 6 after 40s", "list 6 after 40s", "watch 60 after 40s"}));
    EXPECT_EQ(rig.take_changes(), (Lines{"+a@1", "a@1>6", "+b@50", "-a@6"}));
    EXPECT_EQ(rig.reflector.counts().relists, 1U);
    EXPECT_EQ(rig.reflector.counts().failures, 0U);
    rig.tasks.stop(ctx);
  }
}

FIBER_TEST(ReflectorWatch, ListsThatExpireAtOnceAreSlowedDown) {
  WatchRig rig(ctx);
  rig.client.on_watch(kExpired);
  rig.client.on_send(list_of({}, "6"));
  rig.client.on_watch({added(config_map("b", 7)), kExpired});
  rig.client.on_send(list_of({}, "8"));
  rig.run_for(ctx, 10s);
  EXPECT_EQ(rig.later_requests(), (Lines{"watch 5", "list 5 after 800ms", "watch 6 after 800ms",
                                         "list 7 after 2.4s", "watch 8 after 2.4s"}));
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorWatch, SilenceIsTakenForAStallAndASecondOneForAServerThatWasSetBack) {
  WatchRig rig(ctx);
  rig.client.on_watch({4min, bookmark(6)});
  rig.client.on_watch({4min, bookmark(7), 6min});
  rig.client.on_watch(std::vector<WatchStep>{});
  rig.client.on_send(list_of({config_map("a", 1)}, "8"));
  rig.run_for(ctx, 25min);
  EXPECT_EQ(rig.later_requests(), (Lines{"watch 5", "watch 6 after 9m0s", "watch 7 after 18m0s",
                                         "list 7 after 23m0s", "watch 8 after 23m0s"}));
  EXPECT_EQ(rig.take_changes(), (Lines{"+a@1"}));
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorWatch, ReplaysAreIgnoredAndDoNotTurnTheVersionBack) {
  WatchRig rig(ctx);
  rig.client.on_watch({modified(config_map("a", 6)), modified(config_map("a", 7)),
                       modified(config_map("a", 6)), added(config_map("b", 8)), deleted(config_map("b", 9)),
                       added(config_map("b", 8)), added(config_map("a", 1)), EndOfWatch{}});
  rig.run_for(ctx);
  EXPECT_EQ(rig.later_requests(), (Lines{"watch 5", "watch 9"}));
  EXPECT_EQ(rig.take_changes(), (Lines{"+a@1", "a@1>6", "a@6>7", "+b@8", "-b@8"}));
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorWatch, VersionsThatAreNoNumbersAreFollowedAsTheyCome) {
  WatchRig rig(ctx);
  WatchStep opaque = bookmark(1);
  std::get<WatchEvent>(opaque).object["metadata"].set("resourceVersion", "b7f");
  rig.client.on_watch({opaque, 2s, EndOfWatch{}});
  rig.run_for(ctx, 3s);
  EXPECT_EQ(rig.later_requests(), (Lines{"watch 5", "watch b7f after 2s"}));
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorWatch, TheDeletionOfWhatIsNotStoredStillMovesTheVersion) {
  WatchRig rig(ctx);
  rig.client.on_watch({deleted(config_map("never-seen", 40)), 2s, EndOfWatch{}});
  rig.run_for(ctx, 3s);
  EXPECT_EQ(rig.later_requests(), (Lines{"watch 5", "watch 40 after 2s"}));
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorWatch, AnEventThatCannotBeLeadsToAPauseAndAList) {
  auto nameless = config_map("x", 6);
  nameless["metadata"].erase("name");
  auto other = config_map("x", 6);
  other.set("kind", "Secret");
  for (const Object& object : {nameless, other, Object("text"), Object(nullptr)}) {
    WatchRig rig(ctx);
    rig.client.on_watch({added(object), added(config_map("late", 7))});
    rig.client.on_send(list_of({config_map("a", 1)}, "8"));
    rig.run_for(ctx);
    EXPECT_EQ(rig.reflector.state(), ReflectorState::kWaiting);
    EXPECT_EQ(rig.reflector.last_error()->code(), Code::kInternal);
    rig.run_for(ctx, 2s);
    EXPECT_EQ(rig.later_requests(), (Lines{"watch 5", "list 5 after 800ms", "watch 8 after 800ms"}));
    EXPECT_EQ(rig.take_changes(), (Lines{"+a@1"}));
    rig.tasks.stop(ctx);
  }
}

struct FailureRow {
  const char* reason;
  Code code;
  Lines expected;
};

FIBER_TEST(ReflectorWatch, AWatchIsTriedAgainUnlessTheFaultMayLieInIt) {
  const Lines again = {"watch 5", "watch 5 after 800ms", "watch 5 after 2.4s", "watch 5 after 5.6s"};
  const std::vector<FailureRow> rows = {
      {"no credentials: somebody renews them", Code::kUnauthenticated, again},
      {"no right: somebody grants it", Code::kForbidden, again},
      {"the type is gone, its objects may come back", Code::kNotFound, again},
      {"asked to slow down", Code::kTooManyRequests, again},
      {"not ready", Code::kUnavailable, again},
      {"did not answer", Code::kTimeout, again},
      {"the version may have the wrong form",
       Code::kBadRequest,
       {"watch 5", "list 5 after 800ms", "watch 9 after 800ms", "watch 9 after 2.4s"}},
      {"a fault of the server, three times",
       Code::kInternal,
       {"watch 5", "watch 5 after 800ms", "watch 5 after 2.4s", "list 5 after 5.6s"}},
      {"a line that is too long, three times",
       Code::kTooLarge,
       {"watch 5", "watch 5 after 800ms", "watch 5 after 2.4s", "list 5 after 5.6s"}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.reason);
    for (const bool at_open : {true, false}) {
      SCOPED_TRACE(at_open ? "at open" : "as event");
      WatchRig rig(ctx);
      for (int i = 0; i < 3; ++i) {
        const Error error(row.code, "no");
        if (at_open) {
          rig.client.on_watch(error);
        } else {
          rig.client.on_watch({error});
        }
        if (row.code == Code::kBadRequest) {
          rig.client.on_send(list_of({config_map("a", 1)}, "9"));
          break;
        }
      }
      if (row.code == Code::kBadRequest) rig.client.on_watch(kBroken);
      rig.run_for(ctx, 6s);
      EXPECT_EQ(rig.later_requests(), row.expected);
      EXPECT_EQ(rig.take_changes(), (Lines{"+a@1"}));
      rig.tasks.stop(ctx);
    }
  }
}

FIBER_TEST(ReflectorWatch, ACancelledReflectorEndsAtOnceWhateverItDoes) {
  using State = ReflectorState;
  for (const State state : {State::kStreaming, State::kPaging, State::kWatching, State::kWaiting}) {
    SCOPED_TRACE(to_string(state));
    ReflectorRig rig(ctx, {.streaming_lists = state != State::kPaging});
    if (state == State::kWatching) rig.client.on_watch({end_of_list(4)});
    if (state == State::kWaiting) rig.client.on_watch(kBroken);
    rig.run_for(ctx);
    ASSERT_EQ(rig.reflector.state(), state);
    const Instant before = ctx.now();
    rig.tasks.stop(ctx);
    ASSERT_TRUE(rig.ended.has_value());
    EXPECT_EQ(rig.ended->error().code(), Code::kCancelled);
    EXPECT_EQ(ctx.now(), before);
    EXPECT_EQ(rig.client.open_watches(), 0U);
  }
}

}  // namespace
}  // namespace klutch::kube

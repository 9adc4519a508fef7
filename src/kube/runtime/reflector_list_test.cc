// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "json/build.h"
#include "kube/api/status.h"
#include "kube/runtime/reflector_rig_testing.h"
#include "testing/fiber_test.h"

// How a Reflector lists: by streaming, in pages, and from one to the other.

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

Error version_too_large() {
  Status status;
  status.http_status = 504;
  status.reason = "Timeout";
  status.causes = {{.reason = "ResourceVersionTooLarge", .message = "Too large resource version"}};
  return status.to_error();
}

FIBER_TEST(ReflectorList, AStreamingListGoesOnAsWatch) {
  ReflectorRig rig(ctx);
  rig.client.on_watch({added(config_map("a", 1)), added(config_map("b", 2)), modified(config_map("a", 3)),
                       deleted(config_map("b", 4))});
  rig.run_for(ctx);
  EXPECT_EQ(rig.reflector.state(), ReflectorState::kStreaming);
  EXPECT_FALSE(rig.store.synced());
  rig.client.push({end_of_list(4), added(config_map("c", 5))});
  rig.run_for(ctx);
  EXPECT_EQ(rig.reflector.state(), ReflectorState::kWatching);
  EXPECT_TRUE(rig.store.synced());
  EXPECT_EQ(rig.store.resource_version(), "5");
  EXPECT_EQ(rig.take_changes(), (Lines{"+a@1", "+b@2", "a@1>3", "-b@2", "+c@5"}));
  EXPECT_EQ(rig.requests(), (Lines{"stream "}));
  const auto& asked = rig.client.asked().at(0);
  EXPECT_EQ(asked.parameter("resourceVersionMatch"), "NotOlderThan");
  EXPECT_EQ(asked.parameter("allowWatchBookmarks"), "true");
  EXPECT_EQ(asked.parameter("timeoutSeconds"), "300");
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorList, AServerThatRefusesStreamingIsNotAskedAgain) {
  for (const Code code : {Code::kInvalid, Code::kBadRequest, Code::kUnsupported}) {
    SCOPED_TRACE(traits(code).name);
    ReflectorRig rig(ctx);
    rig.client.on_watch(Error(code, "sendInitialEvents is forbidden"));
    rig.client.on_send(list_of({config_map("a", 1)}, "5"));
    rig.client.on_watch({40s, Error(Code::kGone, "too old")});
    rig.client.on_send(list_of({config_map("a", 1)}, "6"));
    rig.run_for(ctx, 1min);
    EXPECT_EQ(rig.requests(),
              (Lines{"stream ", "list 0", "watch 5", "list 5 after 40s", "watch 6 after 40s"}));
    EXPECT_EQ(rig.take_changes(), (Lines{"+a@1"}));
    EXPECT_EQ(rig.reflector.counts().failures, 0U);
    rig.tasks.stop(ctx);
  }
}

FIBER_TEST(ReflectorList, LaterListsMeanNoOlderVersionRatherThanExactlyThatOne) {
  ReflectorRig rig(ctx, {.page_size = 1, .streaming_lists = false});
  rig.client.on_send(list_of({config_map("a", 1)}, "5"));
  rig.client.on_watch({40s, Error(Code::kGone, "too old")});
  rig.client.on_send(list_of({config_map("a", 1)}, "7", "more"));
  rig.client.on_send(list_of({config_map("b", 6)}, "7"));
  rig.run_for(ctx, 1min);
  ASSERT_GE(rig.client.asked().size(), 4U);
  EXPECT_EQ(rig.client.asked().at(0).parameter("resourceVersion"), "0");
  EXPECT_EQ(rig.client.asked().at(0).parameter("resourceVersionMatch"), "");
  EXPECT_EQ(rig.client.asked().at(2).parameter("resourceVersion"), "5");
  EXPECT_EQ(rig.client.asked().at(2).parameter("resourceVersionMatch"), "NotOlderThan");
  EXPECT_EQ(rig.client.asked().at(3).parameter("continue"), "more");
  EXPECT_EQ(rig.client.asked().at(3).parameter("resourceVersionMatch"), "");
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorList, StreamingMayAlsoBeRefusedByAnErrorEvent) {
  ReflectorRig rig(ctx);
  rig.client.on_watch({Error(Code::kInvalid, "sendInitialEvents is forbidden")});
  rig.client.on_send(list_of({}, "5"));
  rig.run_for(ctx);
  EXPECT_EQ(rig.requests(), (Lines{"stream ", "list 0", "watch 5"}));
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorList, AServerThatIgnoresStreamingIsFoundOutByItsSilence) {
  ReflectorRig rig(ctx);
  rig.client.on_watch({added(config_map("a", 1)), 9s, added(config_map("b", 2))});
  rig.client.on_send(list_of({config_map("a", 1), config_map("b", 2)}, "5"));
  rig.run_for(ctx, 18s);
  EXPECT_EQ(rig.reflector.state(), ReflectorState::kStreaming);
  rig.run_for(ctx, 2s);
  EXPECT_EQ(rig.requests(), (Lines{"stream ", "list 2 after 19s", "watch 5 after 19s"}));
  EXPECT_EQ(rig.take_changes(), (Lines{"+a@1", "+b@2"}));
  EXPECT_EQ(rig.client.open_watches(), 1U) << "the stream was left open";
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorList, ChangesAreNoProgressOfAStreamingList) {
  ReflectorRig rig(ctx);
  std::vector<WatchStep> steps = {added(config_map("a", 1))};
  for (int i = 2; i < 20; ++i) {
    steps.emplace_back(3s);
    steps.emplace_back(modified(config_map("a", i)));
  }
  rig.client.on_watch(std::move(steps));
  rig.client.on_send(list_of({config_map("a", 4)}, "4"));
  rig.run_for(ctx, 11s);
  EXPECT_EQ(rig.requests(), (Lines{"stream ", "list 4 after 10s", "watch 4 after 10s"}));
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorList, AStreamingListThatNeverEndsIsGivenUpInTheEnd) {
  ReflectorRig rig(ctx);
  std::vector<WatchStep> steps;
  for (int i = 1; i < 100; ++i) {
    steps.emplace_back(added(config_map("a" + std::to_string(i), i)));
    steps.emplace_back(9s);
  }
  rig.client.on_watch(std::move(steps));
  rig.run_for(ctx, 6min);
  EXPECT_EQ(rig.requests(), (Lines{"stream ", "list 34 after 5m0s"}));
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorList, AnOrdinaryBookmarkShowsThatStreamingWasIgnored) {
  ReflectorRig rig(ctx);
  rig.client.on_watch({added(config_map("a", 1)), bookmark(3)});
  rig.client.on_send(list_of({config_map("a", 1)}, "5"));
  rig.run_for(ctx);
  EXPECT_EQ(rig.requests(), (Lines{"stream ", "list 1", "watch 5"}));
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorList, AStreamingListThatEndsEarlyIsMadeUpForByPagesOnce) {
  ReflectorRig rig(ctx);
  rig.client.on_watch({added(config_map("a", 3)), EndOfWatch{}});
  rig.client.on_send(list_of({config_map("a", 3)}, "5"));
  rig.client.on_watch({40s, Error(Code::kGone, "too old")});
  rig.run_for(ctx, 45s);
  EXPECT_EQ(rig.requests(), (Lines{"stream ", "list 3", "watch 5", "stream 5 after 40s"}));
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorList, AStreamThatBreaksIsTriedAgainInPages) {
  ReflectorRig rig(ctx);
  rig.client.on_watch({added(config_map("a", 3)), kBroken});
  rig.client.on_send(list_of({config_map("a", 3)}, "5"));
  rig.run_for(ctx, 2s);
  EXPECT_EQ(rig.requests(), (Lines{"stream ", "list 3 after 800ms", "watch 5 after 800ms"}));
  EXPECT_EQ(rig.reflector.last_error(), std::nullopt);
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorList, AServerThatCannotBeReachedIsAskedForAStreamAgain) {
  ReflectorRig rig(ctx);
  rig.client.on_watch(kBroken);
  rig.client.on_watch(Error(Code::kTooManyRequests, "slow down"));
  rig.client.on_watch({added(config_map("a", 3)), end_of_list(4)});
  rig.run_for(ctx, 1s);
  ASSERT_TRUE(rig.reflector.last_error().has_value());
  EXPECT_EQ(rig.reflector.last_error()->code(), Code::kTooManyRequests);
  EXPECT_EQ(rig.reflector.state(), ReflectorState::kWaiting);
  rig.run_for(ctx, 2s);
  EXPECT_EQ(rig.requests(), (Lines{"stream ", "stream  after 800ms", "stream  after 2.4s"}));
  EXPECT_EQ(rig.reflector.last_error(), std::nullopt);
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorList, PagesAreReadToTheLastAndWatchedFromTheFirst) {
  ReflectorRig rig(ctx, {.page_size = 2, .streaming_lists = false});
  rig.client.on_send(list_of({config_map("a", 1), config_map("b", 2)}, "5", "next"));
  rig.client.on_send(list_of({config_map("c", 3), config_map("d", 4)}, "5", "more"), 1s);
  rig.client.on_send(list_of({config_map("e", 5)}, "6"), 1s);
  rig.run_for(ctx, 1500ms);
  EXPECT_EQ(rig.store.size(), 4U);
  EXPECT_FALSE(rig.store.synced());
  EXPECT_EQ(rig.store.resource_version(), "");
  rig.run_for(ctx, 1s);
  EXPECT_TRUE(rig.store.synced());
  EXPECT_EQ(rig.requests(), (Lines{"list 0", "list next", "list more after 1s", "watch 5 after 2s"}));
  EXPECT_EQ(rig.client.asked().at(1).parameter("limit"), "2");
  EXPECT_EQ(rig.client.asked().at(1).parameter("resourceVersion"), "");
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorList, AnExpiredTokenLeadsToOneListWithoutPages) {
  ReflectorRig rig(ctx, {.streaming_lists = false});
  rig.client.on_send(list_of({config_map("a", 1), config_map("b", 2)}, "5", "next"));
  rig.client.on_send(fail(Code::kGone, "the token is too old"));
  rig.client.on_send(list_of({config_map("b", 2), config_map("c", 8)}, "9"));
  rig.run_for(ctx);
  EXPECT_EQ(rig.requests(), (Lines{"list 0", "list next", "whole 5", "watch 9"}));
  EXPECT_EQ(rig.take_changes(), (Lines{"+a@1", "+b@2", "+c@8", "-a@1"}));
  EXPECT_EQ(rig.reflector.counts().failures, 0U);
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorList, AWholeListWhoseTokenExpiresIsAFailure) {
  ReflectorRig rig(ctx, {.streaming_lists = false});
  rig.client.on_send(list_of({}, "5", "next"));
  rig.client.on_send(fail(Code::kGone, "the token is too old"));
  rig.client.on_send(list_of({}, "6", "next"));
  rig.client.on_send(fail(Code::kGone, "the token is too old"));
  rig.client.on_send(fail(Code::kGone, "the token is too old"));
  rig.run_for(ctx);
  // Once more from the latest state, in case the version was the reason, and then a pause.
  EXPECT_EQ(rig.requests(), (Lines{"list 0", "list next", "whole 5", "whole next", "list "}));
  EXPECT_EQ(rig.reflector.state(), ReflectorState::kWaiting);
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorList, AListThatFailsHalfwayTakesNothingAway) {
  ReflectorRig rig(ctx, {.streaming_lists = false});
  rig.client.on_send(list_of({config_map("a", 1), config_map("b", 2)}, "5"));
  rig.client.on_watch({40s, Error(Code::kGone, "too old")});
  rig.client.on_send(list_of({config_map("c", 7)}, "8", "next"));
  rig.client.on_send(fail(kBroken));
  rig.client.on_send(list_of({config_map("c", 7)}, "9"), 10s);
  rig.run_for(ctx, 45s);
  EXPECT_EQ(rig.take_changes(), (Lines{"+a@1", "+b@2", "+c@7"}));
  EXPECT_TRUE(rig.store.synced()) << "never unsynced again";
  EXPECT_EQ(rig.store.resource_version(), "5");
  rig.run_for(ctx, 10s);
  EXPECT_EQ(rig.take_changes(), (Lines{"-a@1", "-b@2"}));
  // Not older than what was seen, so that nothing goes back in time.
  EXPECT_EQ(rig.requests(), (Lines{"list 0", "watch 5", "list 5 after 40s", "list next after 40s",
                                   "list 8 after 40.8s", "watch 9 after 50.8s"}));
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorList, AVersionThatAServerCannotServeIsDroppedAtOnce) {
  // The server was set back from version 100 to 50.
  const Error expired(Code::kGone, "too old");
  for (const Error& error : {version_too_large(), expired, Error(Code::kBadRequest, "invalid version")}) {
    SCOPED_TRACE(error.message());
    ReflectorRig paging(ctx, {.streaming_lists = false});
    paging.client.on_send(list_of({config_map("a", 90)}, "100"));
    paging.client.on_watch({40s, expired});
    paging.client.on_send(fail(error));
    paging.client.on_send(list_of({config_map("a", 40)}, "50"));
    paging.run_for(ctx, 1min);
    EXPECT_EQ(paging.requests(),
              (Lines{"list 0", "watch 100", "list 100 after 40s", "list  after 40s", "watch 50 after 40s"}));
    EXPECT_EQ(paging.take_changes(), (Lines{"+a@90", "a@90>40"}));
    paging.tasks.stop(ctx);
  }
  for (const Error& error : {version_too_large(), expired}) {
    SCOPED_TRACE(error.message());
    ReflectorRig streaming(ctx);
    streaming.client.on_watch({added(config_map("a", 90)), end_of_list(100), 40s, expired});
    streaming.client.on_watch(error);
    streaming.client.on_watch({added(config_map("a", 40)), end_of_list(50)});
    streaming.run_for(ctx, 1min);
    EXPECT_EQ(streaming.requests(), (Lines{"stream ", "stream 100 after 40s", "stream  after 40s"}));
    EXPECT_EQ(streaming.take_changes(), (Lines{"+a@90", "a@90>40"}));
    streaming.tasks.stop(ctx);
  }
}

struct BadList {
  const char* reason;
  Object answer;
};

FIBER_TEST(ReflectorList, AListThatCannotBeIsAFailureAndDeletesNothing) {
  auto nameless = config_map("a", 1);
  nameless["metadata"].erase("name");
  auto other = config_map("a", 1);
  other.set("kind", "Secret");
  const std::vector<BadList> rows = {
      {"an object without a name", list_of({nameless}, "6")},
      {"an object of another kind", list_of({other}, "6")},
      {"an object of another namespace", list_of({config_map("other/a", 1)}, "6")},
      {"no version", list_of({}, "")},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.reason);
    ReflectorRig rig(ctx, {.what = {.ns = "default"}, .streaming_lists = false});
    rig.client.on_send(list_of({config_map("a", 1)}, "5"));
    rig.client.on_watch({40s, Error(Code::kGone, "too old")});
    rig.client.on_send(row.answer);
    rig.run_for(ctx, 40500ms);
    EXPECT_EQ(rig.reflector.state(), ReflectorState::kWaiting);
    ASSERT_TRUE(rig.reflector.last_error().has_value());
    EXPECT_EQ(rig.reflector.last_error()->code(), Code::kInternal);
    EXPECT_THAT(rig.reflector.last_error()->message(), ::testing::HasSubstr("configmaps"));
    EXPECT_EQ(rig.store.size(), 1U);
    EXPECT_EQ(rig.take_changes(), (Lines{"+a@1"}));
    rig.tasks.stop(ctx);
  }
}

FIBER_TEST(ReflectorList, AListWithoutEndIsCutOff) {
  ReflectorRig rig(ctx, {.streaming_lists = false, .max_objects = 10});
  for (int i = 0; i < 20; ++i) rig.client.on_send(list_of({}, "5", "next"));
  rig.run_for(ctx);
  EXPECT_EQ(rig.client.count(Verb::kList), 11U);
  ASSERT_TRUE(rig.reflector.last_error().has_value());
  EXPECT_EQ(rig.reflector.last_error()->code(), Code::kTooLarge);
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorList, APageThatDoesNotComeIsGivenUp) {
  ReflectorRig rig(ctx, {.streaming_lists = false});
  rig.client.on_send(list_of({}, "5"), 5min);
  rig.client.on_send(list_of({}, "5"));
  rig.run_for(ctx, 2min);
  EXPECT_EQ(rig.requests(), (Lines{"list 0", "list 0 after 1m0.8s", "watch 5 after 1m0.8s"}));
  rig.tasks.stop(ctx);
}

FIBER_TEST(ReflectorList, WhatIsAskedForIsWhatIsWanted) {
  ReflectorRig rig(ctx, {.what = {.ns = "team a",
                                  .labels = LabelSelector::parse("app in (x,y)").value(),
                                  .fields = FieldSelector::exactly("metadata.name", "z"),
                                  .metadata_only = true}});
  rig.client.on_watch(Error(Code::kInvalid, "no"));
  rig.client.on_send(list_of({}, "5"));
  rig.run_for(ctx);
  ASSERT_EQ(rig.client.asked().size(), 3U);
  for (const auto& asked : rig.client.asked()) {
    EXPECT_EQ(asked.request.path, "/api/v1/namespaces/team%20a/configmaps");
    EXPECT_EQ(asked.parameter("labelSelector"), "app in (x,y)");
    EXPECT_EQ(asked.parameter("fieldSelector"), "metadata.name=z");
    EXPECT_THAT(asked.request.accept, ::testing::HasSubstr("as=PartialObjectMetadata"));
  }
  rig.tasks.stop(ctx);
}

}  // namespace
}  // namespace klutch::kube

// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/controller_loop.h"

#include <stdexcept>

#include "kube/runtime/controller_loop_testing.h"
#include "testing/fiber_test.h"

namespace klutch::kube {
namespace {

using namespace std::chrono_literals;
using testing::Fixture;
using testing::kWidget;
using testing::widget;
using testing::widget_key;
using Names = std::vector<std::string>;

FIBER_TEST(ControllerLoop, ReconcilesEveryObjectOnceTheCacheIsSyncedAndNotBefore) {
  Fixture f(ctx);
  f.put(widget("a"));
  f.start();
  f.put(widget("b"));
  EXPECT_TRUE(ctx.sleep(1min).has_value());
  EXPECT_EQ(f.reconciler->calls(), 0U);
  EXPECT_FALSE(f.loop->working().is_set());
  f.informer->set_synced();
  EXPECT_TRUE(ctx.sleep(1s).has_value());
  EXPECT_EQ(f.reconciler->reconciled, (Names{"a", "b"}));
  EXPECT_TRUE(f.loop->working().is_set());
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, WaitsForEveryWatchedCacheToo) {
  Fixture f(ctx);
  const auto other = std::make_shared<FakeInformer>(kWidget);
  f.put(widget("a"));
  f.informer->set_synced();
  f.start({{"consumer", other, enqueue_same_key()}});
  EXPECT_TRUE(ctx.sleep(1min).has_value());
  EXPECT_EQ(f.reconciler->calls(), 0U);
  other->set_synced();
  EXPECT_TRUE(ctx.sleep(1s).has_value());
  EXPECT_EQ(f.reconciler->calls(), 1U);
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, SendsNothingWhenNothingChanged) {
  Fixture f(ctx);
  f.put(widget("a"));
  f.reconciler->on_reconcile = [](Ctx&, Object& object) -> Result<Outcome> {
    Resource view(std::move(object));
    EXPECT_TRUE(view.status().empty());  // looks, and adds nothing that counts
    object = std::move(view).take();
    return done();
  };
  f.run_for(ctx, 1min);
  EXPECT_EQ(f.reconciler->calls(), 1U);
  EXPECT_TRUE(f.server.requests.empty());
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, StoresWhatAReconcilerChangedAndConverges) {
  Fixture f(ctx);
  f.put(widget("a"));
  f.reconciler->on_reconcile = [](Ctx&, Object& object) -> Result<Outcome> {
    set_label(object, "seen", "yes");
    object["status"].set("phase", "Up");
    return done();
  };
  f.run_for(ctx, 1min);
  EXPECT_EQ(f.server.writes(), 2U) << "one for metadata, one for status";
  EXPECT_EQ(f.server.at(kWidget, widget_key("a")).find("status")->find_string("phase"), "Up");
  EXPECT_EQ(f.reconciler->calls(), 2U) << "once more for its own change";
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, NeverTwoForOneObjectButSeveralObjectsAtOnce) {
  Fixture f(ctx, {.workers = 4});
  for (const char* name : {"a", "b", "c", "d", "e"}) f.put(widget(name));
  f.reconciler->on_reconcile = [&](Ctx& task, Object& object) -> Result<Outcome> {
    f.loop->enqueue(key(object));
    TRY(task.sleep(1s));
    return done();
  };
  f.run_for(ctx, 1min);
  EXPECT_EQ(f.reconciler->overlaps, 0U);
  EXPECT_EQ(f.reconciler->most_at_once, 4U);
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, AFailureIsRetriedWithBackOffUntilItSucceeds) {
  Fixture f(ctx);
  f.put(widget("a"));
  int failures = 4;
  f.reconciler->on_reconcile = [&](Ctx&, Object&) -> Result<Outcome> {
    if (failures-- > 0) return fail(Code::kUnavailable, "not yet");
    return done();
  };
  f.run_for(ctx, 1h);
  EXPECT_EQ(f.reconciler->calls(), 5U);
  EXPECT_EQ(f.results("error"), 4);
  EXPECT_EQ(f.results("success"), 1);
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, APeerThatAsksForTimeGetsIt) {
  Fixture f(ctx);
  f.put(widget("a"));
  f.reconciler->on_reconcile = [](Ctx&, Object&) -> Result<Outcome> {
    return fail(Error(Code::kTooManyRequests, "slow down").with_retry_after(10min));
  };
  f.run_for(ctx, 25min);
  EXPECT_EQ(f.reconciler->calls(), 3U);
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, WhatWaitingCannotHelpIsTriedAgainOnlyAfterAChange) {
  for (const Code code : {Code::kTerminal, Code::kInvalid, Code::kUnsupported}) {
    Fixture f(ctx);
    f.put(widget("a"));
    f.reconciler->on_reconcile = [code](Ctx&, Object&) -> Result<Outcome> { return fail(code, "no"); };
    f.run_for(ctx, 24h);
    EXPECT_EQ(f.reconciler->calls(), 1U) << traits(code).name;
    EXPECT_EQ(f.results("terminal"), 1) << traits(code).name;
    f.put(widget("a"));
    f.run_for(ctx, 24h);
    EXPECT_EQ(f.reconciler->calls(), 2U) << traits(code).name;
    f.stop(ctx);
  }
}

FIBER_TEST(ControllerLoop, AFailedReconcileStoresItsStatusAndNothingElse) {
  Fixture f(ctx, {}, {generation_changed()});
  f.put(widget("a"));
  f.reconciler->on_reconcile = [](Ctx&, Object& object) -> Result<Outcome> {
    set_label(object, "half", "done");
    object["status"].set("phase", "Broken");
    return fail(Code::kTerminal, "no");
  };
  f.run_for(ctx, 1min);
  const auto& stored = f.server.at(kWidget, widget_key("a"));
  EXPECT_EQ(stored.find("status")->find_string("phase"), "Broken");
  EXPECT_FALSE(label(stored, "half").has_value());
  EXPECT_EQ(f.server.writes(), 1U);
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, AnExceptionIsAFailureThatStoresNothing) {
  Fixture f(ctx);
  f.put(widget("a"));
  bool thrown = false;
  f.reconciler->on_reconcile = [&](Ctx&, Object& object) -> Result<Outcome> {
    object["status"].set("phase", thrown ? "Up" : "Half");
    if (!std::exchange(thrown, true)) throw std::runtime_error("oops");
    return done();
  };
  f.run_for(ctx, 500ms);
  EXPECT_EQ(f.server.writes(), 0U);
  EXPECT_EQ(f.results("error"), 1);
  f.run_for(ctx, 1min);
  EXPECT_EQ(f.server.at(kWidget, widget_key("a")).find("status")->find_string("phase"), "Up");
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, AReconcileHasADeadlineAndItsStatusIsStoredAfterIt) {
  Fixture f(ctx, {.timeout = 10s}, {generation_changed()});
  f.put(widget("a"));
  f.reconciler->on_reconcile = [](Ctx& task, Object& object) -> Result<Outcome> {
    object["status"].set("phase", "Waiting");
    TRY(task.sleep(1h));
    return done();
  };
  f.run_for(ctx, 15s);
  EXPECT_EQ(f.results("error"), 1);
  EXPECT_EQ(f.server.at(kWidget, widget_key("a")).find("status")->find_string("phase"), "Waiting");
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, AskingToBeCalledAgainWorks) {
  Fixture f(ctx);
  f.put(widget("a"));
  f.reconciler->on_reconcile = [](Ctx&, Object&) -> Result<Outcome> { return requeue_after(10min); };
  f.run_for(ctx, 35min);
  EXPECT_EQ(f.reconciler->calls(), 4U);
  EXPECT_EQ(f.results("requeue_after"), 4);
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, AConflictIsTriedAgainSoonAndIsNoError) {
  Fixture f(ctx);
  f.put(widget("a"));
  int conflicts = 6;
  f.reconciler->on_reconcile = [&](Ctx&, Object&) -> Result<Outcome> {
    if (conflicts-- > 0) return fail(Code::kConflict, "another Secret changed");
    return done();
  };
  f.run_for(ctx, 30s);
  EXPECT_EQ(f.reconciler->calls(), 7U) << "never more than 5 s between";
  EXPECT_EQ(f.results("conflict"), 6);
  EXPECT_EQ(f.results("error"), 0);
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, AfterAConflictItWaitsForTheNewerVersion) {
  Fixture f(ctx);
  f.put(widget("a"));
  f.reconciler->on_reconcile = [](Ctx&, Object& object) -> Result<Outcome> {
    object["status"].set("phase", "Up");
    return done();
  };
  Object foreign = f.server.at(kWidget, widget_key("a"));
  set_label(foreign, "by", "another");
  f.server.put(kWidget, foreign);  // the cache does not know
  f.run_for(ctx, 5s);
  EXPECT_EQ(f.reconciler->calls(), 1U) << "the copy it has is known to be out of date";
  f.sync_cache(widget_key("a"));
  EXPECT_TRUE(ctx.sleep(1s).has_value());
  const auto& stored = f.server.at(kWidget, widget_key("a"));
  EXPECT_EQ(stored.find("status")->find_string("phase"), "Up");
  EXPECT_EQ(label(stored, "by"), "another");
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, DoesNotDecideOnACopyOlderThanItsOwnWrite) {
  Fixture f(ctx, {}, {generation_changed()});
  f.follow = false;
  f.put(widget("a"));
  std::vector<bool> had_phase;
  f.reconciler->on_reconcile = [&](Ctx&, Object& object) -> Result<Outcome> {
    had_phase.push_back(object.contains("status"));
    object["status"].set("phase", "Up");
    return requeue_after(0s);
  };
  f.run_for(ctx, 5s);
  EXPECT_EQ(had_phase, (std::vector<bool>{false}));
  f.sync_cache(widget_key("a"));
  ctx.yield();
  EXPECT_TRUE(ctx.sleep(1ms).has_value());
  ASSERT_GE(had_phase.size(), 2U) << "its arrival wakes the key, whatever the predicates say";
  EXPECT_TRUE(had_phase[1]);
  EXPECT_EQ(f.server.writes(), 1U);
  f.tasks.cancel();
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, ReadsTheObjectItselfWhenTheCacheStaysBehind) {
  Fixture f(ctx, {.cache_wait = 10s});
  f.follow = false;
  f.put(widget("a"));
  int phase = 0;
  f.reconciler->on_reconcile = [&](Ctx&, Object& object) -> Result<Outcome> {
    const auto* status = object.find("status");
    EXPECT_EQ(status != nullptr ? status->find_int("phase").value_or(0) : 0, phase);
    if (phase == 3) return done();
    object["status"].set("phase", ++phase);
    return requeue_after(0s);
  };
  f.run_for(ctx, 1min);
  EXPECT_EQ(f.reconciler->calls(), 4U);
  EXPECT_EQ(f.results("conflict"), 0);
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, TellsOnceThatAnObjectIsGone) {
  Fixture f(ctx);
  f.put(widget("a"));
  f.run_for(ctx, 1s);
  f.erase("a");
  f.run_for(ctx, 1min);
  f.loop->enqueue(widget_key("a"));
  f.loop->enqueue(widget_key("never was"));
  f.run_for(ctx, 1min);
  EXPECT_EQ(f.reconciler->forgotten, (Names{"a"}));
  EXPECT_EQ(f.reconciler->calls(), 1U);
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, ForgettingIsRetriedToo) {
  Fixture f(ctx);
  f.put(widget("a"));
  int failures = 2;
  f.reconciler->on_forget = [&](Ctx&, const Key&) -> Result<Outcome> {
    if (failures-- > 0) return fail(Code::kInternal, "not yet");
    return done();
  };
  f.run_for(ctx, 1s);
  f.erase("a");
  f.run_for(ctx, 1h);
  EXPECT_EQ(f.reconciler->forgotten.size(), 3U);
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, AnObjectThatWasMadeAnewIsForgottenFirst) {
  Fixture f(ctx);
  f.put(widget("a"));
  f.run_for(ctx, 1s);
  f.erase("a");
  f.put(widget("a"));
  f.run_for(ctx, 1min);
  EXPECT_EQ(f.reconciler->forgotten, (Names{"a"}));
  EXPECT_EQ(f.reconciler->reconciled, (Names{"a", "a"}));
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, AnObjectWhoseLastFinalizerWasTakenIsNotSeenAgain) {
  Fixture f(ctx);
  f.follow = false;
  auto doomed = widget("a");
  add_finalizer(doomed, "f");
  f.put(doomed);
  f.erase("a");  // deleted, but held by the finalizer
  f.reconciler->on_reconcile = [&](Ctx&, Object& object) -> Result<Outcome> {
    EXPECT_TRUE(is_deleting(object));
    remove_finalizer(object, "f");
    object["status"].set("phase", "Gone");
    f.loop->enqueue(key(object));  // the cache still has it
    return done();
  };
  f.run_for(ctx, 5s);
  EXPECT_EQ(f.reconciler->calls(), 1U);
  EXPECT_EQ(f.server.writes(), 1U);
  EXPECT_FALSE(f.server.has(kWidget, widget_key("a")));
  f.sync_cache(widget_key("a"));
  f.run_for(ctx, 5s);
  EXPECT_EQ(f.reconciler->forgotten, (Names{"a"}));
  EXPECT_EQ(f.reconciler->calls(), 1U);
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, PredicatesDecideWhichChangesMatter) {
  Fixture f(ctx, {}, {generation_changed()});
  f.put(widget("a"));
  f.run_for(ctx, 1s);
  auto labelled = f.server.at(kWidget, widget_key("a"));
  set_label(labelled, "l", "v");
  f.put(labelled);
  f.run_for(ctx, 1s);
  EXPECT_EQ(f.reconciler->calls(), 1U);
  f.erase("a");
  f.run_for(ctx, 1s);
  EXPECT_EQ(f.reconciler->forgotten, (Names{"a"})) << "the end always matters";
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, WatchedObjectsBringTheirOwnersBeforeAndAfterAChange) {
  Fixture f(ctx);
  const auto watched = std::make_shared<FakeInformer>(kWidget);
  for (const char* name : {"a", "b"}) f.put(widget(name));
  f.informer->set_synced();
  watched->set_synced();
  const Mapper by_label = [](const Object& object) -> std::vector<Key> {
    const auto owner = label(object, "owner");
    if (!owner) return {};
    return {widget_key(std::string(*owner))};
  };
  f.start({{"provider", watched, by_label}});
  EXPECT_TRUE(ctx.sleep(1s).has_value());
  f.reconciler->reconciled.clear();
  auto part = widget("part");
  set_label(part, "owner", "a");
  watched->see(part);
  EXPECT_TRUE(ctx.sleep(1s).has_value());
  set_label(part, "owner", "b");
  watched->see(part);
  EXPECT_TRUE(ctx.sleep(1s).has_value());
  watched->see_deleted(widget_key("part"));
  EXPECT_TRUE(ctx.sleep(1s).has_value());
  EXPECT_EQ(f.reconciler->reconciled, (Names{"a", "a", "b", "b"}));
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, AStoreThatDoesNotKnowIsNotTakenForEmpty) {
  Fixture f(ctx);
  f.put(widget("a"));
  f.run_for(ctx, 1s);
  f.informer->set_unsynced();
  f.loop->enqueue(widget_key("a"));
  f.run_for(ctx, 1min);
  EXPECT_EQ(f.reconciler->calls(), 1U);
  EXPECT_TRUE(f.reconciler->forgotten.empty());
  f.informer->set_synced();
  f.run_for(ctx, 2s);
  EXPECT_EQ(f.reconciler->calls(), 2U);
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, ChangesOfTodayComeBeforeTheFirstList) {
  Fixture f(ctx);
  for (int i = 0; i < 5; ++i) f.put(widget("old" + std::to_string(i)));
  f.reconciler->on_reconcile = [](Ctx& task, Object&) -> Result<Outcome> {
    TRY(task.sleep(1s));
    return done();
  };
  f.run_for(ctx, 500ms);
  f.put(widget("new"));
  f.run_for(ctx, 1min);
  EXPECT_EQ(f.reconciler->reconciled[1], "new");
  f.stop(ctx);
}

FIBER_TEST(ControllerLoop, StopLetsRunningReconcilesFinishAndStoreAndStartsNoMore) {
  Fixture f(ctx, {.stop_grace = 30s});
  for (const char* name : {"a", "b"}) f.put(widget(name));
  f.reconciler->on_reconcile = [](Ctx& task, Object& object) -> Result<Outcome> {
    TRY(task.sleep(20s));
    object["status"].set("phase", "Up");
    return done();
  };
  f.run_for(ctx, 1s);
  f.stop(ctx);
  EXPECT_EQ(f.reconciler->reconciled, (Names{"a"}));
  EXPECT_EQ(f.server.writes(), 1U);
}

FIBER_TEST(ControllerLoop, StopCancelsWhatDoesNotEndWithinTheGrace) {
  Fixture f(ctx, {.timeout = 2h, .stop_grace = 5s});
  f.put(widget("a"));
  Code ended = Code::kInternal;
  f.reconciler->on_reconcile = [&](Ctx& task, Object& object) -> Result<Outcome> {
    object["status"].set("phase", "Half");
    const auto slept = task.sleep(1h);
    ended = slept.error().code();
    return fail(slept.error());
  };
  f.run_for(ctx, 1s);
  const Instant start = ctx.now();
  f.stop(ctx);
  EXPECT_EQ(ctx.now() - start, 5s);
  EXPECT_EQ(ended, Code::kCancelled);
  EXPECT_EQ(f.server.writes(), 0U);
}

FIBER_TEST(ControllerLoop, StopWhileWaitingForACacheEndsAtOnce) {
  Fixture f(ctx);
  f.start();
  EXPECT_TRUE(ctx.sleep(1h).has_value());
  const Instant start = ctx.now();
  f.stop(ctx);
  EXPECT_EQ(ctx.now(), start);
}

}  // namespace
}  // namespace klutch::kube

// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/informer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/task_group.h"
#include "kube/runtime/cache.h"
#include "kube/runtime/handler_list.h"
#include "testing/fake_kube_client.h"
#include "testing/fiber_test.h"

namespace klutch::kube {
namespace {

using namespace std::chrono_literals;
using testing::added;
using testing::config_map;
using testing::config_maps;
using testing::deleted;
using testing::end_of_list;
using testing::EndOfWatch;
using testing::list_of;
using testing::modified;
using Lines = std::vector<std::string>;

std::string describe(const Change& change) {
  const char* const kinds[] = {"added", "updated", "deleted"};
  return std::string(kinds[static_cast<int>(change.kind)]) + " " + change.key.name +
         (change.initial ? " initially" : "");
}

ChangeHandler write_to(Lines& lines) {
  return [&lines](const Change& change) { lines.push_back(describe(change)); };
}

/// An informer that has a and b.
struct Rig {
  explicit Rig(Ctx& ctx) : cache(ctx, client), informer(cache.informer(config_maps())) {
    client.on_watch({added(config_map("a", 1)), added(config_map("b", 2)), end_of_list(5)});
  }
  void work(Ctx& ctx) { ASSERT_TRUE(ctx.sleep(1ms).has_value()); }

  testing::FakeKubeClient client;
  Cache cache;
  std::shared_ptr<Informer> informer;
};

FIBER_TEST(Informer, HandlersHearOfEveryChangeAfterTheStoreHasIt) {
  Rig rig(ctx);
  Lines lines;
  const auto subscription = rig.informer->subscribe([&](const Change& change) {
    lines.push_back(describe(change));
    EXPECT_EQ(rig.informer->store().get(change.key).object, change.now);
    EXPECT_EQ(change.before == nullptr, change.kind == Change::Kind::kAdded);
  });
  ASSERT_TRUE(rig.informer->wait_for_sync(ctx).has_value());
  rig.client.push({modified(config_map("a", 6)), deleted(config_map("b", 7)), added(config_map("c", 8))});
  rig.work(ctx);
  EXPECT_EQ(lines, (Lines{"added a initially", "added b initially", "updated a", "deleted b", "added c"}));
  rig.cache.stop(ctx);
}

FIBER_TEST(Informer, WhoComesLateIsToldWhatIsThereAtOnce) {
  Rig rig(ctx);
  ASSERT_TRUE(rig.informer->wait_for_sync(ctx).has_value());
  Lines lines;
  const auto subscription = rig.informer->subscribe(write_to(lines));
  EXPECT_EQ(lines, (Lines{"added a initially", "added b initially"}));
  rig.client.push({modified(config_map("a", 6))});
  rig.work(ctx);
  EXPECT_EQ(lines.back(), "updated a");
  rig.cache.stop(ctx);
}

FIBER_TEST(Informer, ADestroyedSubscriptionHearsNothing) {
  Rig rig(ctx);
  Lines lines;
  auto subscription = rig.informer->subscribe(write_to(lines));
  ASSERT_TRUE(rig.informer->wait_for_sync(ctx).has_value());
  subscription.reset();
  EXPECT_FALSE(subscription);
  rig.client.push({modified(config_map("a", 6))});
  rig.work(ctx);
  EXPECT_EQ(lines.size(), 2U);
  rig.cache.stop(ctx);
}

FIBER_TEST(Informer, AHandlerMayUnsubscribeItselfAndOthers) {
  Rig rig(ctx);
  ASSERT_TRUE(rig.informer->wait_for_sync(ctx).has_value());
  Lines lines;
  std::optional<Subscription> own;
  std::optional<Subscription> other;
  bool armed = false;
  // What a handler holds must live until it returns, also when it ends itself.
  const auto held = std::make_shared<std::string>("still here");
  const std::weak_ptr<std::string> watched = held;
  own = rig.informer->subscribe([&, copy = held](const Change& change) {
    if (!armed) return;
    own.reset();
    other.reset();
    lines.push_back("first: " + describe(change) + " " + *copy);
  });
  other = rig.informer->subscribe([&](const Change&) {
    if (armed) lines.emplace_back("second");
  });
  const auto last = rig.informer->subscribe([&](const Change& change) {
    if (armed) lines.push_back("third: " + describe(change));
  });
  armed = true;
  rig.client.push({modified(config_map("a", 6)), modified(config_map("a", 7))});
  rig.work(ctx);
  EXPECT_EQ(lines, (Lines{"first: updated a still here", "third: updated a", "third: updated a"}));
  EXPECT_EQ(watched.use_count(), 1) << "the handler is still there";
  rig.cache.stop(ctx);
}

FIBER_TEST(Informer, AHandlerThatSubscribesAnotherDoesNotLetItHearTheSameTwice) {
  Rig rig(ctx);
  ASSERT_TRUE(rig.informer->wait_for_sync(ctx).has_value());
  Lines lines;
  std::optional<Subscription> inner;
  const auto outer = rig.informer->subscribe([&](const Change& change) {
    if (change.key.name == "c" && !inner) inner = rig.informer->subscribe(write_to(lines));
  });
  rig.client.push({added(config_map("c", 6)), modified(config_map("c", 7))});
  rig.work(ctx);
  EXPECT_EQ(lines, (Lines{"added a initially", "added b initially", "added c initially", "updated c"}));
  rig.cache.stop(ctx);
}

FIBER_TEST(Informer, ASubscriptionMayOutliveTheInformer) {
  Lines lines;
  Subscription subscription;
  {
    Rig rig(ctx);
    subscription = rig.informer->subscribe(write_to(lines));
    ASSERT_TRUE(rig.informer->wait_for_sync(ctx).has_value());
    rig.cache.stop(ctx);
  }
  EXPECT_TRUE(subscription);
  subscription.reset();
  EXPECT_EQ(lines.size(), 2U);
}

FIBER_TEST(Informer, WaitingForSyncTellsWhyItTakesSoLong) {
  testing::FakeKubeClient client;
  Cache cache(ctx, client, {.streaming_lists = false});
  for (int i = 0; i < 10; ++i) client.on_send(fail(Code::kForbidden, "configmaps is forbidden"));
  const auto informer = cache.informer(config_maps(), {.ns = "team"});
  EXPECT_EQ(informer->last_error(), std::nullopt);
  auto limited = ctx.with_timeout(5s);
  const auto waited = informer->wait_for_sync(limited);
  ASSERT_FALSE(waited.has_value());
  EXPECT_EQ(waited.error().code(), Code::kTimeout);
  EXPECT_THAT(waited.error().message(), ::testing::HasSubstr("configmaps in namespace team"));
  EXPECT_THAT(waited.error().message(), ::testing::HasSubstr("configmaps is forbidden"));
  ASSERT_TRUE(informer->last_error().has_value());
  EXPECT_EQ(informer->last_error()->code(), Code::kForbidden);
  cache.stop(ctx);
}

FIBER_TEST(Informer, ManyMayWaitForSync) {
  Rig rig(ctx);
  async::TaskGroup tasks(ctx);
  int synced = 0;
  for (int i = 0; i < 3; ++i) {
    tasks.spawn("waiter", [&](Ctx& task) -> Result<> {
      TRY(rig.informer->wait_for_sync(task));
      ++synced;
      return {};
    });
  }
  ASSERT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_EQ(synced, 3);
  rig.cache.stop(ctx);
}

FIBER_TEST(Informer, StoppingTellsThoseWhoWait) {
  testing::FakeKubeClient client;
  Cache cache(ctx, client);
  const auto informer = cache.informer(config_maps());
  async::TaskGroup tasks(ctx);
  std::optional<Code> code;
  tasks.spawn("waiter", [&](Ctx& task) -> Result<> {
    code = informer->wait_for_sync(task).error().code();
    return {};
  });
  ASSERT_TRUE(ctx.sleep(1ms).has_value());
  cache.stop(ctx);
  ASSERT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_EQ(code, Code::kCancelled);
}

FIBER_TEST(Informer, OnceSyncedItStaysSoWhateverFails) {
  Rig rig(ctx);
  ASSERT_TRUE(rig.informer->wait_for_sync(ctx).has_value());
  rig.client.push({Error(Code::kGone, "too old")});
  for (int i = 0; i < 5; ++i) rig.client.on_watch(Error(Code::kUnavailable, "connection refused"));
  ASSERT_TRUE(ctx.sleep(5s).has_value());
  EXPECT_TRUE(rig.informer->wait_for_sync(ctx).has_value());
  EXPECT_TRUE(rig.informer->store().get({"default", "a"}).present());
  EXPECT_TRUE(rig.informer->store().get({"default", "z"}).absent());
  ASSERT_TRUE(rig.informer->last_error().has_value()) << "trouble is told here";
  rig.cache.stop(ctx);
}

FIBER_TEST(Informer, AnIndexIsFilledWheneverItComes) {
  Rig rig(ctx);
  const auto initial = [](const Object& object) {
    return std::vector<std::string>{std::string(name(object).substr(0, 1))};
  };
  rig.informer->add_index("early", initial);
  ASSERT_TRUE(rig.informer->wait_for_sync(ctx).has_value());
  rig.informer->add_index("late", initial);
  rig.client.push({added(config_map("ab", 6)), deleted(config_map("b", 7))});
  rig.work(ctx);
  for (const char* index : {"early", "late"}) {
    EXPECT_EQ(rig.informer->store().by_index(index, "a").size(), 2U);
    EXPECT_EQ(rig.informer->store().by_index(index, "b").size(), 0U);
  }
  rig.cache.stop(ctx);
}

TEST(HandlerList, AClosedListDeliversNoMoreNotEvenTheRestOfAChange) {
  HandlerList list;
  int calls = 0;
  const auto first = list.add([&](const Change&) {
    ++calls;
    list.close();
  });
  const auto second = list.add([&](const Change&) { ++calls; });
  list.deliver({});
  list.deliver({});
  EXPECT_EQ(calls, 1);
}

TEST(HandlerList, AHandlerMayDestroyTheList) {
  auto list = std::make_unique<HandlerList>();
  int calls = 0;
  const auto first = list->add([&](const Change&) {
    ++calls;
    list.reset();
  });
  const auto second = list->add([&](const Change&) { ++calls; });
  list->deliver({});
  EXPECT_EQ(calls, 2) << "the change is delivered to the end";
}

}  // namespace
}  // namespace klutch::kube

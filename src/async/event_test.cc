// SPDX-License-Identifier: Apache-2.0
#include "async/event.h"

#include <vector>

#include "async/task_group.h"
#include "testing/fiber_test.h"

namespace klutch::async {
namespace {

using namespace std::chrono_literals;

FIBER_TEST(Event, WakesEverybodyWhoWaits) {
  Event event;
  int woken = 0;
  TaskGroup tasks(ctx);
  for (int i = 0; i < 5; ++i) {
    tasks.spawn("waiter", [&](Ctx& task) -> Result<> {
      TRY(event.wait(task));
      ++woken;
      return {};
    });
  }
  ctx.yield();
  EXPECT_EQ(woken, 0);
  event.set();
  EXPECT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_EQ(woken, 5);
  EXPECT_TRUE(event.wait(ctx).has_value()) << "set stays set";
  event.clear();
  auto limited = ctx.with_timeout(1s);
  EXPECT_TRUE(is(event.wait(limited).error(), Code::kTimeout));
}

FIBER_TEST(Event, AWaiterThatGivesUpLeavesTheOthersInPlace) {
  Event event;
  std::vector<int> results;
  TaskGroup tasks(ctx, TaskGroup::OnError::kKeepGoing);
  for (int i = 0; i < 3; ++i) {
    tasks.spawn("waiter", [&, i](Ctx& task) -> Result<> {
      auto limited = task.with_timeout(i == 1 ? Duration(1s) : Duration(1h));
      results.push_back(event.wait(limited) ? i : -i);
      return {};
    });
  }
  ASSERT_TRUE(ctx.sleep(2s).has_value());
  EXPECT_EQ(results, (std::vector<int>{-1}));
  event.set();
  EXPECT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_EQ(results, (std::vector<int>{-1, 0, 2}));
}

FIBER_TEST(Semaphore, NeverLetsMoreInThanItHasPermits) {
  Semaphore places(3);
  int inside = 0;
  int most = 0;
  TaskGroup tasks(ctx);
  for (int i = 0; i < 20; ++i) {
    tasks.spawn("guest", [&](Ctx& task) -> Result<> {
      const auto permit = TRY(places.acquire(task));
      most = std::max(most, ++inside);
      TRY(task.sleep(1s));
      --inside;
      return {};
    });
  }
  EXPECT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_EQ(most, 3);
  EXPECT_EQ(places.available(), 3U);
}

FIBER_TEST(Semaphore, ServesFirstComeFirst) {
  Semaphore places(1);
  auto held = places.try_acquire();
  ASSERT_TRUE(static_cast<bool>(held));
  std::vector<int> order;
  TaskGroup tasks(ctx);
  for (int i = 0; i < 4; ++i) {
    tasks.spawn("guest", [&, i](Ctx& task) -> Result<> {
      const auto permit = TRY(places.acquire(task));
      order.push_back(i);
      return {};
    });
  }
  ctx.yield();
  held.release();
  EXPECT_FALSE(static_cast<bool>(places.try_acquire())) << "nobody overtakes those who wait";
  EXPECT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
}

FIBER_TEST(Semaphore, APermitIsNotLostWhenItsWaiterGivesUp) {
  Semaphore places(1);
  auto held = places.try_acquire();
  TaskGroup tasks(ctx, TaskGroup::OnError::kKeepGoing);
  tasks.spawn("impatient", [&](Ctx& task) -> Result<> {
    auto limited = task.with_timeout(1s);
    EXPECT_TRUE(is(places.acquire(limited).error(), Code::kTimeout));
    return {};
  });
  ASSERT_TRUE(ctx.sleep(2s).has_value());
  held.release();
  EXPECT_EQ(places.available(), 1U);
  EXPECT_TRUE(tasks.wait(ctx).has_value());
}

}  // namespace
}  // namespace klutch::async

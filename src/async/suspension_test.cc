// SPDX-License-Identifier: Apache-2.0
#include "async/suspension.h"

#include <algorithm>
#include <random>
#include <vector>

#include "async/task_group.h"
#include "testing/fiber_test.h"

namespace klutch::async {
namespace {

using namespace std::chrono_literals;

FIBER_TEST(Suspension, AWakeBeforeTheWaitIsNotLost) {
  Suspension suspension(ctx);
  suspension.wake();
  suspension.wake();
  EXPECT_EQ(suspension.wait(), Wake::kReady);
}

FIBER_TEST(Suspension, AnOperationThatMustCompleteIsInterruptedOnceAndWaitedFor) {
  struct Operation {
    Suspension* suspension = nullptr;
    int interrupts = 0;
  };
  auto limited = ctx.with_timeout(1s);
  Suspension suspension(limited);
  Operation operation{&suspension};
  const Instant start = ctx.now();
  TaskGroup tasks(ctx);
  tasks.spawn("completion", [&](Ctx& task) -> Result<> {
    TRY(task.sleep(5s));
    operation.suspension->wake();
    return {};
  });
  const auto wake = suspension.wait_for_completion(
      [](void* self) { ++static_cast<Operation*>(self)->interrupts; }, &operation);
  EXPECT_EQ(wake, Wake::kTimedOut);
  EXPECT_EQ(operation.interrupts, 1);
  EXPECT_EQ(ctx.now() - start, Duration(5s)) << "it waited until the operation was over";
  EXPECT_TRUE(tasks.wait(ctx).has_value());
}

FIBER_TEST(Suspension, AThousandDeadlinesPassInOrderWhileOthersAreMetEarly) {
  std::mt19937 random(20260101);
  std::vector<Duration> passed;
  WaitList met;
  int woken = 0;
  TaskGroup tasks(ctx);
  for (int i = 0; i < 1000; ++i) {
    const auto timeout = std::chrono::milliseconds(random() % 5000 + 1);
    const bool waits_in_list = i % 3 == 0;
    tasks.spawn("waiter", [&, timeout, waits_in_list, start = ctx.now()](Ctx& task) -> Result<> {
      auto limited = task.with_timeout(timeout);
      if (!waits_in_list) {
        Suspension suspension(limited);
        EXPECT_EQ(suspension.wait(), Wake::kTimedOut);
        EXPECT_EQ(task.now() - start, Duration(timeout));
        passed.push_back(task.now() - start);
      } else if (met.wait(limited) == Wake::kReady) {
        ++woken;
      }
      return {};
    });
  }
  // Takes timers out of the middle of the heap while it shrinks from the top.
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(ctx.sleep(10ms).has_value());
    met.wake_one();
  }
  EXPECT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_EQ(woken, 100);
  EXPECT_TRUE(std::is_sorted(passed.begin(), passed.end()));
  EXPECT_EQ(passed.size(), 666U);
}

}  // namespace
}  // namespace klutch::async

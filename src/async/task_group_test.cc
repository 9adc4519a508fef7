// SPDX-License-Identifier: Apache-2.0
#include "async/task_group.h"

#include <memory>

#include "async/event.h"
#include "testing/fiber_test.h"

namespace klutch::async {
namespace {

using namespace std::chrono_literals;

FIBER_TEST(TaskGroup, WaitGivesNothingWhenAllSucceed) {
  int finished = 0;
  TaskGroup tasks(ctx);
  for (int i = 0; i < 10; ++i) {
    tasks.spawn("worker", [&finished, i](Ctx& task) -> Result<> {
      TRY(task.sleep(std::chrono::seconds(i)));
      ++finished;
      return {};
    });
  }
  EXPECT_EQ(tasks.running(), 10U);
  EXPECT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_EQ(finished, 10);
  EXPECT_EQ(tasks.running(), 0U);
}

FIBER_TEST(TaskGroup, TheFirstFailureCancelsTheSiblings) {
  const Instant start = ctx.now();
  Code sibling = Code::kInternal;
  TaskGroup tasks(ctx);
  tasks.spawn("fails", [](Ctx& task) -> Result<> {
    TRY(task.sleep(1s));
    return fail(Code::kConflict, "changed");
  });
  tasks.spawn("sibling", [&](Ctx& task) -> Result<> {
    auto result = task.sleep(1h);
    sibling = result.error().code();
    return result;
  });
  const auto result = tasks.wait(ctx);
  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(is(result.error(), Code::kConflict));
  EXPECT_EQ(sibling, Code::kCancelled);
  EXPECT_EQ(ctx.now() - start, Duration(1s));
}

FIBER_TEST(TaskGroup, KeepGoingLetsTheSiblingsFinish) {
  bool finished = false;
  TaskGroup tasks(ctx, TaskGroup::OnError::kKeepGoing);
  tasks.spawn("fails", [](Ctx&) -> Result<> { return fail(Code::kConflict, "changed"); });
  tasks.spawn("sibling", [&](Ctx& task) -> Result<> {
    TRY(task.sleep(1h));
    finished = true;
    return {};
  });
  EXPECT_TRUE(is(tasks.wait(ctx).error(), Code::kConflict));
  EXPECT_TRUE(finished);
}

FIBER_TEST(TaskGroup, StopWaitsUntilTheLastTaskHasCleanedUp) {
  bool cleaned = false;
  TaskGroup tasks(ctx);
  tasks.spawn("worker", [&](Ctx& task) -> Result<> {
    auto result = task.sleep(1h);
    auto grace = task.shielded(10s);
    TRY(grace.sleep(5s));
    cleaned = true;
    return result;
  });
  ctx.yield();
  tasks.stop(ctx);
  EXPECT_TRUE(cleaned);
}

FIBER_TEST(TaskGroup, ADeadlineOfTheWaiterCancelsTheTasksAndIsTheError) {
  TaskGroup tasks(ctx);
  tasks.spawn("endless", [](Ctx& task) { return task.sleep(1h); });
  auto limited = ctx.with_timeout(1s);
  EXPECT_TRUE(is(tasks.wait(limited).error(), Code::kTimeout));
  EXPECT_EQ(tasks.running(), 0U);
}

FIBER_TEST(TaskGroup, CancellationReachesNestedGroups) {
  Code innermost = Code::kInternal;
  TaskGroup tasks(ctx);
  tasks.spawn("outer", [&](Ctx& outer) {
    return with_tasks(outer, [&](TaskGroup& inner) -> Result<> {
      inner.spawn("inner", [&](Ctx& task) -> Result<> {
        auto result = task.sleep(1h);
        innermost = result.error().code();
        return result;
      });
      return {};
    });
  });
  ASSERT_TRUE(ctx.sleep(1s).has_value());
  tasks.stop(ctx);
  EXPECT_EQ(innermost, Code::kCancelled);
}

FIBER_TEST(TaskGroup, WhatABodyOwnsIsGoneWhenItsTaskHasEnded) {
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = owned;
  TaskGroup tasks(ctx);
  tasks.spawn("owner", [owned = std::move(owned)](Ctx&) -> Result<> { return {}; });
  EXPECT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_TRUE(watch.expired());
}

FIBER_TEST(TaskGroup, TasksMaySpawnMoreTasks) {
  int leaves = 0;
  TaskGroup tasks(ctx);
  tasks.spawn("root", [&](Ctx&) -> Result<> {
    for (int i = 0; i < 3; ++i) {
      tasks.spawn("leaf", [&](Ctx& task) -> Result<> {
        TRY(task.sleep(1s));
        ++leaves;
        return {};
      });
    }
    return {};
  });
  EXPECT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_EQ(leaves, 3);
}

FIBER_TEST(WithTasks, AFailingBodyCancelsItsTasksAndIsTheError) {
  const Instant start = ctx.now();
  const auto result = with_tasks(ctx, [&](TaskGroup& tasks) -> Result<> {
    tasks.spawn("endless", [](Ctx& task) { return task.sleep(1h); });
    TRY(ctx.sleep(1s));
    return fail(Code::kInvalid, "bad");
  });
  EXPECT_TRUE(is(result.error(), Code::kInvalid));
  EXPECT_EQ(ctx.now() - start, Duration(1s));
}

TEST(TaskGroupDeathTest, LeavingTasksBehindIsAProgrammerError) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        Loop loop;
        (void)loop.run([](Ctx& ctx) -> Result<> {
          TaskGroup tasks(ctx);
          tasks.spawn("orphan", [](Ctx& task) { return task.sleep(1h); });
          return {};
        });
      },
      "broken invariant");
}

}  // namespace
}  // namespace klutch::async

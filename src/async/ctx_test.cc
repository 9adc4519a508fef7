// SPDX-License-Identifier: Apache-2.0
#include "async/ctx.h"

#include <sys/mman.h>

#include <cstdint>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "async/event.h"
#include "async/task_group.h"
#include "testing/fiber_test.h"

namespace klutch::async {
namespace {

using namespace std::chrono_literals;

FIBER_TEST(Ctx, WithoutADeadlineThereIsNoEnd) {
  EXPECT_EQ(ctx.deadline(), Ctx::kNever);
  EXPECT_EQ(ctx.remaining(), Duration::max());
  EXPECT_TRUE(ctx.check().has_value());
}

FIBER_TEST(Ctx, AChildNeverOutlastsItsParent) {
  const auto parent = ctx.with_timeout(1s);
  EXPECT_EQ(parent.with_timeout(1h).deadline(), parent.deadline());
  EXPECT_LT(parent.with_timeout(1ms).deadline(), parent.deadline());
  EXPECT_EQ(ctx.with_timeout(Duration::max()).deadline(), Ctx::kNever);
}

FIBER_TEST(Ctx, SleepEndsWithTheDeadlineOfTheContext) {
  auto limited = ctx.with_timeout(1s);
  const Instant start = ctx.now();
  const auto result = limited.sleep(1h);
  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(is(result.error(), Code::kTimeout));
  EXPECT_EQ(ctx.now() - start, Duration(1s));
  EXPECT_TRUE(is(limited.check().error(), Code::kTimeout));
  EXPECT_TRUE(is(limited.sleep(1ms).error(), Code::kTimeout)) << "a passed deadline starts nothing new";
}

FIBER_TEST(Ctx, ValuesAreFoundByTypeAndTheInnermostWins) {
  EXPECT_EQ(ctx.value<std::string>(), nullptr);
  const auto outer = ctx.with_value(std::make_shared<const std::string>("outer"));
  const auto other = outer.with_value(std::make_shared<const int>(5));
  const auto inner = other.with_value(std::make_shared<const std::string>("inner"));
  EXPECT_EQ(*outer.value<std::string>(), "outer");
  EXPECT_EQ(*other.value<std::string>(), "outer");
  EXPECT_EQ(*inner.value<std::string>(), "inner");
  EXPECT_EQ(*inner.value<int>(), 5);
}

FIBER_TEST(Ctx, TasksInheritValues) {
  auto named = ctx.with_value(std::make_shared<const std::string>("request 7"));
  std::string seen;
  EXPECT_TRUE(with_tasks(named, [&](TaskGroup& tasks) -> Result<> {
                tasks.spawn("reader", [&](Ctx& task) -> Result<> {
                  seen = *task.value<std::string>();
                  return {};
                });
                return {};
              }).has_value());
  EXPECT_EQ(seen, "request 7");
}

FIBER_TEST(Ctx, AShieldedContextOutlivesCancellationForItsGrace) {
  bool cleaned = false;
  TaskGroup tasks(ctx);
  tasks.spawn("worker", [&](Ctx& task) -> Result<> {
    auto result = task.sleep(1h);
    EXPECT_TRUE(task.cancelled());
    auto grace = task.shielded(5s);
    EXPECT_FALSE(grace.cancelled());
    EXPECT_TRUE(grace.sleep(4s).has_value());
    EXPECT_TRUE(is(grace.sleep(4s).error(), Code::kTimeout));
    cleaned = true;
    return result;
  });
  ctx.yield();
  tasks.stop(ctx);
  EXPECT_TRUE(cleaned);
}

FIBER_TEST(Ctx, YieldLetsTheOthersRun) {
  int turns = 0;
  TaskGroup tasks(ctx);
  tasks.spawn("other", [&](Ctx&) -> Result<> {
    ++turns;
    return {};
  });
  EXPECT_EQ(turns, 0);
  ctx.yield();
  EXPECT_EQ(turns, 1);
  EXPECT_TRUE(tasks.wait(ctx).has_value());
}

IO_FIBER_TEST(Ctx, BlockingRunsElsewhereAndGivesTheValueBack) {
  const auto here = std::this_thread::get_id();
  const auto there = ctx.blocking([] { return std::this_thread::get_id(); });
  ASSERT_TRUE(there.has_value());
  EXPECT_NE(*there, here);
  EXPECT_TRUE(ctx.blocking([] {}).has_value());
  const auto failed = ctx.blocking([]() -> Result<int> { return fail(Code::kNotFound, "no row"); });
  EXPECT_TRUE(is(failed.error(), Code::kNotFound));
  const auto thrown = ctx.blocking([]() -> int { throw std::runtime_error("library"); });
  EXPECT_TRUE(is(thrown.error(), Code::kInternal));
}

IO_FIBER_TEST(Ctx, OtherFibersRunDuringABlockingCall) {
  std::atomic<bool> release = false;
  EXPECT_TRUE(with_tasks(ctx, [&](TaskGroup& tasks) -> Result<> {
                tasks.spawn("blocked", [&](Ctx& task) -> Result<> {
                  return task.blocking([&] {
                    while (!release) std::this_thread::yield();
                  });
                });
                tasks.spawn("free", [&](Ctx& task) -> Result<> {
                  task.yield();
                  release = true;
                  return {};
                });
                return {};
              }).has_value());
}

IO_FIBER_TEST(Ctx, ACancelledTaskStartsNoBlockingCall) {
  TaskGroup tasks(ctx);
  tasks.cancel();
  bool ran = false;
  Code code = Code::kInternal;
  tasks.spawn("late", [&](Ctx& task) -> Result<> {
    code = task.blocking([&] { ran = true; }).error().code();
    return {};
  });
  EXPECT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_FALSE(ran);
  EXPECT_EQ(code, Code::kCancelled);
}

#if !defined(KLUTCH_ASAN) && !defined(KLUTCH_TSAN)
/// Writes to the stack far below the caller and says where.
[[gnu::noinline]] std::uintptr_t use_much_stack() {
  volatile char deep[100 * 1024];
  for (volatile char& byte : deep) byte = 1;
  return reinterpret_cast<std::uintptr_t>(&deep[0]);
}

bool is_resident(std::uintptr_t address) {
  constexpr std::uintptr_t kPage = 4096;
  unsigned char resident = 0;
  EXPECT_EQ(mincore(reinterpret_cast<void*>(address / kPage * kPage), kPage, &resident), 0);
  return (resident & 1U) != 0;
}

FIBER_TEST(Ctx, TrimmingTheStackFreesWhatIsNotInUseAndKeepsTheRest) {
  volatile char mine[64];
  for (volatile char& byte : mine) byte = 7;
  const auto deep = use_much_stack();
  ASSERT_TRUE(is_resident(deep));
  ctx.trim_stack();
  EXPECT_FALSE(is_resident(deep));
  for (const volatile char& byte : mine) ASSERT_EQ(byte, 7);
  ASSERT_TRUE(ctx.sleep(std::chrono::seconds(1)).has_value());
  EXPECT_TRUE(is_resident(use_much_stack())) << "it can be used again";
}
#endif

}  // namespace
}  // namespace klutch::async

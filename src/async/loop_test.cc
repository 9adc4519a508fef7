// SPDX-License-Identifier: Apache-2.0
#include "async/loop.h"

#include <sys/resource.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "async/event.h"
#include "async/task_group.h"
#include "testing/fiber_test.h"

namespace klutch::async {
namespace {

using namespace std::chrono_literals;

// Not optimised into a loop: each level keeps a buffer that the next one needs.
[[gnu::noinline]] std::size_t dig(std::size_t depth, const char* above) {
  volatile char buffer[1024];
  for (std::size_t i = 0; i < sizeof buffer; i += 256)
    buffer[i] = static_cast<char>(depth + (above ? above[0] : 0));
  if (depth == 0) return static_cast<std::size_t>(buffer[0]);
  return dig(depth - 1, const_cast<const char*>(buffer)) + static_cast<std::size_t>(buffer[512]);
}

TEST(Loop, GivesTheResultOfItsFirstFiber) {
  Loop loop;
  EXPECT_TRUE(loop.run([](Ctx&) -> Result<> { return {}; }).has_value());
  const auto failed = loop.run([](Ctx&) -> Result<> { return fail(Code::kConflict, "changed"); });
  EXPECT_TRUE(is(failed.error(), Code::kConflict));
}

TEST(Loop, TurnsAnEscapingExceptionIntoAnInternalError) {
  Loop loop;
  const auto result = loop.run([](Ctx&) -> Result<> { throw std::runtime_error("boom"); });
  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(is(result.error(), Code::kInternal));
  EXPECT_NE(result.error().message().find("boom"), std::string::npos);
}

TEST(Loop, CancelFromAnotherThreadEndsTheFirstFiber) {
  Loop loop;
  std::thread other;
  const auto result = loop.run([&](Ctx& ctx) -> Result<> {
    other = std::thread([&] { loop.cancel(); });
    return ctx.sleep(1h);
  });
  other.join();
  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(is(result.error(), Code::kCancelled));
}

TEST(Loop, RunsPostedFunctionsOnItsOwnThread) {
  Loop loop;
  const auto here = std::this_thread::get_id();
  std::thread::id ran_on;
  std::thread other;
  const auto result = loop.run([&](Ctx& ctx) -> Result<> {
    Event done;
    other = std::thread([&] {
      loop.post([&] {
        ran_on = std::this_thread::get_id();
        done.set();
      });
    });
    return done.wait(ctx);
  });
  other.join();
  EXPECT_TRUE(result.has_value());
  EXPECT_EQ(ran_on, here);
}

FIBER_TEST(Loop, VirtualTimeJumpsToTheNextTimer) {
  const Instant start = ctx.now();
  ASSERT_TRUE(ctx.sleep(24h).has_value());
  EXPECT_EQ(ctx.now() - start, Duration(24h));
}

FIBER_TEST(Loop, TimersFireInTheOrderOfTheirDeadlines) {
  std::vector<int> order;
  const std::vector<int> delays = {50, 10, 40, 20, 30, 10, 0, 45, 5, 25};
  const auto result = with_tasks(ctx, [&](TaskGroup& tasks) -> Result<> {
    for (const int delay : delays) {
      tasks.spawn("sleeper", [&order, delay](Ctx& task) -> Result<> {
        TRY(task.sleep(std::chrono::milliseconds(delay)));
        order.push_back(delay);
        return {};
      });
    }
    return {};
  });
  EXPECT_TRUE(result.has_value());
  EXPECT_EQ(order.size(), delays.size());
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

FIBER_TEST(Loop, AnExceptionHandledAcrossASuspensionStaysWithItsFiber) {
  std::string first;
  std::string second;
  const auto thrower = [](std::string& seen, Duration pause) {
    return [&seen, pause](Ctx& task) -> Result<> {
      try {
        throw std::runtime_error(pause == Duration(1s) ? "one" : "two");
      } catch (const std::runtime_error&) {
        TRY(task.sleep(pause));
        try {
          throw;  // the exception being handled, found through the run-time's state
        } catch (const std::runtime_error& e) {
          seen = e.what();
        }
      }
      return {};
    };
  };
  ASSERT_TRUE(with_tasks(ctx, [&](TaskGroup& tasks) -> Result<> {
                tasks.spawn("a", thrower(first, 1s));
                tasks.spawn("b", thrower(second, 2s));
                return {};
              }).has_value());
  EXPECT_EQ(first, "one");
  EXPECT_EQ(second, "two");
}

#if !defined(KLUTCH_ASAN) && !defined(KLUTCH_TSAN)
TEST(LoopDeathTest, StackOverflowHitsTheGuardPage) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        Loop loop({.stack_bytes = 64 * 1024});
        (void)loop.run([](Ctx&) -> Result<> {
          return dig(10'000, nullptr) == 42 ? Result<>{} : fail(Code::kInternal, "dug");
        });
      },
      testing::KilledBySignal(SIGSEGV), "");
}

TEST(Loop, AParkedFiberTouchesOnlyAFewPages) {
  constexpr int kFibers = 2000;
  const auto resident = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  Loop loop;
  long grown = 0;
  const auto result = loop.run([&](Ctx& ctx) -> Result<> {
    const long before = resident();
    TaskGroup tasks(ctx);
    for (int i = 0; i < kFibers; ++i) tasks.spawn("parked", [](Ctx& task) { return task.sleep(1h); });
    ctx.yield();
    grown = resident() - before;
    tasks.stop(ctx);
    return {};
  });
  EXPECT_TRUE(result.has_value());
  EXPECT_LT(grown / kFibers, 16) << "KiB per parked fiber";
}
#endif

TEST(Loop, ADeepCallChainFitsTheDefaultStack) {
  Loop loop;
  std::size_t dug = 0;
  EXPECT_TRUE(loop.run([&](Ctx&) -> Result<> {
                    dug = dig(100, nullptr);
                    return {};
                  })
                  .has_value());
  EXPECT_NE(dug, 0U);
}

}  // namespace
}  // namespace klutch::async

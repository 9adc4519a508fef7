// SPDX-License-Identifier: Apache-2.0
#include "async/work_queue.h"

#include <map>
#include <string>
#include <vector>

#include "async/task_group.h"
#include "testing/fiber_test.h"

namespace klutch::async {
namespace {

using namespace std::chrono_literals;
using Queue = WorkQueue<std::string>;
using Keys = std::vector<std::string>;

/// Exact back-off, so that times can be compared.
constexpr WorkQueueOptions kExact = {.backoff_jitter = 0};

/// The keys that are ready now, each done as soon as it is taken.
Keys take_all(Ctx& ctx, Queue& queue) {
  Keys keys;
  while (queue.waiting() > 0) keys.emplace_back(queue.take(ctx)->key());
  return keys;
}

/// When the next key comes.
Duration wait_for_key(Ctx& ctx, Queue& queue) {
  const Instant start = ctx.now();
  const auto work = queue.take(ctx);
  EXPECT_TRUE(work && *work);
  return ctx.now() - start;
}

FIBER_TEST(WorkQueue, GivesKeysInTheOrderTheyCameAndEachOnce) {
  Queue queue(ctx.loop());
  for (const char* key : {"b", "a", "b", "c", "a"}) queue.add(key);
  EXPECT_EQ(queue.waiting(), 3U);
  EXPECT_EQ(take_all(ctx, queue), (Keys{"b", "a", "c"}));
  EXPECT_EQ(queue.held(), 0U);
}

FIBER_TEST(WorkQueue, AKeyAddedWhileItIsWorkedOnComesAgainAfterwards) {
  Queue queue(ctx.loop());
  queue.add("a");
  {
    const auto work = queue.take(ctx);
    queue.add("a");
    queue.add("a");
    EXPECT_EQ(queue.waiting(), 0U) << "two workers at once";
    auto limited = ctx.with_timeout(1min);
    EXPECT_EQ(queue.take(limited).error().code(), Code::kTimeout);
  }
  EXPECT_EQ(take_all(ctx, queue), (Keys{"a"}));
  EXPECT_EQ(queue.held(), 0U);
}

FIBER_TEST(WorkQueue, TakeWaitsForAKey) {
  Queue queue(ctx.loop());
  TaskGroup tasks(ctx);
  std::string taken;
  tasks.spawn("worker", [&](Ctx& task) -> Result<> {
    const auto work = TRY(queue.take(task));
    taken = work.key();
    return {};
  });
  EXPECT_TRUE(ctx.sleep(1min).has_value());
  EXPECT_EQ(taken, "");
  queue.add("a");
  EXPECT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_EQ(taken, "a");
}

FIBER_TEST(WorkQueue, ADelayedKeyComesWhenItIsDue) {
  Queue queue(ctx.loop());
  queue.add_after("a", 10s);
  EXPECT_EQ(queue.waiting(), 0U);
  EXPECT_EQ(queue.delayed(), 1U);
  EXPECT_EQ(wait_for_key(ctx, queue), 10s);
  EXPECT_EQ(queue.held(), 0U);
}

FIBER_TEST(WorkQueue, OfSeveralDelaysTheEarlierCounts) {
  struct Case {
    Duration first, second, expected;
    const char* reason;
  };
  for (const Case& c : {Case{10s, 5s, 5s, "an earlier time moves it forward"},
                        Case{5s, 10s, 5s, "a later one does not put it off"},
                        Case{5s, 0s, 0s, "now is earlier than any time"},
                        Case{0s, 5s, 0s, "what waits already is not put off"},
                        Case{5s, -1s, 0s, "a time that has passed is now"},
                        Case{5s, Duration::max(), 5s, "the longest delay does not overflow"}}) {
    Queue queue(ctx.loop());
    queue.add_after("a", c.first);
    queue.add_after("a", c.second);
    EXPECT_EQ(wait_for_key(ctx, queue), c.expected) << c.reason;
    EXPECT_EQ(queue.held(), 0U) << c.reason;
  }
}

FIBER_TEST(WorkQueue, ADelayAskedForWhileTheKeyIsWorkedOnCountsFromTheAsking) {
  Queue queue(ctx.loop());
  queue.add("a");
  {
    const auto work = queue.take(ctx);
    queue.add_after("a", 10s);
    EXPECT_TRUE(ctx.sleep(4s).has_value());
  }
  EXPECT_EQ(wait_for_key(ctx, queue), 6s);
}

FIBER_TEST(WorkQueue, AnEarlierKeyShortensTheWaitOfSleepingWorkers) {
  Queue queue(ctx.loop());
  TaskGroup tasks(ctx);
  std::map<std::string, Duration> came;
  const Instant start = ctx.now();
  for (int i = 0; i < 3; ++i) {
    tasks.spawn("worker", [&](Ctx& task) -> Result<> {
      const auto work = TRY(queue.take(task));
      came[work.key()] = task.now() - start;
      return {};
    });
  }
  queue.add_after("late", 1h);
  ctx.yield();
  queue.add_after("soon", 1s);
  queue.add_after("middle", 1min);
  EXPECT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_EQ(came, (std::map<std::string, Duration>{{"soon", 1s}, {"middle", 1min}, {"late", 1h}}));
}

FIBER_TEST(WorkQueue, AWorkerThatGivesUpLeavesTheClockToAnother) {
  Queue queue(ctx.loop());
  TaskGroup tasks(ctx);
  TaskGroup quitters(ctx);
  Duration came{};
  const Instant start = ctx.now();
  quitters.spawn("quitter", [&](Ctx& task) { return queue.take(task).map([](const auto&) {}); });
  ctx.yield();
  tasks.spawn("worker", [&](Ctx& task) -> Result<> {
    TRY(queue.take(task));
    came = task.now() - start;
    return {};
  });
  ctx.yield();
  queue.add_after("a", 1min);
  quitters.stop(ctx);
  EXPECT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_EQ(came, 1min);
}

FIBER_TEST(WorkQueue, AWorkerCancelledInTheMomentItIsWokenPassesTheKeyOn) {
  Queue queue(ctx.loop());
  TaskGroup quitters(ctx);
  TaskGroup tasks(ctx);
  bool came = false;
  quitters.spawn("quitter", [&](Ctx& task) { return queue.take(task).map([](const auto&) {}); });
  ctx.yield();
  tasks.spawn("worker", [&](Ctx& task) -> Result<> {
    TRY(queue.take(task));
    came = true;
    return {};
  });
  ctx.yield();
  queue.add("a");
  quitters.cancel();
  quitters.stop(ctx);
  EXPECT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_TRUE(came);
}

FIBER_TEST(WorkQueue, FailuresOfAKeyAreAnsweredWithLongerDelaysUntilForgotten) {
  Queue queue(ctx.loop(), kExact);
  Duration expected = 5ms;
  for (std::uint32_t i = 0; i < 30; ++i) {
    queue.add_rate_limited("a");
    EXPECT_EQ(wait_for_key(ctx, queue), expected) << i;
    expected = std::min<Duration>(2 * expected, 1000s);
  }
  EXPECT_EQ(queue.held(), 1U);
  queue.forget("a");
  EXPECT_EQ(queue.held(), 0U);
  queue.add_rate_limited("a");
  EXPECT_EQ(wait_for_key(ctx, queue), 5ms);
}

FIBER_TEST(WorkQueue, BackOffIsPerKey) {
  Queue queue(ctx.loop(), kExact);
  for (int i = 0; i < 10; ++i) {
    queue.add_rate_limited("bad");
    wait_for_key(ctx, queue);
  }
  queue.add_rate_limited("good");
  EXPECT_EQ(wait_for_key(ctx, queue), 5ms);
}

FIBER_TEST(WorkQueue, BackOffKeepsToTheBoundsOfTheCaller) {
  Queue queue(ctx.loop(), kExact);
  queue.add_rate_limited("asked to wait", Priority::kNormal, 30s);
  EXPECT_EQ(wait_for_key(ctx, queue), 30s);
  for (int i = 0; i < 20; ++i) {
    queue.add_rate_limited("capped", Priority::kNormal, 0s, 1s);
    EXPECT_LE(wait_for_key(ctx, queue), 1s);
  }
}

FIBER_TEST(WorkQueue, JitterShortensADelayByAtMostItsShare) {
  Queue queue(ctx.loop(), {.backoff_first = 1s, .backoff_jitter = 0.5});
  bool differs = false;
  for (int i = 0; i < 50; ++i) {
    queue.add_rate_limited("a");
    const Duration waited = wait_for_key(ctx, queue);
    EXPECT_GE(waited, 500ms);
    EXPECT_LE(waited, 1s);
    differs = differs || waited != 1s;
    queue.forget("a");
  }
  EXPECT_TRUE(differs);
}

FIBER_TEST(WorkQueue, RetriesOfAllKeysTogetherKeepToTheRate) {
  Queue queue(ctx.loop(), {.backoff_jitter = 0, .retries = {.per_second = 10, .burst = 2}});
  const Instant start = ctx.now();
  for (const char* key : {"a", "b", "c", "d"}) queue.add_rate_limited(key);
  for (int i = 0; i < 4; ++i) wait_for_key(ctx, queue);
  EXPECT_EQ(ctx.now() - start, 200ms);
}

FIBER_TEST(WorkQueue, LowPriorityComesWhenNothingElseWaitsButNotNever) {
  Queue queue(ctx.loop(), {.low_every = 4});
  for (int i = 0; i < 3; ++i) queue.add("low" + std::to_string(i), Priority::kLow);
  for (int i = 0; i < 5; ++i) queue.add("normal" + std::to_string(i));
  EXPECT_EQ(take_all(ctx, queue),
            (Keys{"normal0", "normal1", "normal2", "low0", "normal3", "normal4", "low1", "low2"}));
}

FIBER_TEST(WorkQueue, AKeyThatIsAddedWithTheHigherPriorityToo) {
  Queue queue(ctx.loop(), {.low_every = 0});
  for (const char* key : {"a", "b", "c"}) queue.add(key, Priority::kLow);
  queue.add("c");
  queue.add("a", Priority::kLow);
  queue.add("d");
  queue.add("d", Priority::kLow);
  EXPECT_EQ(take_all(ctx, queue), (Keys{"c", "d", "a", "b"}));
}

FIBER_TEST(WorkQueue, PriorityOfTheNextTurnIsThatOfTheAddsDuringWork) {
  Queue queue(ctx.loop(), {.low_every = 0});
  queue.add("a");
  {
    const auto work = queue.take(ctx);
    EXPECT_EQ(work->priority(), Priority::kNormal);
    queue.add("a", Priority::kLow);
    queue.add("b");
  }
  EXPECT_EQ(take_all(ctx, queue), (Keys{"b", "a"}));
}

FIBER_TEST(WorkQueue, GroupsTakeTurns) {
  Queue queue(ctx.loop(), {}, [](const std::string& key) { return static_cast<std::uint64_t>(key[0]); });
  for (int i = 0; i < 10'000; ++i) queue.add("a" + std::to_string(i));
  for (const char* key : {"b0", "b1", "c0"}) queue.add(key);
  Keys first;
  for (int i = 0; i < 6; ++i) first.emplace_back(queue.take(ctx)->key());
  EXPECT_EQ(first, (Keys{"a0", "b0", "c0", "a1", "b1", "a2"}));
  EXPECT_EQ(take_all(ctx, queue).size(), 10'003U - 6U);
}

FIBER_TEST(WorkQueue, ShutDownDropsWhatWaitsAndEndsTheWorkers) {
  Queue queue(ctx.loop());
  queue.add("active");
  {
    const auto work = queue.take(ctx);
    for (const char* key : {"a", "b", "active"}) queue.add(key);
    queue.add_after("later", 1h);
    queue.add_rate_limited("failed");
    queue.shut_down();
    queue.add("too late");
    queue.add("active");
    EXPECT_FALSE(*queue.take(ctx));
    EXPECT_EQ(queue.held(), 1U);
    auto limited = ctx.with_timeout(1s);
    EXPECT_EQ(queue.drain(limited).error().code(), Code::kTimeout) << "one is still worked on";
  }
  EXPECT_TRUE(queue.drain(ctx).has_value());
  EXPECT_EQ(queue.held(), 0U);
}

FIBER_TEST(WorkQueue, ShutDownCanLetTheWorkersFinishWhatWaits) {
  Queue queue(ctx.loop());
  TaskGroup tasks(ctx);
  Keys done;
  tasks.spawn("worker", [&](Ctx& task) -> Result<> {
    while (const auto work = TRY(queue.take(task))) {
      TRY(task.sleep(1s));
      done.push_back(work.key());
    }
    return {};
  });
  for (const char* key : {"a", "b"}) queue.add(key);
  queue.add_after("later", 1s);
  ctx.yield();
  queue.add("a");  // again, while it is worked on
  queue.shut_down(Queue::Remaining::kFinish);
  EXPECT_TRUE(queue.drain(ctx).has_value());
  EXPECT_EQ(done, (Keys{"a", "b", "a"}));
  EXPECT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_EQ(queue.held(), 0U);
}

FIBER_TEST(WorkQueue, TellsHowLongKeysWaitAndWorkGoesOn) {
  Queue queue(ctx.loop());
  EXPECT_EQ(queue.oldest_waiting(), 0s);
  EXPECT_EQ(queue.longest_active(), 0s);
  queue.add("a");
  queue.add_after("b", 2s);
  const auto work = queue.take(ctx);
  EXPECT_TRUE(ctx.sleep(5s).has_value());
  EXPECT_EQ(queue.oldest_waiting(), 3s) << "b waits since it was due";
  EXPECT_EQ(queue.longest_active(), 5s);
  EXPECT_EQ(queue.active(), 1U);
}

struct Counts final : WorkQueueObserver {
  void waiting() override { ++depth, ++added; }
  void taken(Duration waited) override { --depth, total_waited += waited; }
  void finished(Duration worked) override { total_worked += worked; }
  void retried() override { ++retries; }
  void dropped(std::size_t count) override { depth -= static_cast<int>(count); }
  int depth = 0, added = 0, retries = 0;
  Duration total_waited{}, total_worked{};
};

FIBER_TEST(WorkQueue, TheObserverSeesEveryKeyComeAndGo) {
  Counts counts;
  Queue queue(ctx.loop(), {.backoff_jitter = 0, .observer = &counts});
  for (const char* key : {"a", "b", "a", "c"}) queue.add(key);
  EXPECT_EQ(counts.depth, 3);
  EXPECT_TRUE(ctx.sleep(1s).has_value());
  {
    const auto work = queue.take(ctx);
    EXPECT_TRUE(ctx.sleep(2s).has_value());
    queue.add_rate_limited("a");
  }
  EXPECT_EQ(counts.total_waited, 1s);
  EXPECT_EQ(counts.total_worked, 2s);
  EXPECT_EQ(counts.retries, 1);
  EXPECT_EQ(counts.added, 3);
  EXPECT_TRUE(ctx.sleep(5ms).has_value());
  EXPECT_EQ(queue.waiting(), 3U);
  EXPECT_EQ(counts.added, 4);
  queue.shut_down();
  EXPECT_EQ(counts.depth, 0);
}

}  // namespace
}  // namespace klutch::async

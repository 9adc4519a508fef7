// SPDX-License-Identifier: Apache-2.0
// Fibers beside the threads they stand in for: memory of one that waits, and the cost of handing over between
// two.
#include <benchmark/benchmark.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "async/channel.h"
#include "async/loop.h"
#include "async/task_group.h"
#include "base/os/memory.h"

namespace {

using namespace klutch;
using namespace std::chrono_literals;

/// Resident bytes per fiber that sleeps, over 10,000 of them: the fiber, its timer and the touched part of
/// its stack.
void parked_fiber(benchmark::State& state) {
  constexpr int kFibers = 10'000;
  double bytes = 0;
  for (auto _ : state) {
    async::Loop loop;
    (void)loop.run([&](Ctx& ctx) -> Result<> {
      const auto before = TRY(os::memory_usage()).anonymous_bytes;
      async::TaskGroup tasks(ctx);
      for (int i = 0; i < kFibers; ++i) tasks.spawn("parked", [](Ctx& task) { return task.sleep(1h); });
      ctx.yield();
      bytes = static_cast<double>(TRY(os::memory_usage()).anonymous_bytes - before) / kFibers;
      tasks.stop(ctx);
      return {};
    });
  }
  state.counters["bytes_per_fiber"] = bytes;
}
BENCHMARK(parked_fiber)->Iterations(1)->Unit(benchmark::kMillisecond);

void spawn_and_end(benchmark::State& state) {
  async::Loop loop;
  (void)loop.run([&](Ctx& ctx) -> Result<> {
    for (auto _ : state) {
      async::TaskGroup tasks(ctx);
      tasks.spawn("short", [](Ctx&) -> Result<> { return {}; });
      TRY(tasks.wait(ctx));
    }
    return {};
  });
}
BENCHMARK(spawn_and_end);

void spawn_and_end_thread(benchmark::State& state) {
  for (auto _ : state) std::thread([] {}).join();
}
BENCHMARK(spawn_and_end_thread);

/// One value to another fiber and back: two hand-overs.
void ping_pong(benchmark::State& state) {
  async::Loop loop;
  (void)loop.run([&](Ctx& ctx) {
    return async::with_tasks(ctx, [&](async::TaskGroup& tasks) -> Result<> {
      async::Channel<int> there(1);
      async::Channel<int> back(1);
      tasks.spawn("echo", [&](Ctx& task) -> Result<> {
        while (const auto value = TRY(there.receive(task))) TRY(back.send(task, *value));
        return {};
      });
      for (auto _ : state) {
        TRY(there.send(ctx, 1));
        TRY(back.receive(ctx));
      }
      there.close();
      return tasks.wait(ctx);
    });
  });
}
BENCHMARK(ping_pong)->UseRealTime();

void ping_pong_threads(benchmark::State& state) {
  std::mutex mutex;
  std::condition_variable turn;
  int holder = 0;  // 0: us, 1: the echo, 2: the end
  std::thread echo([&] {
    std::unique_lock lock(mutex);
    for (;;) {
      turn.wait(lock, [&] { return holder != 0; });
      if (holder == 2) return;
      holder = 0;
      turn.notify_one();
    }
  });
  {
    std::unique_lock lock(mutex);
    for (auto _ : state) {
      holder = 1;
      turn.notify_one();
      turn.wait(lock, [&] { return holder == 0; });
    }
    holder = 2;
    turn.notify_one();
  }
  echo.join();
}
BENCHMARK(ping_pong_threads)->UseRealTime();

}  // namespace

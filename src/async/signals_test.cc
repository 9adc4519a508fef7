// SPDX-License-Identifier: Apache-2.0
#include "async/signals.h"

#include <unistd.h>

#include <csignal>

#include "async/loop.h"
#include "testing/fiber_test.h"

namespace klutch::async {
namespace {

using namespace std::chrono_literals;

IO_FIBER_TEST(Signals, AreKeptUntilSomebodyWaits) {
  Signals signals(ctx.loop(), {SIGUSR1});
  kill(getpid(), SIGUSR1);
  EXPECT_EQ(signals.wait(ctx).value(), SIGUSR1);
  auto limited = ctx.with_timeout(1ms);
  EXPECT_TRUE(is(signals.wait(limited).error(), Code::kTimeout));
}

IO_FIBER_TEST(Signals, TermStopsABodyGracefully) {
  bool stopped = false;
  const auto result = run_until_signalled(ctx, [&](Ctx& task) -> Result<> {
    kill(getpid(), SIGTERM);
    auto slept = task.sleep(1h);
    stopped = is(slept.error(), Code::kCancelled);
    return slept;
  });
  EXPECT_TRUE(result.has_value());
  EXPECT_TRUE(stopped);
}

IO_FIBER_TEST(Signals, ABodyThatEndsByItselfKeepsItsResult) {
  const auto result =
      run_until_signalled(ctx, [](Ctx&) -> Result<> { return fail(Code::kNotFound, "no file"); });
  EXPECT_TRUE(is(result.error(), Code::kNotFound));
}

}  // namespace
}  // namespace klutch::async

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include "async/ctx.h"
#include "async/loop.h"

// FIBER_TEST(Suite, Name) { ... }: the body runs on a fiber with `Ctx& ctx` and virtual time, so that an hour
// of waiting costs nothing. IO_FIBER_TEST uses the machine's clock, for tests with sockets or other threads;
// such a test fails after 30 seconds instead of hanging. ASSERT_* ends the test body as usual.

namespace klutch::test {

inline void run_fiber_test(async::Loop::Time time, void (*body)(Ctx&)) {
  async::Loop loop({.time = time});
  const auto result = loop.run([&](Ctx& ctx) -> Result<> {
    if (time == async::Loop::Time::kVirtual) {
      body(ctx);
    } else {
      auto limited = ctx.with_timeout(std::chrono::seconds(30));
      body(limited);
    }
    return {};
  });
  EXPECT_TRUE(result.has_value()) << result.error().message();
  EXPECT_EQ(loop.fiber_count(), 0U) << "fibers leaked";
}

}  // namespace klutch::test

#define KLUTCH_FIBER_TEST_(suite, name, time)                    \
  static void suite##_##name##_body(::klutch::Ctx& ctx);         \
  TEST(suite, name) {                                            \
    ::klutch::test::run_fiber_test(time, suite##_##name##_body); \
  }                                                              \
  static void suite##_##name##_body([[maybe_unused]] ::klutch::Ctx& ctx)

#define FIBER_TEST(suite, name) KLUTCH_FIBER_TEST_(suite, name, ::klutch::async::Loop::Time::kVirtual)
#define IO_FIBER_TEST(suite, name) KLUTCH_FIBER_TEST_(suite, name, ::klutch::async::Loop::Time::kSteady)

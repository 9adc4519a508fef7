// SPDX-License-Identifier: Apache-2.0
#include "async/channel.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "async/loop.h"
#include "async/task_group.h"
#include "testing/fiber_test.h"

namespace klutch::async {
namespace {

using namespace std::chrono_literals;

FIBER_TEST(Channel, KeepsTheOrderAndStopsTheSenderWhenFull) {
  Channel<int> channel(2);
  std::vector<int> received;
  std::size_t most = 0;
  EXPECT_TRUE(with_tasks(ctx, [&](TaskGroup& tasks) -> Result<> {
                tasks.spawn("sender", [&](Ctx& task) -> Result<> {
                  for (int i = 0; i < 10; ++i) TRY(channel.send(task, i));
                  channel.close();
                  return {};
                });
                while (const auto value = TRY(channel.receive(ctx))) {
                  most = std::max(most, channel.size() + 1);
                  received.push_back(*value);
                  ctx.yield();
                }
                return {};
              }).has_value());
  EXPECT_EQ(received, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_LE(most, 2U);
}

FIBER_TEST(Channel, ACloseWakesBothEnds) {
  Channel<int> full(1);
  Channel<int> empty(1);
  int one = 1;
  ASSERT_TRUE(full.try_send(one));
  ASSERT_FALSE(full.try_send(one));
  TaskGroup tasks(ctx);
  tasks.spawn("sender", [&](Ctx& task) -> Result<> {
    EXPECT_TRUE(is(full.send(task, 2).error(), Code::kGone));
    return {};
  });
  tasks.spawn("receiver", [&](Ctx& task) -> Result<> {
    EXPECT_EQ(empty.receive(task).value(), std::nullopt);
    return {};
  });
  ctx.yield();
  full.close();
  empty.close();
  EXPECT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_EQ(full.try_receive(), 1) << "what was inside can still be received";
}

FIBER_TEST(Channel, CarriesValuesThatCannotBeCopied) {
  Channel<std::unique_ptr<std::string>> channel(1);
  ASSERT_TRUE(channel.send(ctx, std::make_unique<std::string>("one")).has_value());
  const auto value = channel.receive(ctx);
  EXPECT_EQ(***value, "one");
}

FIBER_TEST(Channel, AReceiverThatGivesUpLosesNoValue) {
  Channel<int> channel(4);
  TaskGroup tasks(ctx, TaskGroup::OnError::kKeepGoing);
  int received = 0;
  for (int i = 0; i < 4; ++i) {
    tasks.spawn("receiver", [&, i](Ctx& task) -> Result<> {
      auto limited = task.with_timeout(i % 2 == 0 ? Duration(1s) : Duration(1h));
      const auto value = channel.receive(limited);
      if (value && *value) ++received;
      return {};
    });
  }
  // Values arrive in the very instant in which two of the receivers time out.
  ASSERT_TRUE(ctx.sleep(1s).has_value());
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(channel.send(ctx, i).has_value());
  ASSERT_TRUE(ctx.sleep(1s).has_value());
  EXPECT_EQ(received + static_cast<int>(channel.size()), 2);
  EXPECT_EQ(received, 2);
  channel.close();
  EXPECT_TRUE(tasks.wait(ctx).has_value());
}

TEST(Channel, CarriesValuesBetweenLoops) {
  constexpr int kValues = 20'000;
  Channel<int> there(16);
  Channel<int> back(16);
  std::thread echo([&] {
    Loop loop;
    EXPECT_TRUE(loop.run([&](Ctx& ctx) -> Result<> {
                      while (const auto value = TRY(there.receive(ctx))) TRY(back.send(ctx, *value));
                      back.close();
                      return {};
                    })
                    .has_value());
  });
  Loop loop;
  int expected = 0;
  EXPECT_TRUE(loop.run([&](Ctx& ctx) {
                    return with_tasks(ctx, [&](TaskGroup& tasks) -> Result<> {
                      tasks.spawn("sender", [&](Ctx& task) -> Result<> {
                        for (int i = 0; i < kValues; ++i) TRY(there.send(task, i));
                        there.close();
                        return {};
                      });
                      while (const auto value = TRY(back.receive(ctx))) {
                        if (*value != expected++) return fail(Code::kInternal, "out of order");
                      }
                      return {};
                    });
                  })
                  .has_value());
  echo.join();
  EXPECT_EQ(expected, kValues);
}

TEST(Channel, TimeoutsOnOneLoopAndValuesFromAnotherNeverLoseAnything) {
  constexpr int kValues = 5'000;
  Channel<int> channel(4);
  std::thread sender([&] {
    Loop loop;
    EXPECT_TRUE(loop.run([&](Ctx& ctx) -> Result<> {
                      for (int i = 0; i < kValues; ++i) TRY(channel.send(ctx, i));
                      channel.close();
                      return {};
                    })
                    .has_value());
  });
  Loop loop;
  int received = 0;
  EXPECT_TRUE(loop.run([&](Ctx& ctx) -> Result<> {
                    for (bool open = true; open;) {
                      auto impatient = ctx.with_timeout(1us);
                      auto value = channel.receive(impatient);
                      if (!value) continue;
                      open = value->has_value();
                      received += open ? 1 : 0;
                    }
                    return {};
                  })
                  .has_value());
  sender.join();
  EXPECT_EQ(received, kValues);
}

}  // namespace
}  // namespace klutch::async

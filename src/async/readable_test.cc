// SPDX-License-Identifier: Apache-2.0
#include "async/readable.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "async/task_group.h"
#include "testing/fiber_test.h"

namespace klutch::async {
namespace {

struct Pipe {
  Pipe() { EXPECT_EQ(::pipe(ends.data()), 0); }
  ~Pipe() {
    ::close(ends[0]);
    if (ends[1] >= 0) ::close(ends[1]);
  }
  void close_writer() {
    ::close(ends[1]);
    ends[1] = -1;
  }
  std::array<int, 2> ends{};
};

IO_FIBER_TEST(WaitReadable, ReturnsWhenThereIsSomethingToRead) {
  Pipe pipe;
  TaskGroup tasks(ctx);
  tasks.spawn("writer", [&](Ctx& task) -> Result<> {
    task.yield();
    EXPECT_EQ(::write(pipe.ends[1], "x", 1), 1);
    return {};
  });
  EXPECT_TRUE(wait_readable(ctx, pipe.ends[0]));
  EXPECT_TRUE(wait_readable(ctx, pipe.ends[0]));  // still, and the descriptor is still ours
  EXPECT_TRUE(tasks.wait(ctx));
}

IO_FIBER_TEST(WaitReadable, ReturnsWhenTheOtherEndCloses) {
  Pipe pipe;
  pipe.close_writer();
  EXPECT_TRUE(wait_readable(ctx, pipe.ends[0]));
}

IO_FIBER_TEST(WaitReadable, EndsWithTheDeadline) {
  Pipe pipe;
  auto limited = ctx.with_timeout(std::chrono::milliseconds(5));
  EXPECT_EQ(wait_readable(limited, pipe.ends[0]).error().code(), Code::kTimeout);
}

IO_FIBER_TEST(WaitReadable, RefusesWhatCannotBeWaitedFor) {
  EXPECT_EQ(wait_readable(ctx, 12345).error().code(), Code::kInvalid);
}

}  // namespace
}  // namespace klutch::async

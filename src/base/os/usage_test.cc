// SPDX-License-Identifier: Apache-2.0
#include "base/os/usage.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/os/descriptor.h"
#include "base/os/memory.h"

namespace klutch::os {
namespace {

TEST(MemoryUsage, GrowsWithWhatIsTouched) {
  const auto before = memory_usage().value();
  constexpr std::size_t kSize = 32 << 20;
  const auto block = std::make_unique<char[]>(kSize);  // value-initialised, so every page is touched
  ASSERT_EQ(block[kSize / 2], 0);
  const auto after = memory_usage().value();
  EXPECT_GT(after.anonymous_bytes, before.anonymous_bytes + kSize / 2);
  EXPECT_GT(after.resident_bytes, before.resident_bytes + kSize / 2);
  EXPECT_GE(after.peak_bytes, after.resident_bytes - kSize / 2);
  EXPECT_GT(after.virtual_bytes, after.resident_bytes);
}

TEST(MemoryUsage, OwnPidIsSelfAndUnknownPidsAreNotFound) {
  EXPECT_GT(memory_usage(::getpid()).value().resident_bytes, 0U);
  EXPECT_TRUE(is(memory_usage(0x7FFFFFF0).error(), Code::kNotFound));
}

TEST(ProcessUsage, CountsOpenFilesProcessorTimeAndStart) {
  const auto before = process_usage().value();
  const auto pipe = make_pipe().value();
  const auto after = process_usage().value();
  EXPECT_EQ(after.open_files, before.open_files + 2);
  EXPECT_GE(after.cpu_seconds, before.cpu_seconds);
  EXPECT_GT(after.max_open_files, 0U);
  EXPECT_EQ(after.started, before.started);
  EXPECT_LT(after.started, system_clock().now() + std::chrono::seconds(5));
  EXPECT_GT(after.started, system_clock().now() - std::chrono::hours(24));
}

}  // namespace
}  // namespace klutch::os

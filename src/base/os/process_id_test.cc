// SPDX-License-Identifier: Apache-2.0
#include "base/os/process_id.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "base/os/process.h"

namespace klutch::os {
namespace {

using namespace std::chrono_literals;

Process start_sleeper() {
  return Process::spawn({.argv = {"/bin/sleep", "600"}}).value();
}

TEST(ProcessId, TextSurvivesARoundTrip) {
  const auto self = identify_process(::getpid()).value();
  EXPECT_EQ(self.pid, ::getpid());
  EXPECT_EQ(parse_process_id(to_string(self)).value(), self);
}

TEST(ProcessId, MalformedTextIsRefused) {
  const std::string boot = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
  const std::vector<std::string> texts = {"",
                                          "1",
                                          "1:2",
                                          "1:2:x",
                                          "0:2:" + boot,
                                          "-1:2:" + boot,
                                          "1:-2:" + boot,
                                          "1:2:" + boot + ":",
                                          "1x:2:" + boot,
                                          "99999999999:2:" + boot,
                                          " 1:2:" + boot};
  for (const auto& text : texts) {
    const auto parsed = parse_process_id(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_TRUE(is(parsed.error(), Code::kInvalid)) << text;
  }
}

TEST(ProcessId, OnlyTheSameStartOnTheSameBootIsTheSameProcess) {
  auto id = identify_process(::getpid()).value();
  EXPECT_TRUE(is_running(id).value());
  auto other_start = id;
  ++other_start.start_ticks;
  EXPECT_FALSE(is_running(other_start).value());
  auto other_boot = id;
  other_boot.boot_id = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
  EXPECT_FALSE(is_running(other_boot).value());
  EXPECT_FALSE(ForeignProcess::adopt(other_start).value().has_value());
  EXPECT_FALSE(ForeignProcess::adopt(other_boot).value().has_value());
}

TEST(ProcessId, AZombieDoesNotRunAndAReapedOneIsGone) {
  auto child = start_sleeper();
  EXPECT_TRUE(is_running(child.id()).value());
  ASSERT_TRUE(child.kill().value());
  const auto foreign = ForeignProcess::adopt(child.id()).value();
  EXPECT_TRUE(!foreign || foreign->wait_exit(60s).value());
  EXPECT_FALSE(is_running(child.id()).value());
  ASSERT_TRUE(child.wait().has_value());
  EXPECT_FALSE(is_running(child.id()).value());
  EXPECT_TRUE(is(identify_process(child.id().pid).error(), Code::kNotFound));
  EXPECT_FALSE(ForeignProcess::adopt(child.id()).value().has_value());
}

TEST(ProcessId, AnAdoptedProcessCanBeSignalledAndWaitedFor) {
  auto child = start_sleeper();
  const auto adopted = ForeignProcess::adopt(parse_process_id(to_string(child.id())).value()).value();
  ASSERT_TRUE(adopted.has_value());
  EXPECT_FALSE(adopted->wait_exit(0s).value());
  EXPECT_TRUE(adopted->send(SIGTERM).value());
  EXPECT_TRUE(adopted->wait_exit(60s).value());
  EXPECT_EQ(child.wait().value().signal, SIGTERM);
  EXPECT_FALSE(adopted->send(SIGTERM).value());
}

TEST(ProcessId, PidsBelowOneAreNeverAdopted) {
  EXPECT_TRUE(is(ForeignProcess::adopt({}).error(), Code::kInvalid));
  EXPECT_TRUE(
      is(ForeignProcess::adopt({.pid = -1, .start_ticks = 0, .boot_id = {}}).error(), Code::kInvalid));
}

}  // namespace
}  // namespace klutch::os

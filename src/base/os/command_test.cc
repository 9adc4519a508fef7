// SPDX-License-Identifier: Apache-2.0
#include "base/os/command.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

namespace klutch::os {
namespace {

using namespace std::chrono_literals;

Command script_command(std::string script) {
  return {.argv = {"/bin/sh", "-c", std::move(script)}, .err = Redirect::null(), .own_group = true};
}

TEST(RunCommand, CollectsBothStreamsAndTheStatus) {
  const auto result = run_command(script_command("cat; echo bad >&2; exit 4"), "good").value();
  EXPECT_EQ(result.out, "good");
  EXPECT_EQ(result.err, "bad\n");
  EXPECT_EQ(result.status.code, 4);
}

TEST(RunCommand, LargeInputAndOutputDoNotBlockEachOther) {
  const std::string input(1 << 20, 'x');
  EXPECT_EQ(run_command(script_command("cat"), input).value().out, input);
}

TEST(RunCommand, InputNobodyReadsIsNoFailure) {
  EXPECT_TRUE(
      run_command(script_command("exec <&-; exit 0"), std::string(1 << 20, 'x')).value().status.success());
}

TEST(RunCommand, OutstayingTheTimeLimitKills) {
  const auto result = run_command(script_command("sleep 600 & sleep 600"), {}, {.time = 20ms});
  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(is(result.error(), Code::kTimeout));
}

TEST(RunCommand, CanBeStoppedFromOutside) {
  auto stop = make_pipe().value();
  std::jthread stopper([&] { stop.write_end.reset(); });
  const auto result =
      run_command(script_command("sleep 600 & sleep 600"), {}, {.stop_fd = stop.read_end.get()});
  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(is(result.error(), Code::kCancelled));
}

TEST(RunCommand, StandardInputCanBeOurs) {
  auto command = script_command("cat");
  command.in = Redirect::inherit();
  const auto pipe = make_pipe().value();
  ASSERT_TRUE(write_all(pipe.write_end.get(), "ours", "cannot write"));
  const int saved = ::dup(STDIN_FILENO);
  ::dup2(pipe.read_end.get(), STDIN_FILENO);
  command.argv = {"/bin/sh", "-c", "head -c 4"};
  const auto result = run_command(command);
  ::dup2(saved, STDIN_FILENO);
  ::close(saved);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->out, "ours");
}

TEST(RunCommand, EndlessOutputIsCutOff) {
  const auto result = run_command(script_command("yes"), {}, {.output_bytes = 1000});
  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(is(result.error(), Code::kTooLarge));
  EXPECT_TRUE(
      is(run_command(script_command("yes >&2"), {}, {.output_bytes = 1000}).error(), Code::kTooLarge));
}

TEST(RunCommand, AProgramThatDoesNotExistIsNamed) {
  const auto result = run_command({.argv = {"/nonexistent/plugin"}});
  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(is(result.error(), Code::kNotFound));
  EXPECT_NE(result.error().message().find("/nonexistent/plugin"), std::string::npos);
}

}  // namespace
}  // namespace klutch::os

// SPDX-License-Identifier: Apache-2.0
#include "base/os/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/os/environment.h"
#include "base/os/file.h"
#include "base/strings.h"

namespace klutch::os {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

Command shell(std::string script) {
  return {.argv = {"/bin/sh", "-c", std::move(script)}};
}

/// What a script prints, and that it ended well.
std::string output_of(Command command) {
  command.out = Redirect::pipe();
  auto process = Process::spawn(command).value();
  auto text = read_all(process.out.get(), 1 << 20, "cannot read").value();
  EXPECT_TRUE(process.wait().value().success());
  return text;
}

TEST(Process, ExitStatusIsTheProgramsOwn) {
  auto process = Process::spawn(shell("exit 3")).value();
  const auto status = process.wait().value();
  EXPECT_EQ(status.code, 3);
  EXPECT_FALSE(status.success());
  EXPECT_EQ(status.describe(), "exited with status 3");
  EXPECT_EQ(process.wait().value().code, 3) << "asking again gives the same answer";
}

TEST(Process, ASignalIsToldApartFromAStatus) {
  auto process = Process::spawn(shell("kill -9 $$")).value();
  const auto status = process.wait().value();
  EXPECT_EQ(status.signal, SIGKILL);
  EXPECT_FALSE(status.success());
  EXPECT_EQ(status.describe(), "killed by signal 9 (SIGKILL)");
}

TEST(Process, ArgumentsAreNotInterpreted) {
  EXPECT_EQ(output_of({.argv = {"printf", "%s|%s", "$HOME; *", "a b"}}), "$HOME; *|a b");
}

TEST(Process, EnvironmentIsExactlyTheOneGiven) {
  EXPECT_EQ(output_of({.argv = {"/usr/bin/env"}, .env = std::vector<std::string>{"A=1", "B=x y"}}),
            "A=1\nB=x y\n");
  const ScopedEnv variable("KLUTCH_TEST_VARIABLE", "inherited");
  EXPECT_THAT(output_of({.argv = {"/usr/bin/env"}}), HasSubstr("KLUTCH_TEST_VARIABLE=inherited\n"));
}

TEST(Process, StartsInTheDirectoryGiven) {
  EXPECT_EQ(output_of({.argv = {"/bin/pwd"}, .directory = "/"}), "/\n");
}

TEST(Process, StreamsGoWhereTheyAreRedirected) {
  const auto dir = TempDir::create().value();
  ASSERT_TRUE(write_file_atomic(dir.file("in"), "input").has_value());
  auto command = shell("cat; echo failure >&2");
  command.in = Redirect::file(dir.file("in"));
  command.out = Redirect::file(dir.file("out"));
  command.err = Redirect::file(dir.file("err"));
  for (int run = 0; run < 2; ++run) ASSERT_TRUE(Process::spawn(command).value().wait().value().success());
  EXPECT_EQ(read_file(dir.file("out")).value(), "inputinput") << "output is appended";
  EXPECT_EQ(read_file(dir.file("err")).value(), "failure\nfailure\n");
  EXPECT_EQ(find_file(dir.file("out")).value()->mode & 077U, 0U);
}

TEST(Process, PipesCarryInputAndOutput) {
  auto process =
      Process::spawn({.argv = {"/bin/cat"}, .in = Redirect::pipe(), .out = Redirect::pipe()}).value();
  ASSERT_TRUE(write_all(process.in.get(), "hello", "cannot write").has_value());
  process.in.reset();
  EXPECT_EQ(read_all(process.out.get(), 100, "cannot read").value(), "hello");
  EXPECT_TRUE(process.wait().value().success());
}

TEST(Process, ABorrowedDescriptorServesAsStandardError) {
  auto pipe = make_pipe().value();
  auto command = shell("echo oops >&2");
  command.err = Redirect::descriptor(pipe.write_end.get());
  auto process = Process::spawn(command).value();
  pipe.write_end.reset();
  EXPECT_EQ(read_all(pipe.read_end.get(), 100, "cannot read").value(), "oops\n");
  EXPECT_TRUE(process.wait().value().success());
}

TEST(Process, NothingButTheStandardStreamsIsInherited) {
  const int leaky = ::open("/dev/null", O_RDONLY);  // as a careless library would, without O_CLOEXEC
  ASSERT_GE(leaky, 3);
  // ls itself opens one descriptor to read the directory.
  EXPECT_EQ(output_of({.argv = {"/bin/ls", "/proc/self/fd"}}), "0\n1\n2\n3\n");
  ::close(leaky);
}

TEST(Process, IgnoredAndBlockedSignalsAreBackToNormal) {
  // test_main ignores SIGPIPE, as all programs do; a child must not inherit that.
  const auto status = output_of({.argv = {"/bin/grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status"}});
  // The C library keeps signals 32 and 33 to itself: a parent may leave them ignored, and nobody can change
  // that.
  EXPECT_THAT(status, testing::MatchesRegex("SigBlk:\t0{16}\nSigIgn:\t0{7}[01][08]0{7}\n"));
}

TEST(Process, WhatCannotBeStartedIsAnErrorAtOnce) {
  const auto absent = Process::spawn({.argv = {"/nonexistent/program"}});
  ASSERT_FALSE(absent.has_value());
  EXPECT_TRUE(is(absent.error(), Code::kNotFound));
  EXPECT_THAT(absent.error().message(), HasSubstr("/nonexistent/program"));
  EXPECT_TRUE(is(Process::spawn({.argv = {"/etc/passwd"}}).error(), Code::kForbidden));
  EXPECT_TRUE(is(Process::spawn({.argv = {"no-such-program-in-path"}}).error(), Code::kNotFound));
  EXPECT_TRUE(is(Process::spawn({}).error(), Code::kInvalid));
  EXPECT_TRUE(is(Process::spawn({.argv = {"/bin/true", std::string("a\0b", 3)}}).error(), Code::kInvalid));
  EXPECT_TRUE(is(Process::spawn({.argv = {"/bin/true"}, .env = std::vector<std::string>{"novalue"}}).error(),
                 Code::kInvalid));
  const auto nowhere = Process::spawn({.argv = {"/bin/true"}, .directory = "/nonexistent"});
  EXPECT_THAT(nowhere.error().message(), HasSubstr("/nonexistent"));
  const auto no_input = Process::spawn({.argv = {"/bin/true"}, .in = Redirect::file("/nonexistent")});
  EXPECT_TRUE(is(no_input.error(), Code::kNotFound));
}

TEST(Process, TerminationAndPollingWork) {
  auto process = Process::spawn({.argv = {"/bin/sleep", "600"}}).value();
  EXPECT_FALSE(process.try_wait().value().has_value());
  EXPECT_TRUE(process.terminate().value());
  EXPECT_EQ(process.wait().value().signal, SIGTERM);
  EXPECT_EQ(process.try_wait().value()->signal, SIGTERM);
  EXPECT_FALSE(process.kill().value()) << "it has ended";
}

TEST(Process, AGroupSignalReachesGrandchildren) {
  auto command = shell("sleep 600 & echo started; wait");
  command.out = Redirect::pipe();
  command.own_group = true;
  auto process = Process::spawn(command).value();
  char line[16] = {};
  ASSERT_GT(::read(process.out.get(), line, sizeof line), 0);
  EXPECT_TRUE(process.send_group(SIGKILL).value());
  // The pipe reaches its end only when the grandchild is dead, too.
  EXPECT_EQ(read_all(process.out.get(), 100, "cannot read").value(), "");
  EXPECT_EQ(process.wait().value().signal, SIGKILL);
  EXPECT_FALSE(process.send_group(SIGKILL).value()) << "never again after it was waited for";
}

TEST(Process, WithoutAGroupOfItsOwnAGroupSignalIsRefused) {
  auto process = Process::spawn({.argv = {"/bin/true"}}).value();
  EXPECT_TRUE(is(process.send_group(SIGTERM).error(), Code::kInvalid));
  EXPECT_TRUE(process.wait().has_value());
}

/// Run in a child of this test: starts a sleeper bound to that child and says who it is.
[[noreturn]] void start_bound_sleeper_and_die(int report) {
  auto sleeper = Process::spawn({.argv = {"/bin/sleep", "600"},
                                 .out = Redirect::null(),
                                 .err = Redirect::null(),
                                 .die_with_parent = true});
  if (sleeper) (void)write_all(report, to_string(sleeper->id()), "cannot report");
  ::_exit(0);
}

TEST(Process, DiesWithItsParentWhenAskedTo) {
  auto pipe = make_pipe().value();
  const pid_t middle = ::fork();
  if (middle == 0) start_bound_sleeper_and_die(pipe.write_end.get());
  pipe.write_end.reset();
  const auto id = parse_process_id(read_all(pipe.read_end.get(), 200, "cannot read").value()).value();
  const auto orphan = ForeignProcess::adopt(id).value();
  const bool dead = !orphan || orphan->wait_exit(60s).value();
  EXPECT_TRUE(dead);
  if (!dead) (void)orphan->send(SIGKILL);
  int status = 0;
  EXPECT_EQ(::waitpid(middle, &status, 0), middle);
}

TEST(Process, ManyStartsLeakNoDescriptors) {
  const auto before = list_directory("/proc/self/fd").value().size();
  for (int i = 0; i < 20; ++i) {
    auto process =
        Process::spawn({.argv = {"/bin/true"}, .in = Redirect::pipe(), .out = Redirect::pipe()}).value();
    EXPECT_TRUE(process.wait().value().success());
    EXPECT_FALSE(Process::spawn({.argv = {"/nonexistent"}, .in = Redirect::pipe()}).has_value());
  }
  EXPECT_EQ(list_directory("/proc/self/fd").value().size(), before);
}

}  // namespace
}  // namespace klutch::os

// SPDX-License-Identifier: Apache-2.0
#include "base/os/descriptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

namespace klutch::os {
namespace {

using namespace std::chrono_literals;

TEST(Descriptor, ClosesWhatItOwnsAndPassesItOnByMove) {
  auto pipe = make_pipe().value();
  const int number = pipe.read_end.get();
  {
    Descriptor moved = std::move(pipe.read_end);
    EXPECT_FALSE(pipe.read_end.is_open());
    EXPECT_EQ(moved.get(), number);
    EXPECT_NE(::fcntl(number, F_GETFD), -1);
  }
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

TEST(Descriptor, EverythingIsClosedOnExec) {
  const auto pipe = make_pipe().value();
  const auto copy = duplicate(pipe.read_end.get()).value();
  for (const int fd : {pipe.read_end.get(), pipe.write_end.get(), copy.get()}) {
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_GE(copy.get(), 3);
}

TEST(Descriptor, ReadingStopsAtTheLimit) {
  auto pipe = make_pipe().value();
  ASSERT_TRUE(write_all(pipe.write_end.get(), "123456", "cannot write").has_value());
  pipe.write_end.reset();
  const auto too_much = read_all(pipe.read_end.get(), 5, "cannot read it");
  ASSERT_FALSE(too_much.has_value());
  EXPECT_TRUE(is(too_much.error(), Code::kTooLarge));
}

TEST(Descriptor, ReadingExactlyTheLimitSucceeds) {
  auto pipe = make_pipe().value();
  ASSERT_TRUE(write_all(pipe.write_end.get(), "12345", "cannot write").has_value());
  pipe.write_end.reset();
  EXPECT_EQ(read_all(pipe.read_end.get(), 5, "cannot read it").value(), "12345");
}

TEST(Descriptor, WritingToAReaderThatStoppedGivesUp) {
  const auto pipe = make_pipe().value();
  const std::string endless(4 << 20, 'x');
  const auto written = write_within(pipe.write_end.get(), endless, 5ms);
  EXPECT_GT(written, 0U);
  EXPECT_LT(written, endless.size());
  EXPECT_EQ(write_within(pipe.write_end.get(), "more", 0ms), 0U);
}

TEST(Descriptor, WritingToAReaderThatKeepsUpDeliversEverything) {
  auto pipe = make_pipe().value();
  const std::string text(1 << 20, 'x');
  std::string received;
  std::thread reader(
      [&] { received = read_all(pipe.read_end.get(), text.size(), "cannot read").value_or(""); });
  EXPECT_EQ(write_within(pipe.write_end.get(), text, 60s), text.size());
  pipe.write_end.reset();
  reader.join();
  EXPECT_EQ(received, text);
}

TEST(Descriptor, WritingToAClosedReaderReturnsAtOnce) {
  auto pipe = make_pipe().value();
  pipe.read_end.reset();
  EXPECT_EQ(write_within(pipe.write_end.get(), "text", 60s), 0U);
}

TEST(Descriptor, APipeIsNoTerminal) {
  EXPECT_FALSE(is_terminal(make_pipe().value().read_end.get()));
  EXPECT_FALSE(is_terminal(-1));
}

}  // namespace
}  // namespace klutch::os

// SPDX-License-Identifier: Apache-2.0
#include "obs/log_sink.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace klutch::obs {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

TEST(DescriptorSink, WritesLinesInOrder) {
  auto pipe = os::make_pipe().value();
  {
    DescriptorSink sink(std::move(pipe.write_end));
    EXPECT_TRUE(sink.write("one"));
    EXPECT_TRUE(sink.write("two"));
  }
  EXPECT_EQ(os::read_all(pipe.read_end.get(), 100, "cannot read").value(), "one\ntwo\n");
}

/// Reads what is in a pipe without waiting for its end.
std::string drain(int fd) {
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  std::string all;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(fd, buffer, sizeof buffer)) > 0;)
    all.append(buffer, static_cast<std::size_t>(count));
  return all;
}

TEST(DescriptorSink, AReaderThatStoppedCostsLinesAndNeverBlocks) {
  const auto pipe = os::make_pipe().value();
  DescriptorSink sink(pipe.write_end.get(), 1ms);
  const std::string line(3000, 'x');
  int written = 0;
  while (sink.write(line)) ++written;
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(sink.write(line));
  (void)drain(pipe.read_end.get());
  EXPECT_TRUE(sink.write("recovered"));
  EXPECT_GT(written, 5);
}

TEST(DescriptorSink, ALineThatWentOutInPartIsEndedBeforeTheNext) {
  const auto pipe = os::make_pipe().value();
  ASSERT_GT(::fcntl(pipe.write_end.get(), F_SETPIPE_SZ, 4096 * 4), 0);
  DescriptorSink sink(pipe.write_end.get(), 1ms);
  EXPECT_FALSE(sink.write(std::string(100'000, 'x')));
  const auto first = drain(pipe.read_end.get());
  EXPECT_GT(first.size(), 0U);
  EXPECT_TRUE(sink.write("next"));
  EXPECT_EQ(drain(pipe.read_end.get()), "\nnext\n");
  EXPECT_TRUE(sink.write("after"));
  EXPECT_EQ(drain(pipe.read_end.get()), "after\n");
}

TEST(DescriptorSink, AClosedReaderIsNotFatal) {
  auto pipe = os::make_pipe().value();
  pipe.read_end.reset();
  DescriptorSink sink(pipe.write_end.get(), 1ms);
  EXPECT_FALSE(sink.write("nobody"));
}

TEST(MemorySink, ForgetsTheOldestBeyondItsCapacity) {
  MemorySink sink(2);
  for (const std::string_view line : {"1", "2", "3"}) sink.write(line);
  EXPECT_THAT(sink.lines(), ElementsAre("2", "3"));
}

}  // namespace
}  // namespace klutch::obs

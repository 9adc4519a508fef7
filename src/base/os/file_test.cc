// SPDX-License-Identifier: Apache-2.0
#include "base/os/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

namespace klutch::os {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FileTest : public ::testing::Test {
 protected:
  std::string path(std::string_view name) { return dir_.file(name); }
  TempDir dir_ = TempDir::create().value();
};

using File = FileTest;

TEST_F(File, WrittenContentIsReadBack) {
  const std::string content("a\0b\n", 4);
  ASSERT_TRUE(write_file_atomic(path("f"), content).has_value());
  EXPECT_EQ(read_file(path("f")).value(), content);
  EXPECT_EQ(find_file(path("f")).value()->size, content.size());
}

TEST_F(File, NewFilesAreForTheirOwnerOnlyWhateverTheUmask) {
  const mode_t before = ::umask(0);
  ASSERT_TRUE(write_file_atomic(path("atomic"), "x").has_value());
  ASSERT_TRUE(append_file(path("appended"), "x").has_value());
  ::umask(0777);
  ASSERT_TRUE(write_file_atomic(path("shared"), "x", 0644).has_value());
  ::umask(before);
  EXPECT_EQ(find_file(path("atomic")).value()->mode, 0600U);
  EXPECT_EQ(find_file(path("appended")).value()->mode, 0600U);
  EXPECT_EQ(find_file(path("shared")).value()->mode, 0644U);
}

TEST_F(File, ReplacingLeavesNothingElseBehind) {
  for (const std::string_view content : {"one", "two", "three"}) {
    ASSERT_TRUE(write_file_atomic(path("f"), content).has_value());
  }
  EXPECT_EQ(read_file(path("f")).value(), "three");
  EXPECT_THAT(list_directory(dir_.path()).value(), ElementsAre("f"));
}

TEST_F(File, ASymbolicLinkAtTheTargetIsReplacedAndItsVictimUntouched) {
  ASSERT_TRUE(write_file_atomic(path("victim"), "precious").has_value());
  ASSERT_EQ(::symlink(path("victim").c_str(), path("f").c_str()), 0);
  ASSERT_TRUE(write_file_atomic(path("f"), "new").has_value());
  EXPECT_EQ(read_file(path("victim")).value(), "precious");
  EXPECT_EQ(find_file(path("f")).value()->kind, FileKind::kRegular);
}

TEST_F(File, AFailedReplacementKeepsTheOldAndCleansUp) {
  // A directory with something in it cannot be renamed over: the write got as far as it can and then failed.
  ASSERT_TRUE(make_directories(path("d/inside")).has_value());
  const auto written = write_file_atomic(path("d"), "new");
  ASSERT_FALSE(written.has_value());
  EXPECT_THAT(written.error().message(), HasSubstr(path("d")));
  EXPECT_THAT(list_directory(dir_.path()).value(), ElementsAre("d"));
  EXPECT_THAT(list_directory(path("d")).value(), ElementsAre("inside"));
}

TEST_F(File, ADiskThatFillsUpHalfwayKeepsTheOldAndCleansUp) {
  ASSERT_TRUE(write_file_atomic(path("f"), "old").has_value());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto written = write_file_atomic(path("f"), std::string(100'000, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(written.has_value());
  EXPECT_TRUE(is(written.error(), Code::kTooLarge));
  EXPECT_EQ(read_file(path("f")).value(), "old");
  EXPECT_THAT(list_directory(dir_.path()).value(), ElementsAre("f"));
}

TEST_F(File, AFullDiskIsUnavailable) {
  const auto appended = append_file("/dev/full", "x");
  ASSERT_FALSE(appended.has_value());
  EXPECT_TRUE(is(appended.error(), Code::kUnavailable));
  EXPECT_THAT(appended.error().message(), HasSubstr("/dev/full"));
}

TEST_F(File, ReadingNamesThePathAndTheCause) {
  const auto absent = read_file(path("absent"));
  ASSERT_FALSE(absent.has_value());
  EXPECT_TRUE(is(absent.error(), Code::kNotFound));
  EXPECT_THAT(absent.error().message(), HasSubstr(path("absent")));
  EXPECT_TRUE(is(read_file(dir_.path()).error(), Code::kInvalid));
}

TEST_F(File, UnreadableFilesAreForbidden) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  ASSERT_TRUE(write_file_atomic(path("f"), "x", 0000).has_value());
  EXPECT_TRUE(is(read_file(path("f")).error(), Code::kForbidden));
}

TEST_F(File, ReadingIsBounded) {
  ASSERT_TRUE(write_file_atomic(path("f"), "12345").has_value());
  EXPECT_EQ(read_file(path("f"), 5).value(), "12345");
  EXPECT_TRUE(is(read_file(path("f"), 4).error(), Code::kTooLarge));
  EXPECT_TRUE(is(read_file("/dev/zero", 1000).error(), Code::kTooLarge));
  EXPECT_EQ(read_file("/dev/null").value(), "");
}

TEST_F(File, AFifoIsRefusedInsteadOfWaitedFor) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_TRUE(is(read_file(path("fifo")).error(), Code::kInvalid));
}

TEST_F(File, AppendingAddsAtTheEnd) {
  ASSERT_TRUE(append_file(path("f"), "one\n").has_value());
  ASSERT_TRUE(append_file(path("f"), "two\n").has_value());
  EXPECT_EQ(read_file(path("f")).value(), "one\ntwo\n");
}

TEST_F(File, RemovingSaysWhetherThereWasSomething) {
  ASSERT_TRUE(write_file_atomic(path("f"), "x").has_value());
  EXPECT_TRUE(remove_file(path("f")).value());
  EXPECT_FALSE(remove_file(path("f")).value());
  EXPECT_FALSE(find_file(path("f")).value().has_value());
  EXPECT_TRUE(is(remove_file(dir_.path()).error(), Code::kInvalid));
}

TEST_F(File, RemovingATreeDoesNotFollowLinksOutOfIt) {
  ASSERT_TRUE(make_directories(path("tree/deep/er")).has_value());
  ASSERT_TRUE(write_file_atomic(path("outside"), "x").has_value());
  ASSERT_EQ(::symlink(dir_.path().c_str(), path("tree/link").c_str()), 0);
  ASSERT_TRUE(remove_tree(path("tree")).has_value());
  EXPECT_THAT(list_directory(dir_.path()).value(), ElementsAre("outside"));
  EXPECT_TRUE(remove_tree(path("tree")).has_value());
}

TEST_F(File, DirectoriesAreMadeWithTheirParentsAndOnlyOnce) {
  EXPECT_TRUE(make_directories(path("a/b/c")).has_value());
  EXPECT_TRUE(make_directories(path("a/b/c")).has_value());
  EXPECT_EQ(find_file(path("a/b")).value()->mode, 0700U);
  ASSERT_TRUE(write_file_atomic(path("f"), "x").has_value());
  EXPECT_TRUE(is(make_directories(path("f")).error(), Code::kInvalid));
  EXPECT_TRUE(is(make_directories(path("f/g")).error(), Code::kInvalid));
}

TEST_F(File, ListingIsSortedAndBounded) {
  for (const std::string_view name : {"b", "c", "a"}) ASSERT_TRUE(append_file(path(name), "").has_value());
  EXPECT_THAT(list_directory(dir_.path()).value(), ElementsAre("a", "b", "c"));
  EXPECT_TRUE(is(list_directory(dir_.path(), 2).error(), Code::kTooLarge));
  EXPECT_TRUE(is(list_directory(path("absent")).error(), Code::kNotFound));
}

TEST_F(File, PrivateMeansNobodyElseMayReadOrWrite) {
  ASSERT_TRUE(write_file_atomic(path("f"), "key", 0600).has_value());
  EXPECT_TRUE(require_private(path("f")).has_value());
  for (const unsigned mode : {0640U, 0604U, 0602U, 0620U, 0777U}) {
    ASSERT_EQ(::chmod(path("f").c_str(), mode), 0);
    EXPECT_TRUE(is(require_private(path("f")).error(), Code::kForbidden)) << std::oct << mode;
  }
  EXPECT_TRUE(is(require_private(path("absent")).error(), Code::kNotFound));
}

TEST(TempDir, VanishesWithItsContent) {
  std::string where;
  {
    auto dir = TempDir::create("klutch-test").value();
    where = dir.path();
    EXPECT_EQ(find_file(where).value()->mode, 0700U);
    ASSERT_TRUE(append_file(dir.file("f"), "x").has_value());
    const TempDir moved = std::move(dir);
    EXPECT_EQ(moved.path(), where);
  }
  EXPECT_FALSE(find_file(where).value().has_value());
}

TEST_F(File, ALockHasOneHolderAtATime) {
  {
    const auto held = FileLock::try_acquire(path("lock")).value();
    ASSERT_TRUE(held.has_value());
    EXPECT_FALSE(FileLock::try_acquire(path("lock")).value().has_value());
    EXPECT_TRUE(FileLock::try_acquire(path("other")).value().has_value());
  }
  EXPECT_TRUE(FileLock::try_acquire(path("lock")).value().has_value());
}

TEST_F(File, ALockSaysWhoHoldsIt) {
  EXPECT_EQ(FileLock::last_holder(path("lock")), std::nullopt);
  const auto held = FileLock::try_acquire(path("lock")).value();
  EXPECT_EQ(FileLock::last_holder(path("lock")), ::getpid());
  ASSERT_TRUE(write_file_atomic(path("other"), "no number\n").has_value());
  EXPECT_EQ(FileLock::last_holder(path("other")), std::nullopt);
}

TEST_F(File, ReplacingMovesAFinishedFileIntoPlace) {
  ASSERT_TRUE(write_file_atomic(path("old"), "old").has_value());
  ASSERT_TRUE(write_file_atomic(path("new"), "new").has_value());
  ASSERT_TRUE(replace_file(path("new"), path("old")).has_value());
  EXPECT_EQ(read_file(path("old")).value(), "new");
  EXPECT_EQ(find_file(path("new")).value(), std::nullopt);
  const auto missing = replace_file(path("new"), path("old"));
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code(), Code::kNotFound);
  EXPECT_NE(missing.error().message().find(path("new")), std::string::npos);
  EXPECT_EQ(read_file(path("old")).value(), "new");
}

TEST_F(File, OnlyDirectoriesAreSyncedAsSuch) {
  EXPECT_TRUE(sync_directory(path(".")).has_value());
  EXPECT_EQ(sync_directory(path("missing")).error().code(), Code::kNotFound);
  ASSERT_TRUE(write_file_atomic(path("file"), "x").has_value());
  EXPECT_EQ(sync_directory(path("file")).error().code(), Code::kInvalid);
}

TEST_F(File, ALockFileThatIsALinkIsRefused) {
  ASSERT_EQ(::symlink("/etc/passwd", path("lock").c_str()), 0);
  EXPECT_FALSE(FileLock::try_acquire(path("lock")).has_value());
}

TEST_F(File, AReplacedLockFileIsNotMistakenForTheLock) {
  const auto held = FileLock::try_acquire(path("lock")).value();
  ASSERT_TRUE(remove_file(path("lock")).value());
  // The name is free again, so a newcomer gets a lock on the file that has the name now.
  const auto next = FileLock::try_acquire(path("lock")).value();
  EXPECT_TRUE(next.has_value());
  EXPECT_FALSE(FileLock::try_acquire(path("lock")).value().has_value());
}

}  // namespace
}  // namespace klutch::os

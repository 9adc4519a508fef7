// SPDX-License-Identifier: Apache-2.0
#include "base/os/paths.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os/environment.h"
#include "base/os/file.h"

namespace klutch::os {
namespace {

struct PathCase {
  std::string_view path;
  std::string_view parent;
  std::string_view base;
};

TEST(Paths, ParentAndBaseTakeAPathApart) {
  const PathCase cases[] = {{"a/b", "a", "b"}, {"/a/b", "/a", "b"}, {"b", ".", "b"},
                            {"/b", "/", "b"},  {"a/b/", "a", "b"},  {"a//b", "a", "b"},
                            {"/", "/", "/"},   {"//", "/", "/"},    {"a/b.txt", "a", "b.txt"}};
  for (const auto& c : cases) {
    EXPECT_EQ(parent_path(c.path), c.parent) << c.path;
    EXPECT_EQ(base_name(c.path), c.base) << c.path;
  }
}

TEST(Paths, JoinKeepsAbsoluteNames) {
  EXPECT_EQ(join_path("a", "b"), "a/b");
  EXPECT_EQ(join_path("a/", "b"), "a/b");
  EXPECT_EQ(join_path("", "b"), "b");
  EXPECT_EQ(join_path("a", "/b"), "/b");
}

TEST(Paths, HomeComesFromTheVariableOrTheUserDatabase) {
  {
    const ScopedEnv home("HOME", "/somewhere");
    EXPECT_EQ(home_path().value(), "/somewhere");
    EXPECT_EQ(expand_tilde("~").value(), "/somewhere");
    EXPECT_EQ(expand_tilde("~/x/y").value(), "/somewhere/x/y");
    EXPECT_EQ(expand_tilde("~other/x").value(), "~other/x");
    EXPECT_EQ(expand_tilde("a/~").value(), "a/~");
  }
  const ScopedEnv relative("HOME", "not/absolute");
  const auto home = home_path();
  EXPECT_TRUE(!home || home->starts_with('/'));
}

TEST(Paths, XdgVariablesWinUnlessRelative) {
  const ScopedEnv home("HOME", "/h");
  {
    const ScopedEnv config("XDG_CONFIG_HOME", "/c");
    EXPECT_EQ(config_path("app").value(), "/c/app");
  }
  const ScopedEnv config("XDG_CONFIG_HOME", "relative");
  const ScopedEnv state("XDG_STATE_HOME", "");
  const ScopedEnv cache("XDG_CACHE_HOME", std::nullopt);
  EXPECT_EQ(config_path("app").value(), "/h/.config/app");
  EXPECT_EQ(state_path("app").value(), "/h/.local/state/app");
  EXPECT_EQ(cache_path("app").value(), "/h/.cache/app");
}

TEST(Paths, RuntimeDirectoryHasNoFallback) {
  {
    const ScopedEnv runtime("XDG_RUNTIME_DIR", "/run/user/7");
    EXPECT_EQ(runtime_path("app").value(), "/run/user/7/app");
  }
  const ScopedEnv runtime("XDG_RUNTIME_DIR", std::nullopt);
  EXPECT_TRUE(is(runtime_path("app").error(), Code::kNotFound));
}

TEST(Paths, TempPathIgnoresRelativeValues) {
  {
    const ScopedEnv temp("TMPDIR", "/t");
    EXPECT_EQ(temp_path(), "/t");
  }
  const ScopedEnv temp("TMPDIR", "t");
  EXPECT_EQ(temp_path(), "/tmp");
}

TEST(Paths, ExecutableIsThisTest) {
  EXPECT_TRUE(executable_path().value().ends_with("base_os_test"));
}

TEST(Paths, RealPathResolvesLinksAndReportsAbsence) {
  const auto dir = TempDir::create().value();
  ASSERT_TRUE(write_file_atomic(dir.file("target"), "x").has_value());
  ASSERT_EQ(::symlink("target", dir.file("link").c_str()), 0);
  EXPECT_EQ(real_path(dir.file("link")).value(), real_path(dir.file("target")).value());
  EXPECT_TRUE(is(real_path(dir.file("absent")).error(), Code::kNotFound));
}

TEST(Paths, ProgramsAreFoundInPathButNeverInRelativeDirectories) {
  const auto dir = TempDir::create().value();
  ASSERT_TRUE(write_file_atomic(dir.file("tool"), "#!/bin/sh\n", 0700).has_value());
  ASSERT_TRUE(write_file_atomic(dir.file("data"), "no program", 0600).has_value());
  {
    const ScopedEnv path("PATH", "/nowhere:" + dir.path());
    EXPECT_EQ(find_program("tool").value(), dir.file("tool"));
    EXPECT_TRUE(is(find_program("data").error(), Code::kNotFound));
    EXPECT_TRUE(is(find_program("").error(), Code::kInvalid));
    EXPECT_EQ(find_program("./x").value(), "./x");
  }
  const ScopedEnv path("PATH", ".::relative");
  EXPECT_TRUE(is(find_program("tool").error(), Code::kNotFound));
}

}  // namespace
}  // namespace klutch::os

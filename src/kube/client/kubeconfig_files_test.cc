// SPDX-License-Identifier: Apache-2.0
#include "kube/client/kubeconfig_files.h"

#include <gtest/gtest.h>

#include "base/os/environment.h"
#include "base/os/file.h"

namespace klutch::kube {
namespace {

class KubeconfigFilesTest : public ::testing::Test {
 protected:
  std::string write(std::string_view name, std::string_view text) {
    const auto path = folder_.file(name);
    EXPECT_TRUE(os::write_file_atomic(path, text));
    return path;
  }

  os::TempDir folder_ = os::TempDir::create().value();
  os::ScopedEnv home_{"HOME", folder_.path()};
  os::ScopedEnv kubeconfig_{"KUBECONFIG", std::nullopt};
};

TEST_F(KubeconfigFilesTest, WithoutAnythingItIsTheOneInTheHomeFolder) {
  const auto files = KubeconfigFiles::find();
  EXPECT_EQ(files.to_string(), folder_.path() + "/.kube/config");
  EXPECT_FALSE(files.required);
  EXPECT_TRUE(load_kubeconfig(files)->empty()) << "missing is empty";
}

TEST_F(KubeconfigFilesTest, TheVariableListsFilesOfWhichTheFirstCounts) {
  const auto one = write("one", "clusters: [{name: a, cluster: {server: s1}}]");
  const auto two =
      write("two", "current-context: x\nclusters: [{name: a, cluster: {server: s2}}, {name: b}]");
  const os::ScopedEnv list("KUBECONFIG", one + "::" + folder_.file("missing") + ":" + two + ":" + one);
  const auto files = KubeconfigFiles::find();
  EXPECT_EQ(files.paths, (std::vector<std::string>{one, folder_.file("missing"), two}));
  const auto merged = load_kubeconfig(files).value();
  EXPECT_EQ(merged.get_cluster("a")->server, "s1");
  EXPECT_TRUE(merged.get_cluster("b"));
  EXPECT_EQ(merged.current_context(), "x");
}

TEST_F(KubeconfigFilesTest, AFileThatIsNamedMustExist) {
  const os::ScopedEnv list("KUBECONFIG", write("other", "current-context: x"));
  const auto files = KubeconfigFiles::find(folder_.file("missing"));
  EXPECT_TRUE(files.required);
  const auto error = load_kubeconfig(files).error();
  EXPECT_EQ(error.code(), Code::kNotFound);
  EXPECT_NE(error.message().find(folder_.file("missing")), std::string::npos) << error.message();
}

TEST_F(KubeconfigFilesTest, OneBrokenFileFailsTheWholeAndIsNamed) {
  const auto good = write("good", "current-context: x");
  const auto bad = write("bad", "a: [\n");
  const os::ScopedEnv list("KUBECONFIG", good + ":" + bad);
  const auto error = load_kubeconfig(KubeconfigFiles::find()).error();
  EXPECT_NE(error.message().find(bad), std::string::npos) << error.message();
}

TEST_F(KubeconfigFilesTest, WhatIsSavedIsPrivate) {
  const auto path = folder_.file("saved");
  ASSERT_TRUE(save_kubeconfig(Kubeconfig::single("a", {.server = "https://a"}, {}), path));
  EXPECT_TRUE(os::require_private(path));
  EXPECT_EQ(load_kubeconfig(KubeconfigFiles::find(path))->get_cluster("a")->server, "https://a");
}

}  // namespace
}  // namespace klutch::kube

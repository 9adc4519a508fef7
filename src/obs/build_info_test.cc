// SPDX-License-Identifier: Apache-2.0
#include "obs/build_info.h"

#include <gtest/gtest.h>

namespace klutch::obs {
namespace {

TEST(BuildInfo, NamesVersionCommitAndCompiler) {
  const auto build = build_info();
  EXPECT_NE(build.version.find('.'), std::string_view::npos);
  EXPECT_FALSE(build.commit.empty());
  EXPECT_FALSE(build.compiler.empty());
  EXPECT_TRUE(describe_build().starts_with(std::string(build.version) + " ("));
}

}  // namespace
}  // namespace klutch::obs

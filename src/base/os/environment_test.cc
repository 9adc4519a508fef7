// SPDX-License-Identifier: Apache-2.0
#include "base/os/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace klutch::os {
namespace {

using ::testing::Contains;
using ::testing::Not;

TEST(Environment, ScopedChangesAreUndone) {
  const std::string name = "KLUTCH_TEST_VARIABLE";
  EXPECT_FALSE(get_env(name).has_value());
  {
    const ScopedEnv outer(name, "one");
    EXPECT_EQ(get_env(name), "one");
    EXPECT_THAT(environment(), Contains(name + "=one"));
    {
      const ScopedEnv inner(name, std::nullopt);
      EXPECT_FALSE(get_env(name).has_value());
      EXPECT_THAT(environment(), Not(Contains(name + "=one")));
    }
    EXPECT_EQ(get_env(name), "one");
  }
  EXPECT_FALSE(get_env(name).has_value());
}

TEST(Environment, AnEmptyValueIsNotAbsence) {
  const ScopedEnv empty("KLUTCH_TEST_VARIABLE", "");
  EXPECT_EQ(get_env("KLUTCH_TEST_VARIABLE"), "");
}

}  // namespace
}  // namespace klutch::os

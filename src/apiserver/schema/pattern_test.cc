// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/pattern.h"

#include <gtest/gtest.h>

#include "apiserver/schema/oracle_testing.h"

namespace klutch::apiserver {
namespace {

TEST(Pattern, MatchesAndFailsAsGoDoes) {
  expect_answers_of("src/apiserver/schema/testdata/pattern.tsv");
}

TEST(Pattern, OneThatIsNotValidMatchesNothing) {
  const Pattern pattern("(");
  EXPECT_FALSE(pattern.matches("("));
  EXPECT_TRUE(pattern.error().has_value());
}

TEST(Pattern, BacktrackersNightmaresAreHarmless) {
  EXPECT_FALSE(Pattern("^(a+)+$").matches(std::string(100000, 'a') + "b"));
}

}  // namespace
}  // namespace klutch::apiserver

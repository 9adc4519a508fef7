// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/pattern.h"

#include <gtest/gtest.h>

#include "apiserver/schema/oracle_testing.h"

namespace klutch::apiserver {
namespace {

TEST(Pattern, MatchesAndFailsAsGoDoes) {
  expect_answers_of("src/apiserver/schema/testdata/pattern.tsv");
}

TEST(Pattern, SaysWhereItWasFoundAndKeepsTheContext) {
  const Pattern digits("\\b[0-9]+");
  const auto first = digits.find("a1 22 333", 0);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->begin, 3U);
  EXPECT_EQ(first->end, 5U);
  const auto second = digits.find("a1 22 333", first->end - 1);
  ASSERT_TRUE(second) << "the second digit of 22 does not begin a word";
  EXPECT_EQ(second->begin, 6U);
  EXPECT_FALSE(digits.find("a1 22 333", 99));
  EXPECT_FALSE(Pattern("(").find("(", 0));
}

TEST(Pattern, OneThatIsNotValidMatchesNothing) {
  const Pattern pattern("(");
  EXPECT_FALSE(pattern.matches("("));
  EXPECT_TRUE(pattern.error().has_value());
}

TEST(Pattern, BacktrackersNightmaresAreHarmless) {
  std::string subject(100000, 'a');
  subject.push_back('b');
  EXPECT_FALSE(Pattern("^(a+)+$").matches(subject));
}

}  // namespace
}  // namespace klutch::apiserver

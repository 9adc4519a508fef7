// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/string_format.h"

#include <gtest/gtest.h>

#include "apiserver/schema/oracle_testing.h"

namespace klutch::apiserver {
namespace {

TEST(StringFormat, AcceptsWhatKubernetesAccepts) {
  expect_answers_of("src/apiserver/schema/testdata/format.tsv");
}

TEST(StringFormat, DashesInItsNameDoNotCount) {
  EXPECT_EQ(find_string_format("date-time"), StringFormat::kDateTime);
  EXPECT_EQ(find_string_format("d-atetim-e"), StringFormat::kDateTime);
  EXPECT_EQ(find_string_format("date-tim"), StringFormat::kNone);
  EXPECT_EQ(find_string_format("date-timex"), StringFormat::kNone);
  EXPECT_EQ(find_string_format(""), StringFormat::kNone);
}

TEST(StringFormat, WhatOnlyTheNewestKubernetesKnowsIsNotEnforced) {
  EXPECT_FALSE(is_enforced(find_string_format("k8s-short-name")));
  EXPECT_FALSE(is_enforced(find_string_format("int32")));
  EXPECT_TRUE(is_enforced(find_string_format("uuid")));
}

}  // namespace
}  // namespace klutch::apiserver

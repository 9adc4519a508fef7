// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/json_path.h"

#include <gtest/gtest.h>

#include "apiserver/schema/oracle_testing.h"
#include "json/parse.h"

namespace klutch::apiserver {
namespace {

TEST(JsonPath, FindsAndFailsAsKubernetesDoes) {
  expect_answers_of("src/apiserver/schema/testdata/json_path.tsv");
}

TEST(JsonPath, FindsAConditionByItsType) {
  const json::Value object =
      json::parse(
          R"({"status":{"conditions":[{"type":"Synced","status":"False"},{"type":"Ready","status":"True"}]}})")
          .value();
  const auto path = JsonPath::parse(R"(.status.conditions[?(@.type=="Ready")].status)");
  ASSERT_TRUE(path);
  const auto found = path->find(object);
  ASSERT_TRUE(found);
  ASSERT_NE(found->first(), nullptr);
  EXPECT_EQ(*found->first(), json::Value("True"));
}

TEST(JsonPath, RangesAreNotSupported) {
  const auto found = JsonPath::parse("range .a")->find(json::Value::empty_object());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), Code::kInvalid);
}

TEST(JsonPath, WorkAndNestingAreBounded) {
  EXPECT_EQ(JsonPath::parse(std::string(JsonPath::kMaxLength + 1, '.')).error().code(), Code::kTooLarge);

  json::Value deep = 1;
  for (int i = 0; i < 200; ++i) {
    json::Value outer = json::Value::empty_array();
    outer.push_back(std::move(deep));
    deep = std::move(outer);
  }
  const auto repeated = JsonPath::parse("..[*]..[*]..[*]..[*]..[*]");
  ASSERT_TRUE(repeated);
  const auto found = repeated->find(deep);
  ASSERT_FALSE(found) << "each step multiplies what the one before found";
  EXPECT_EQ(found.error().code(), Code::kTooLarge);

  json::Value list = json::Value::empty_array();
  for (std::size_t i = 0; i <= JsonPath::kMaxValues; ++i) list.push_back(1);
  EXPECT_EQ(JsonPath::parse("[*]")->find(list).error().code(), Code::kTooLarge);
  EXPECT_EQ(JsonPath::parse("..")->find(list).error().code(), Code::kTooLarge);
}

}  // namespace
}  // namespace klutch::apiserver

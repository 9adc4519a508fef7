// SPDX-License-Identifier: Apache-2.0
#include "json/diff.h"

#include <gtest/gtest.h>

#include <string>

#include "json/build.h"
#include "json/parse.h"
#include "json/patch.h"
#include "json/print.h"

namespace klutch::json {
namespace {

Value numbers(int begin, int end) {
  Value list = Value::empty_array();
  for (int i = begin; i < end; ++i) list.push_back(i);
  return list;
}

TEST(Diff, SaysWhatChangedAndNoMore) {
  struct Case {
    const char* from;
    const char* to;
    const char* patch;
    const char* reason;
  };
  const Case cases[] = {
      {R"({"a":[1,{"b":2}]})", R"({"a":[1,{"b":2}]})", "[]", "equal"},
      {R"({"a":1,"b":2})", R"({"b":2.0,"a":1})", "[]", "order and kind of number do not count"},
      {R"({"a":1})", R"({"a":2})", R"([{"op":"replace","path":"/a","value":2}])", "a scalar"},
      {R"({"a":1,"b":2})", R"({"a":1})", R"([{"op":"remove","path":"/b"}])", "a member less"},
      {R"({"a":1})", R"({"a":1,"b~/":null})", R"([{"op":"add","path":"/b~0~1","value":null}])",
       "a member more"},
      {R"({"a":{"b":{"c":1,"d":2}}})", R"({"a":{"b":{"c":1,"d":3}}})",
       R"([{"op":"replace","path":"/a/b/d","value":3}])", "deep inside"},
      {R"({"a":1})", "[1]", R"([{"op":"replace","path":"","value":[1]}])", "the whole document"},
      {R"({"a":{"b":1}})", R"({"a":{"c":1}})", R"([{"op":"replace","path":"/a","value":{"c":1}}])",
       "nothing in common"},
      {"[1,2,3]", "[2,3]", R"([{"op":"remove","path":"/0"}])", "the first element goes"},
      {"[2,3]", "[1,2,3]", R"([{"op":"add","path":"/0","value":1}])", "a new first element"},
      {"[1,2,3,4,5]", "[1,9,3,5]", R"([{"op":"replace","path":"/1","value":9},{"op":"remove","path":"/3"}])",
       "two changes"},
      {"[1,2]", "[1,2,3,4]", R"([{"op":"add","path":"/2","value":3},{"op":"add","path":"/3","value":4}])",
       "a longer list"},
      {"[1,2]", "[]", R"([{"op":"replace","path":"","value":[]}])", "an emptied list"},
      {R"([{"name":"a","image":"x:1"},{"name":"b"}])", R"([{"name":"a","image":"x:2"},{"name":"b"}])",
       R"([{"op":"replace","path":"/0/image","value":"x:2"}])", "one field of an element"},
      {R"([{"n":"a"},{"n":"b","v":1},{"n":"c"}])", R"([{"n":"b","v":2},{"n":"c"},{"n":"d"}])",
       R"([{"op":"replace","path":"/0/n","value":"b"},{"op":"add","path":"/0/v","value":2},{"op":"remove","path":"/1"},)"
       R"({"op":"add","path":"/2","value":{"n":"d"}}])",
       "elements matched up around a change"},
  };
  for (const Case& c : cases) {
    const Value from = *parse(c.from);
    const Value to = *parse(c.to);
    const Value patch = diff(from, to);
    EXPECT_EQ(print(patch), c.patch) << c.reason;
    Value document = from;
    ASSERT_TRUE(apply_patch(document, patch)) << c.reason;
    EXPECT_EQ(document, to) << c.reason;
  }
}

TEST(Diff, LargeArraysAreComparedPlaceByPlaceBeyondTheLimit) {
  const Value from = numbers(0, 3000);
  const Value to = numbers(1, 3001);
  EXPECT_EQ(diff(from, to, {.max_operations = 10'000, .max_matching = 9'000'000}).size(), 2U);
  const Value patch = diff(from, to);
  EXPECT_EQ(patch.size(), 3000U);
  Value document = from;
  ASSERT_TRUE(apply_patch(document, patch));
  EXPECT_EQ(document, to);
}

TEST(Diff, EqualEndsOfLargeArraysCostNothing) {
  Value from = numbers(0, 100'000);
  Value to = from;
  to.at(50'000) = "changed";
  to.insert_at(50'001, "new");
  const Value patch = diff(from, to);
  EXPECT_EQ(
      print(patch),
      R"([{"op":"replace","path":"/50000","value":"changed"},{"op":"add","path":"/50001","value":"new"}])");
}

TEST(Diff, BecomesOneReplacementWhenThereWouldBeTooManyOperations) {
  const Value from = numbers(0, 100);
  const Value to = numbers(1000, 1100);
  EXPECT_EQ(diff(from, to, {.max_operations = 100, .max_matching = 1 << 18}).size(), 100U);
  const Value patch = diff(from, to, {.max_operations = 99, .max_matching = 1 << 18});
  ASSERT_EQ(patch.size(), 1U);
  Value document = from;
  ASSERT_TRUE(apply_patch(document, patch));
  EXPECT_EQ(document, to);
}

TEST(Diff, VeryDeepValuesDoNotOverflowTheStack) {
  Value from = 1;
  Value to = 2;
  for (int i = 0; i < 20'000; ++i) {
    from = json::array({std::move(from)});
    to = json::array({std::move(to)});
  }
  const Value patch = diff(from, to);
  ASSERT_EQ(patch.size(), 1U);
  PatchLimits limits;
  limits.max_depth = 1'000'000;
  ASSERT_TRUE(apply_patch(from, patch, limits));
  EXPECT_EQ(from, to);
}

}  // namespace
}  // namespace klutch::json

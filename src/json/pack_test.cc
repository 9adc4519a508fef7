// SPDX-License-Identifier: Apache-2.0
#include "json/pack.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

#include "json/build.h"
#include "json/print.h"
#include "testing/arbitrary_json.h"

namespace klutch::json {
namespace {

RC_GTEST_PROP(Pack, KeepsEveryValueAndItsOrder, (const Value& value)) {
  const auto packed = pack(value);
  RC_ASSERT(*packed == value);
  RC_ASSERT(print(*packed) == print(value));
}

RC_GTEST_PROP(Pack, SurvivesTheOriginal, (Value value)) {
  const std::string text = print(value);
  const auto packed = pack(value);
  value = nullptr;
  RC_ASSERT(print(*packed) == text);
}

RC_GTEST_PROP(Pack, PackingAPackedValueGivesTheSame, (const Value& value)) {
  RC_ASSERT(*pack(*pack(value)) == value);
}

TEST(Pack, ACopyOutOfItIsAnOrdinaryValue) {
  const auto packed = pack(object({{"metadata", object({{"name", "a name that is longer than inline"}})},
                                   {"list", array({1, array({}), "two"})}}));
  Value copy = *packed;
  copy["metadata"]["name"] = "another name, just as long as it";
  copy["list"].push_back("more");
  EXPECT_EQ(packed->find("metadata")->find_string("name"), "a name that is longer than inline");
  EXPECT_EQ(packed->find("list")->size(), 3U);
  EXPECT_EQ(copy.find("list")->size(), 4U);
}

TEST(Pack, LargeObjectsAreStillSearchedByHash) {
  Value large = Value::empty_object();
  for (int i = 0; i < 1000; ++i) large.set("key-" + std::to_string(i), i);
  large.erase("key-500");
  const auto packed = pack(large);
  for (int i = 0; i < 1000; ++i) {
    const auto found = packed->find_int("key-" + std::to_string(i));
    EXPECT_EQ(found, i == 500 ? std::nullopt : std::optional<std::int64_t>(i));
  }
}

TEST(Pack, DropsTheRoomThatWasLeftForGrowing) {
  Value value = Value::empty_object();
  value.reserve(1000);
  value.set("list", Value::empty_array());
  value["list"].reserve(1000);
  value["list"].push_back("some text that lies on the heap");
  // One member, one element, their headers and 31 bytes of text.
  EXPECT_LE(packed_bytes(value), packed_bytes(Value()) + 8 + 32 + 8 + 16 + 31);
  EXPECT_EQ(*pack(value), value);
}

TEST(Pack, DeepValuesNeedNoStack) {
  Value deep = Value::empty_array();
  for (int i = 0; i < 100'000; ++i) {
    Value outer = Value::empty_array();
    outer.push_back(std::move(deep));
    deep = std::move(outer);
  }
  EXPECT_EQ(*pack(deep), deep);
}

}  // namespace
}  // namespace klutch::json

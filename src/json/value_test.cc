// SPDX-License-Identifier: Apache-2.0
#include "json/value.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "json/build.h"

namespace klutch::json {
namespace {

std::string numbered(int i) {
  return "key-" + std::to_string(i);
}

Value numbered_object(int count) {
  Value result = Value::empty_object();
  for (int i = 0; i < count; ++i) result.set(numbered(i), i);
  return result;
}

TEST(Value, HoldsEveryKindAndGivesItBack) {
  EXPECT_TRUE(Value().is_null());
  EXPECT_TRUE(Value(nullptr).is_null());
  EXPECT_TRUE(Value(true).as_bool());
  EXPECT_FALSE(Value(false).as_bool());
  EXPECT_EQ(Value(-7).as_int(), -7);
  EXPECT_EQ(Value(std::uint8_t{200}).as_int(), 200);
  EXPECT_EQ(Value(0.5).as_double(), 0.5);
  EXPECT_EQ(Value("text").as_string(), "text");
  EXPECT_TRUE(Value::empty_array().is_array());
  EXPECT_TRUE(Value::empty_object().is_object());
}

TEST(Value, KeepsIntegersExactAndUsesUintOnlyAboveInt64) {
  EXPECT_EQ(Value(INT64_MIN).as_int(), INT64_MIN);
  EXPECT_EQ(Value(std::uint64_t{INT64_MAX}).kind(), Kind::kInt);
  EXPECT_EQ(Value(UINT64_MAX).kind(), Kind::kUint);
  EXPECT_EQ(Value(UINT64_MAX).as_uint(), UINT64_MAX);
  EXPECT_EQ(Value(UINT64_MAX).to_double(), 18446744073709551616.0);
}

TEST(Value, StringsOfEveryLengthAroundTheInlineLimitSurviveCopyAndMove) {
  for (std::size_t length = 0; length < 40; ++length) {
    const std::string text(length, 'x');
    Value value(text);
    const Value copy = value;
    const Value moved = std::move(value);
    EXPECT_EQ(copy.as_string(), text);
    EXPECT_EQ(moved.as_string(), text);
    EXPECT_TRUE(value.is_null());  // NOLINT(bugprone-use-after-move): moved-from is null by contract
  }
}

TEST(Value, StringsMayHoldZeroBytes) {
  const std::string_view text("a\0b", 3);
  EXPECT_EQ(Value(text).as_string(), text);
  Value object = Value::empty_object();
  object.set(text, 1);
  object.set("a", 2);
  EXPECT_EQ(object.size(), 2U);
  EXPECT_EQ(object.find_int(text), 1);
}

TEST(Value, MembersKeepTheOrderOfInsertionAndReplacedOnesTheirPlace) {
  Value object = json::object({{"b", 1}, {"a", 2}, {"c", 3}});
  object.set("a", "new");
  std::string order;
  for (const auto& [key, value] : std::as_const(object).members()) order += key;
  EXPECT_EQ(order, "bac");
  EXPECT_EQ(object.find_string("a"), "new");
}

TEST(Value, NullBecomesAContainerOnFirstUse) {
  Value value;
  value["metadata"]["name"] = "web";
  value["items"].push_back(1);
  EXPECT_TRUE(value ==
              json::object({{"metadata", json::object({{"name", "web"}})}, {"items", json::array({1})}}));
}

TEST(Value, FindsMembersInSmallAndLargeObjects) {
  for (const int count : {1, 15, 16, 17, 18, 100, 5000}) {
    const Value object = numbered_object(count);
    for (int i = 0; i < count; ++i) ASSERT_EQ(object.find_int(numbered(i)), i) << count;
    EXPECT_EQ(object.find("key--1"), nullptr);
    EXPECT_EQ(object.find(""), nullptr);
    EXPECT_EQ(object.find("a key longer than what is held in place"), nullptr);
  }
}

TEST(Value, ErasingKeepsOrderAndLookupInSmallAndLargeObjects) {
  for (const int count : {5, 17, 200}) {
    Value object = numbered_object(count);
    for (int i = 0; i < count; i += 2) ASSERT_TRUE(object.erase(numbered(i)));
    ASSERT_FALSE(object.erase(numbered(0)));
    ASSERT_EQ(object.size(), static_cast<std::size_t>(count / 2));
    int expected = 1;
    for (const auto& [key, value] : std::as_const(object).members()) {
      EXPECT_EQ(key, numbered(expected));
      EXPECT_EQ(object.find_int(key), expected);
      expected += 2;
    }
    object.set(numbered(0), "again");
    EXPECT_EQ(object.find_string(numbered(0)), "again");
  }
}

TEST(Value, EraseIfRemovesInOnePassAndLookupStillWorks) {
  for (const int count : {5, 17, 200}) {
    Value object = numbered_object(count);
    const std::size_t erased = object.erase_if([](const Member& m) { return m.value().as_int() % 3 != 0; });
    EXPECT_EQ(erased + object.size(), static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) EXPECT_EQ(object.contains(numbered(i)), i % 3 == 0);
    EXPECT_EQ(object.erase_if([](const Member&) { return false; }), 0U);
  }
}

TEST(Value, ArraysInsertAndTakeAnywhere) {
  Value list = json::array({1, 2, 3});
  list.insert_at(0, "first");
  list.insert_at(4, "last");
  list.insert_at(2, nullptr);
  EXPECT_TRUE(list == json::array({"first", 1, nullptr, 2, 3, "last"}));
  EXPECT_TRUE(list.take_at(0) == Value("first"));
  EXPECT_TRUE(list.take_at(4) == Value("last"));
  EXPECT_TRUE(list.take_at(1).is_null());
  EXPECT_TRUE(list == json::array({1, 2, 3}));
}

TEST(Value, CopiesAreDeepAndIndependent) {
  Value original = json::object(
      {{"list", json::array({1, json::object({{"deep", "a string beyond the inline limit"}})})}});
  Value copy = original;
  EXPECT_TRUE(copy == original);
  copy["list"].at(1)["deep"] = "changed";
  EXPECT_FALSE(copy == original);
  EXPECT_EQ(original["list"].at(1).find_string("deep"), "a string beyond the inline limit");
}

TEST(Value, CopyOfALargeObjectIsExactInSizeAndSearchable) {
  const Value large = numbered_object(1000);
  const Value copy = large;  // NOLINT(performance-unnecessary-copy-initialization): the copy is the subject
  EXPECT_TRUE(copy == large);
  EXPECT_EQ(copy.find_int(numbered(999)), 999);
  EXPECT_LE(copy.heap_bytes(), large.heap_bytes());
}

TEST(Value, MayBeReplacedByAPartOfItself) {
  Value value = json::object({{"inner", json::array({"a string beyond the inline limit"})}});
  value = std::move(value["inner"]);
  value = std::move(value.at(0));
  EXPECT_EQ(value.as_string(), "a string beyond the inline limit");
  Value again = json::object({{"inner", 1}});
  again = Value(again["inner"]);
  EXPECT_TRUE(again == Value(1));
}

TEST(Value, AnElementOfAnArrayMayBePushedToIt) {
  Value list = json::array({"a string beyond the inline limit"});
  for (int i = 0; i < 10; ++i) list.push_back(list.at(0));
  EXPECT_EQ(list.size(), 11U);
  EXPECT_EQ(list.at(10).as_string(), "a string beyond the inline limit");
}

TEST(Value, HundredsOfThousandsOfLevelsCanBeBuiltComparedCopiedAndDestroyed) {
  Value deep;
  for (int i = 0; i < 200'000; ++i) {
    Value outer;
    if (i % 2 == 0) {
      outer.push_back(std::move(deep));
    } else {
      outer["k"] = std::move(deep);
    }
    deep = std::move(outer);
  }
  const Value copy = deep;
  EXPECT_TRUE(copy == deep);
  EXPECT_GT(copy.heap_bytes(), 200'000U);
}

TEST(Value, ObjectsAreEqualWhateverTheOrderOfMembers) {
  EXPECT_TRUE(json::object({{"a", 1}, {"b", 2}}) == json::object({{"b", 2}, {"a", 1}}));
  EXPECT_FALSE(json::object({{"a", 1}, {"b", 2}}) == json::object({{"a", 1}, {"c", 2}}));
  EXPECT_FALSE(json::object({{"a", 1}}) == json::object({{"a", 1}, {"b", 2}}));
  EXPECT_FALSE(json::array({1, 2}) == json::array({2, 1}));
}

TEST(Value, ScalarsOfDifferentTypesDiffer) {
  const std::vector<Value> all = {
      nullptr, false, true, 0, 1, 0.5, "", "0", Value::empty_array(), Value::empty_object()};
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < all.size(); ++j) EXPECT_EQ(all[i] == all[j], i == j) << i << " " << j;
  }
}

TEST(Value, NumbersAreEqualWhenTheyAreMathematicallyEqual) {
  struct Case {
    Value a;
    Value b;
    bool equal;
    const char* reason;
  };
  const Case cases[] = {
      {1, 1.0, true, "RFC 6902 section 4.6"},
      {0, -0.0, true, "zero has no sign"},
      {1, 1.5, false, "not whole"},
      {INT64_MIN, -9223372036854775808.0, true, "a power of two is exact"},
      {INT64_MAX, 9223372036854775808.0, false, "one less than two to the 63"},
      {(std::int64_t{1} << 53) + 1, 9007199254740992.0, false, "must not be compared as doubles"},
      {std::uint64_t{1} << 63, 9223372036854775808.0, true, "above int64"},
      {UINT64_MAX, 18446744073709551616.0, false, "one less than two to the 64"},
      {UINT64_MAX, -1, false, "the same bits"},
      {1, 1e300, false, "far outside the range of integers"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(c.a == c.b, c.equal) << c.reason;
    EXPECT_EQ(c.b == c.a, c.equal) << c.reason;
  }
}

TEST(Value, FindGivesNothingForAnAbsentMemberOrAnotherKind) {
  const Value object = json::object(
      {{"s", "x"}, {"i", 3}, {"d", 0.5}, {"b", true}, {"o", json::object()}, {"a", json::array()}});
  EXPECT_EQ(object.find_string("s"), "x");
  EXPECT_EQ(object.find_string("i"), std::nullopt);
  EXPECT_EQ(object.find_string("none"), std::nullopt);
  EXPECT_EQ(object.find_int("i"), 3);
  EXPECT_EQ(object.find_int("d"), std::nullopt);
  EXPECT_EQ(object.find_double("i"), 3.0);
  EXPECT_EQ(object.find_double("s"), std::nullopt);
  EXPECT_EQ(object.find_bool("b"), true);
  EXPECT_EQ(object.find_bool("i"), std::nullopt);
  EXPECT_NE(object.find_object("o"), nullptr);
  EXPECT_EQ(object.find_object("a"), nullptr);
  EXPECT_NE(object.find_array("a"), nullptr);
  EXPECT_EQ(object.find_array("o"), nullptr);
  EXPECT_EQ(Value(1).find("s"), nullptr);
}

TEST(Value, GetNamesTheFieldThatIsMissingOrWrong) {
  const Value object = json::object({{"replicas", "3"}});
  const auto wrong = object.get_int("replicas");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), Code::kInvalid);
  EXPECT_NE(wrong.error().message().find("\"replicas\""), std::string::npos);
  const auto missing = object.get_object("spec");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::kInvalid);
  EXPECT_NE(missing.error().message().find("\"spec\""), std::string::npos);
  EXPECT_EQ(*object.get_string("replicas"), "3");
}

TEST(Value, BuildingWithTheSameKeyTwiceKeepsTheLast) {
  EXPECT_TRUE(json::object({{"a", 1}, {"a", 2}}) == json::object({{"a", 2}}));
}

TEST(ValueDeathTest, AskingForTheWrongKindIsAProgrammersError) {
  EXPECT_DEATH((void)Value("x").as_int(), "is_int");
  EXPECT_DEATH((void)Value(1).as_string(), "is_string");
  EXPECT_DEATH((void)Value(1).members(), "is_object");
  EXPECT_DEATH((void)json::array({1}).at(1), "index < size");
  EXPECT_DEATH((void)Value(std::numeric_limits<double>::infinity()), "isfinite");
}

}  // namespace
}  // namespace klutch::json

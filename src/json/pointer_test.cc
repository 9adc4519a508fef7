// SPDX-License-Identifier: Apache-2.0
#include "json/pointer.h"

#include <gtest/gtest.h>

#include "json/build.h"
#include "json/parse.h"

namespace klutch::json {
namespace {

TEST(Pointer, FindsTheValuesOfRfc6901Section5) {
  const Value document =
      *parse(R"({"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8})");
  struct Case {
    const char* pointer;
    Value value;
  };
  const Case cases[] = {
      {"/foo", json::array({"bar", "baz"})},
      {"/foo/0", "bar"},
      {"/", 0},
      {"/a~1b", 1},
      {"/c%d", 2},
      {"/e^f", 3},
      {"/g|h", 4},
      {"/i\\j", 5},
      {"/k\"l", 6},
      {"/ ", 7},
      {"/m~0n", 8},
  };
  EXPECT_EQ(Pointer().find(document), &document);
  EXPECT_EQ(Pointer::parse("")->find(document), &document);
  for (const Case& c : cases) {
    const auto pointer = Pointer::parse(c.pointer);
    ASSERT_TRUE(pointer) << c.pointer;
    ASSERT_NE(pointer->find(document), nullptr) << c.pointer;
    EXPECT_EQ(*pointer->find(document), c.value) << c.pointer;
    EXPECT_EQ(pointer->to_string(), c.pointer);
  }
}

TEST(Pointer, FindsNothingWhereNothingIs) {
  const Value document = *parse(R"({"list":[1,2],"text":"x","01":1})");
  for (const char* text : {"/none", "/list/2", "/list/-", "/list/00", "/list/01", "/list/+1", "/list/1e0",
                           "/list/", "/list/18446744073709551616", "/text/0", "/text/x", "/list/0/x"}) {
    EXPECT_EQ(Pointer::parse(text)->find(document), nullptr) << text;
  }
  EXPECT_NE(Pointer::parse("/01")->find(document), nullptr) << "a member may look like any number";
}

TEST(Pointer, RefusesTextThatIsNoPointer) {
  for (const char* text : {"a", "a/b", "/~", "/~2", "/a~", "/~0~", "#/a", " /a"}) {
    const auto pointer = Pointer::parse(text);
    ASSERT_FALSE(pointer) << text;
    EXPECT_EQ(pointer.error().code(), Code::kInvalid);
  }
}

TEST(Pointer, UnescapesInTheOrderThatRfc6901Asks) {
  EXPECT_EQ(Pointer::parse("/~01")->back(), "~1");
  EXPECT_EQ(escape_token("~1/"), "~01~1");
}

TEST(Pointer, IsBuiltStepByStep) {
  Pointer pointer;
  pointer.push("spec").push("ports").push(2).push("a/b~c");
  EXPECT_EQ(pointer.to_string(), "/spec/ports/2/a~1b~0c");
  EXPECT_EQ(pointer.parent().to_string(), "/spec/ports/2");
  pointer.pop();
  EXPECT_EQ(pointer.back(), "2");
  EXPECT_EQ(*Pointer::parse(pointer.to_string()), pointer);
}

TEST(Pointer, KnowsWhatLiesBelowIt) {
  const Pointer spec = *Pointer::parse("/spec");
  EXPECT_TRUE(spec.contains(spec));
  EXPECT_TRUE(spec.contains(*Pointer::parse("/spec/a")));
  EXPECT_TRUE(Pointer().contains(spec));
  EXPECT_FALSE(spec.contains(*Pointer::parse("/special")));
  EXPECT_FALSE(spec.contains(Pointer()));
}

TEST(Pointer, ChangesWhatItFinds) {
  Value document = json::object({{"a", json::array({1, 2})}});
  *Pointer::parse("/a/1")->find(document) = "new";
  EXPECT_EQ(document, json::object({{"a", json::array({1, "new"})}}));
}

TEST(Pointer, GetNamesTheFirstPartThatIsMissing) {
  const Value document = json::object({{"a", json::object()}});
  const auto value = Pointer::parse("/a/b/c")->get(document);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code(), Code::kNotFound);
  EXPECT_NE(value.error().message().find("\"/a/b\""), std::string::npos);
}

}  // namespace
}  // namespace klutch::json

// SPDX-License-Identifier: Apache-2.0
#include "json/merge_patch.h"

#include <gtest/gtest.h>

#include <string>

#include "json/parse.h"
#include "json/print.h"

namespace klutch::json {
namespace {

Value merged(const char* target, const char* patch) {
  Value result = *parse(target);
  apply_merge_patch(result, *parse(patch));
  return result;
}

TEST(ApplyMergePatch, GivesTheResultsOfRfc7386AppendixA) {
  struct Case {
    const char* original;
    const char* patch;
    const char* result;
  };
  const Case cases[] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", "null", "null"},
      {R"({"a":"foo"})", R"("bar")", R"("bar")"},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(merged(c.original, c.patch), *parse(c.result)) << c.original << " + " << c.patch;
}

TEST(ApplyMergePatch, ChangesTheExampleOfRfc7386Section3) {
  EXPECT_EQ(
      merged(
          R"({"title":"Goodbye!","author":{"givenName":"John","familyName":"Doe"},)"
          R"("tags":["example","sample"],"content":"This will be unchanged"})",
          R"({"title":"Hello!","phoneNumber":"+01-123-456-7890","author":{"familyName":null},"tags":["example"]})"),
      *parse(R"({"title":"Hello!","author":{"givenName":"John"},"tags":["example"],)"
             R"("content":"This will be unchanged","phoneNumber":"+01-123-456-7890"})"));
}

TEST(ApplyMergePatch, KeepsTheOrderOfTheTargetAndAddsAtTheEnd) {
  EXPECT_EQ(print(merged(R"({"b":1,"a":2,"c":3})", R"({"d":4,"a":5,"b":null})")), R"({"a":5,"c":3,"d":4})");
}

TEST(ApplyMergePatch, RemovesManyMembersOfALargeObjectInOnePass) {
  Value target = Value::empty_object();
  Value patch = Value::empty_object();
  for (int i = 0; i < 100'000; ++i) {
    target.set("key-" + std::to_string(i), i);
    if (i != 7) patch.set("key-" + std::to_string(i), nullptr);
  }
  apply_merge_patch(target, patch);
  EXPECT_EQ(print(target), R"({"key-7":7})");
}

TEST(ApplyMergePatch, DeepPatchesDoNotOverflowTheStack) {
  Value patch = 1;
  for (int i = 0; i < 100'000; ++i) {
    Value outer;
    outer["a"] = std::move(patch);
    patch = std::move(outer);
  }
  Value target;
  apply_merge_patch(target, patch);
  EXPECT_EQ(target, patch);
  EXPECT_EQ(print(*make_merge_patch(Value(), target)), print(patch));
}

TEST(MakeMergePatch, SaysOnlyWhatChanged) {
  struct Case {
    const char* from;
    const char* to;
    const char* patch;
    const char* reason;
  };
  const Case cases[] = {
      {R"({"a":1,"b":{"c":[1],"d":2}})", R"({"a":1,"b":{"c":[1],"d":2}})", "{}", "equal"},
      {R"({"a":1})", R"({"a":1.0})", "{}", "equal numbers"},
      {R"({"a":1,"b":2})", R"({"b":2})", R"({"a":null})", "a removed member"},
      {R"({"a":null})", R"({})", R"({"a":null})", "a removed null"},
      {R"({"a":{"b":1,"c":2}})", R"({"a":{"b":1,"c":3}})", R"({"a":{"c":3}})", "a nested change"},
      {R"({"a":{"b":1}})", R"({"a":{}})", R"({"a":{"b":null}})", "an object emptied"},
      {R"({})", R"({"a":{}})", R"({"a":{}})", "a new empty object"},
      {R"({"a":[1]})", R"({"a":{}})", R"({"a":{}})", "an array becomes an object"},
      {R"({"a":{"b":1}})", R"({"a":[null]})", R"({"a":[null]})", "null inside an array is a value"},
      {R"({"a":1})", "[1]", "[1]", "another kind of document"},
      {R"([1])", R"({"a":{"b":1}})", R"({"a":{"b":1}})", "becomes an object"},
      {R"({"a":1})", "null", "null", "null as the whole document"},
      {R"({"n":null,"a":1})", R"({"n":null,"a":2})", R"({"a":2})", "null that stays need not be said"},
  };
  for (const Case& c : cases) {
    const auto patch = make_merge_patch(*parse(c.from), *parse(c.to));
    ASSERT_TRUE(patch) << c.reason;
    EXPECT_EQ(print(*patch), c.patch) << c.reason;
    EXPECT_EQ(merged(c.from, c.patch), *parse(c.to)) << c.reason;
  }
}

TEST(MakeMergePatch, CannotSetAMemberToNullAndSaysWhich) {
  struct Case {
    const char* from;
    const char* to;
    const char* path;
  };
  const Case cases[] = {
      {R"({"a":{"b":1}})", R"({"a":{"b":null}})", "\"/a/b\""},
      {R"({})", R"({"a":{"b":{"c":null}}})", "\"/a/b/c\""},
      {"1", R"({"x/y":null})", "\"/x~1y\""},
  };
  for (const Case& c : cases) {
    const auto patch = make_merge_patch(*parse(c.from), *parse(c.to));
    ASSERT_FALSE(patch) << c.to;
    EXPECT_EQ(patch.error().code(), Code::kUnsupported);
    EXPECT_NE(patch.error().message().find(c.path), std::string::npos) << patch.error().message();
  }
}

}  // namespace
}  // namespace klutch::json

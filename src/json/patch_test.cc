// SPDX-License-Identifier: Apache-2.0
#include "json/patch.h"

#include <gtest/gtest.h>

#include <string>

#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"

namespace klutch::json {
namespace {

/// The document after the patch, as text.
std::string patched(const char* document, const char* patch) {
  Value value = *parse(document);
  const auto done = apply_patch(value, *parse(patch));
  return done ? print(value) : "error: " + done.error().message();
}

TEST(ApplyPatch, GivesTheResultsOfRfc6902AppendixA) {
  struct Case {
    const char* document;
    const char* patch;
    const char* result;
    const char* reason;
  };
  const Case cases[] = {
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])", R"({"foo":"bar","baz":"qux"})",
       "A.1"},
      {R"({"foo":["bar","baz"]})", R"([{"op":"add","path":"/foo/1","value":"qux"}])",
       R"({"foo":["bar","qux","baz"]})", "A.2"},
      {R"({"baz":"qux","foo":"bar"})", R"([{"op":"remove","path":"/baz"}])", R"({"foo":"bar"})", "A.3"},
      {R"({"foo":["bar","qux","baz"]})", R"([{"op":"remove","path":"/foo/1"}])", R"({"foo":["bar","baz"]})",
       "A.4"},
      {R"({"baz":"qux","foo":"bar"})", R"([{"op":"replace","path":"/baz","value":"boo"}])",
       R"({"baz":"boo","foo":"bar"})", "A.5"},
      {R"({"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}})",
       R"([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}])",
       R"({"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}})", "A.6"},
      {R"({"foo":["all","grass","cows","eat"]})", R"([{"op":"move","from":"/foo/1","path":"/foo/3"}])",
       R"({"foo":["all","cows","eat","grass"]})", "A.7"},
      {R"({"baz":"qux","foo":["a",2,"c"]})",
       R"([{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}])",
       R"({"baz":"qux","foo":["a",2,"c"]})", "A.8"},
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/child","value":{"grandchild":{}}}])",
       R"({"foo":"bar","child":{"grandchild":{}}})", "A.10"},
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux","xyz":123}])",
       R"({"foo":"bar","baz":"qux"})", "A.11"},
      {R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":10}])", R"({"/":9,"~1":10})", "A.14"},
      {R"({"foo":["bar"]})", R"([{"op":"add","path":"/foo/-","value":["abc","def"]}])",
       R"({"foo":["bar",["abc","def"]]})", "A.16"},
  };
  for (const Case& c : cases) EXPECT_EQ(patched(c.document, c.patch), c.result) << c.reason;
}

TEST(ApplyPatch, ChangesWhatEachOperationNames) {
  struct Case {
    const char* document;
    const char* patch;
    const char* result;
    const char* reason;
  };
  const Case cases[] = {
      {"{}", "[]", "{}", "nothing to do"},
      {R"({"a":1})", R"([{"op":"add","path":"","value":[1]}])", "[1]", "the whole document"},
      {R"({"a":1})", R"([{"op":"replace","path":"","value":null}])", "null", "null is a value"},
      {R"({"a":1,"b":2})", R"([{"op":"add","path":"/a","value":3}])", R"({"a":3,"b":2})",
       "an existing member keeps its place"},
      {"[1,2]", R"([{"op":"add","path":"/2","value":3}])", "[1,2,3]", "one past the end"},
      {"[1,2]", R"([{"op":"add","path":"/0","value":0}])", "[0,1,2]", "at the front"},
      {R"({"a":{"b":1}})", R"([{"op":"copy","from":"/a","path":"/a/c"}])", R"({"a":{"b":1,"c":{"b":1}}})",
       "into itself by copy"},
      {"[1,2,3]", R"([{"op":"copy","from":"/0","path":"/-"}])", "[1,2,3,1]", "to the end"},
      {R"({"a":1})", R"([{"op":"copy","from":"","path":"/b"}])", R"({"a":1,"b":{"a":1}})",
       "the whole document into itself"},
      {R"({"a":1,"b":2})", R"([{"op":"move","from":"/a","path":"/b"}])", R"({"b":1})", "onto another member"},
      {R"({"a":1})", R"([{"op":"move","from":"/a","path":"/a"}])", R"({"a":1})", "onto itself"},
      {R"({"a":{"b":1}})", R"([{"op":"move","from":"/a/b","path":""}])", "1", "to the root"},
      {"[1,2,3]", R"([{"op":"move","from":"/2","path":"/0"}])", "[3,1,2]", "to the front"},
      {R"({"a":1})", R"([{"op":"test","path":"/a","value":1.0}])", R"({"a":1})",
       "equal numbers (section 4.6)"},
      {R"({"a":{"x":1,"y":2}})", R"([{"op":"test","path":"/a","value":{"y":2,"x":1}}])",
       R"({"a":{"x":1,"y":2}})", "order does not count"},
      {R"({"a~b":{"c/d":1}})", R"([{"op":"remove","path":"/a~0b/c~1d"}])", R"({"a~b":{}})", "escapes"},
      {R"({"":1})", R"([{"op":"replace","path":"/","value":2}])", R"({"":2})", "the empty key"},
  };
  for (const Case& c : cases) EXPECT_EQ(patched(c.document, c.patch), c.result) << c.reason;
}

TEST(ApplyPatch, RefusesPatchesAndLeavesTheDocumentAlone) {
  struct Case {
    const char* patch;
    Code code;
    const char* reason;
  };
  const Case cases[] = {
      {R"({"op":"add","path":"/x","value":1})", Code::kBadRequest, "not an array"},
      {R"([1])", Code::kBadRequest, "not an object"},
      {R"([{"path":"/x","value":1}])", Code::kBadRequest, "no op"},
      {R"([{"op":1,"path":"/x","value":1}])", Code::kBadRequest, "op is no string"},
      {R"([{"op":"spam","path":"/x","value":1}])", Code::kBadRequest, "unknown op"},
      {R"([{"op":"ADD","path":"/x","value":1}])", Code::kBadRequest, "ops are in lower case"},
      {R"([{"op":"add","value":1}])", Code::kBadRequest, "no path"},
      {R"([{"op":"add","path":5,"value":1}])", Code::kBadRequest, "path is no string"},
      {R"([{"op":"add","path":"x","value":1}])", Code::kBadRequest, "path is no pointer"},
      {R"([{"op":"add","path":"/x"}])", Code::kBadRequest, "no value to add"},
      {R"([{"op":"replace","path":"/a"}])", Code::kBadRequest, "no value to replace with"},
      {R"([{"op":"test","path":"/a"}])", Code::kBadRequest, "no value to test"},
      {R"([{"op":"copy","path":"/x"}])", Code::kBadRequest, "no from"},
      {R"([{"op":"move","path":"/x","from":"a"}])", Code::kBadRequest, "from is no pointer"},
      {R"([{"op":"add","path":"/none/x","value":1}])", Code::kInvalid, "A.12: the parent is missing"},
      {R"([{"op":"add","path":"/a/x","value":1}])", Code::kInvalid, "the parent is a number"},
      {R"([{"op":"add","path":"/list/4","value":1}])", Code::kInvalid, "two past the end"},
      {R"([{"op":"add","path":"/list/01","value":1}])", Code::kInvalid, "a leading zero"},
      {R"([{"op":"add","path":"/list/-1","value":1}])", Code::kInvalid, "a negative index"},
      {R"([{"op":"add","path":"/list/x","value":1}])", Code::kInvalid, "no index"},
      {R"([{"op":"add","path":"/list/99999999999999999999","value":1}])", Code::kInvalid, "a huge index"},
      {R"([{"op":"remove","path":"/none"}])", Code::kInvalid, "nothing to remove"},
      {R"([{"op":"remove","path":"/list/-"}])", Code::kInvalid, "the end is not an element"},
      {R"([{"op":"remove","path":"/list/3"}])", Code::kInvalid, "past the end"},
      {R"([{"op":"remove","path":""}])", Code::kInvalid, "the whole document"},
      {R"([{"op":"replace","path":"/none","value":1}])", Code::kInvalid, "nothing to replace"},
      {R"([{"op":"replace","path":"/list/-","value":1}])", Code::kInvalid, "the end is not an element"},
      {R"([{"op":"move","from":"/none","path":"/x"}])", Code::kInvalid, "nothing to move"},
      {R"([{"op":"move","from":"/deep","path":"/deep/x"}])", Code::kInvalid, "into its own child"},
      {R"([{"op":"move","from":"","path":"/x"}])", Code::kInvalid, "the document into itself"},
      {R"([{"op":"move","from":"/pair/0","path":"/pair/0/x"}])", Code::kInvalid,
       "not into the element that follows"},
      {R"([{"op":"copy","from":"/none","path":"/x"}])", Code::kInvalid, "nothing to copy"},
      {R"([{"op":"test","path":"/none","value":null}])", Code::kInvalid, "nothing to test"},
      {R"([{"op":"test","path":"/a","value":2}])", Code::kPreconditionFailed, "A.9: another value"},
      {R"([{"op":"test","path":"/a","value":"1"}])", Code::kPreconditionFailed, "A.15: another type"},
      {R"([{"op":"add","path":"/a","value":5},{"op":"remove","path":"/list/0"},{"op":"test","path":"/a","value":1}])",
       Code::kPreconditionFailed, "after operations that worked"},
      {R"([{"op":"move","from":"/a","path":"/none/x"}])", Code::kInvalid, "removed, but cannot be added"},
  };
  const Value original = *parse(R"({"a":1,"list":[1,2,3],"deep":{"er":{}},"pair":[{},{}]})");
  for (const Case& c : cases) {
    Value document = original;
    const auto done = apply_patch(document, *parse(c.patch));
    ASSERT_FALSE(done) << c.reason;
    EXPECT_EQ(done.error().code(), c.code) << c.reason << ": " << done.error().message();
    EXPECT_EQ(print(document), print(original)) << c.reason;
  }
}

TEST(ApplyPatch, NamesTheOperationAndThePath) {
  Value document = json::object({{"a", 1}});
  const auto done =
      apply_patch(document, *parse(R"([{"op":"add","path":"/b","value":1},{"op":"remove","path":"/c/d"}])"));
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message().find("operation 1 (remove \"/c/d\")"), std::string::npos)
      << done.error().message();
}

TEST(ApplyPatch, DoesNotRepeatLongPathsInItsErrors) {
  Value document;
  const std::string path = "/" + std::string(100'000, 'x');
  const auto done = apply_patch(document, json::array({json::object({{"op", "remove"}, {"path", path}})}));
  ASSERT_FALSE(done);
  EXPECT_LT(done.error().message().size(), 1000U);
}

TEST(ApplyPatch, LimitsTheNumberOfOperations) {
  Value patch = Value::empty_array();
  for (int i = 0; i < 11; ++i) patch.push_back(*parse(R"({"op":"add","path":"/a","value":1})"));
  Value document = Value::empty_object();
  PatchLimits limits;
  limits.max_operations = 11;
  EXPECT_TRUE(apply_patch(document, patch, limits));
  limits.max_operations = 10;
  const auto done = apply_patch(document, patch, limits);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::kTooLarge);
}

TEST(ApplyPatch, LimitsWhatCopiesMayAdd) {
  // Each copy doubles the document: 60 of them would fill every memory.
  Value patch = Value::empty_array();
  for (int i = 0; i < 60; ++i) {
    patch.push_back(json::object({{"op", "copy"}, {"from", ""}, {"path", "/k" + std::to_string(i)}}));
  }
  Value document = Value::empty_object();
  const auto done = apply_patch(document, patch);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::kTooLarge);
  EXPECT_TRUE(document.empty());
}

TEST(ApplyPatch, LimitsTheWorkOfInsertingIntoLargeArrays) {
  Value document = Value::empty_array();
  for (int i = 0; i < 10'000; ++i) document.push_back(i);
  Value patch = Value::empty_array();
  for (int i = 0; i < 1'000; ++i) patch.push_back(*parse(R"({"op":"add","path":"/0","value":1})"));
  PatchLimits limits;
  limits.max_shifted_bytes = 100'000'000;
  const auto done = apply_patch(document, patch, limits);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::kTooLarge);
  EXPECT_EQ(document.size(), 10'000U);
}

TEST(ApplyPatch, LimitsTheDepthOfTheResult) {
  PatchLimits limits;
  limits.max_depth = 4;
  const Value patch = *parse(R"([{"op":"add","path":"/a/b","value":[[]]}])");
  Value shallow = *parse(R"({"a":{}})");
  EXPECT_TRUE(apply_patch(shallow, patch, limits));
  limits.max_depth = 3;
  Value document = *parse(R"({"a":{}})");
  const auto done = apply_patch(document, patch, limits);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::kTooLarge);
  EXPECT_EQ(print(document), R"({"a":{}})");
}

}  // namespace
}  // namespace klutch::json

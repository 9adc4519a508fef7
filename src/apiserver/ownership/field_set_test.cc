// SPDX-License-Identifier: Apache-2.0
#include "apiserver/ownership/field_set.h"

#include <rapidcheck/gtest.h>

#include <set>

#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "testing/table.h"

namespace klutch::apiserver {
namespace {

PathElement element(std::string_view text) {
  return PathElement::parse(text).value();
}

FieldSet set_of(std::string_view text) {
  return FieldSet::from_json(json::parse(text).value()).value();
}

TEST(FieldSet, ReadsAndPrintsFieldsV1) {
  for (
      const char* text : {
          R"({})",
          R"({"f:spec":{}})",
          R"({"f:spec":{".":{},"f:replicas":{}}})",
          R"({"f:ports":{"k:{\"name\":\"a\",\"port\":80}":{".":{},"f:name":{}}},"f:tags":{"v:\"x\"":{},"v:1":{}}})",
          R"({"i:0":{},"i:7":{"f:x":{}}})",
      }) {
    EXPECT_EQ(json::print(set_of(text).to_json()).size(), std::string_view(text).size()) << text;
    EXPECT_EQ(set_of(text).to_json(), json::parse(text).value());
  }
}

TEST(FieldSet, LeavesOutKindsItDoesNotKnowAndNamesWhatIsBroken) {
  EXPECT_EQ(set_of(R"({"f:a":{},"q:b":{}})"), set_of(R"({"f:a":{}})"));
  for (const char* text : {R"({"f":{}})", R"({"spec":{}})", R"({"k:[1]":{}})", R"({"v:{":{}})",
                           R"({"i:x":{}})", R"({"f:a":1})"}) {
    const auto read = FieldSet::from_json(json::parse(text).value());
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().code(), Code::kInvalid) << text;
  }
}

TEST(FieldSet, IsNotNestedWithoutEnd) {
  std::string text = "{}";
  for (int i = 0; i < FieldSet::kMaxDepth + 2; ++i) text = R"({"f:a":)" + text + "}";
  EXPECT_EQ(FieldSet::from_json(json::parse(text).value()).error().code(), Code::kInvalid);
}

TEST(FieldSet, SaysPathsAsKubernetesDoes) {
  const OwnedPath path{element("f:spec"), element("f:ports"), element(R"(k:{"port":80,"name":"a"})"),
                       element("f:host")};
  EXPECT_EQ(to_string(path), R"(.spec.ports[name="a",port=80].host)");
  EXPECT_EQ(to_string({element("f:tags"), element(R"(v:"x")")}), R"(.tags[="x"])");
}

TEST(FieldSet, TakesSubtreesAway) {
  const auto set = set_of(R"({"f:spec":{"f:a":{},"f:b":{"f:c":{}}},"f:status":{"f:phase":{}}})");
  EXPECT_EQ(set.without_subtrees(set_of(R"({"f:status":{},"f:spec":{"f:b":{}}})")),
            set_of(R"({"f:spec":{"f:a":{}}})"));
  EXPECT_EQ(set - set_of(R"({"f:status":{}})"), set) << "a plain difference takes only that path";
}

/// Sets of random paths over a small alphabet.
using Paths = std::set<std::vector<int>>;

FieldSet to_set(const Paths& paths) {
  static const char* const kNames[] = {"f:a", "f:b", R"(k:{"n":"x"})", R"(v:"y")", "i:0"};
  FieldSet set;
  for (const auto& path : paths) {
    OwnedPath steps;
    for (const int step : path) steps.push_back(element(kNames[step]));
    set.insert(steps);
  }
  return set;
}

rc::Gen<Paths> any_paths() {
  const auto path =
      rc::gen::resize(4, rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 5))));
  return rc::gen::map(
      rc::gen::container<std::vector<std::vector<int>>>(path),
      [](const std::vector<std::vector<int>>& paths) { return Paths(paths.begin(), paths.end()); });
}

RC_GTEST_PROP(FieldSetProperty, BehavesAsASetOfPaths, ()) {
  const auto a = *any_paths();
  const auto b = *any_paths();
  Paths both = a;
  both.insert(b.begin(), b.end());
  Paths common;
  Paths only_a;
  for (const auto& path : a) (b.contains(path) ? common : only_a).insert(path);
  const auto left = to_set(a);
  const auto right = to_set(b);
  RC_ASSERT(left.size() == a.size());
  RC_ASSERT((left | right) == to_set(both));
  RC_ASSERT((left & right) == to_set(common));
  RC_ASSERT((left - right) == to_set(only_a));
  RC_ASSERT(left.empty() == a.empty());
  std::size_t visited = 0;
  left.for_each([&](const OwnedPath& path) {
    RC_ASSERT(left.has(path));
    ++visited;
  });
  RC_ASSERT(visited == a.size());
  RC_ASSERT(FieldSet::from_json(left.to_json()).value() == left);
}

}  // namespace
}  // namespace klutch::apiserver

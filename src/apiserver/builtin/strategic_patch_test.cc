// SPDX-License-Identifier: Apache-2.0
#include "apiserver/builtin/strategic_patch.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"

namespace klutch::apiserver {
namespace {

using json::Value;

const MessageFacts& deployment() {
  return *BuiltinFacts::get().find_message("apps.v1.Deployment");
}

/// Nulls in new items of lists stay in the recordings; they are lost when Kubernetes makes a Go struct of the
/// object.
Value without_nulls(Value value) {
  if (value.is_object()) {
    value.erase_if([](const json::Member& member) { return member.value().is_null(); });
    for (auto& [name, member] : value.members()) member = without_nulls(std::move(member));
  } else if (value.is_array()) {
    for (auto& item : value.elements()) item = without_nulls(std::move(item));
  }
  return value;
}

/// The recordings are random Deployments patched by k8s.io/apimachinery v0.34.4.
TEST(StrategicPatch, EqualsThatOfKubernetesOnRecordedDeployments) {
  const char* other = std::getenv("KLUTCH_RECORDED_PATCHES");
  std::ifstream file(other != nullptr ? other
                                      : std::string(std::getenv("KLUTCH_SOURCE_DIR")) +
                                            "/src/apiserver/builtin/testdata/strategic_patch.jsonl");
  ASSERT_TRUE(file.is_open());
  int rows = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    const auto row = json::parse(line).value();
    const auto patched = apply_strategic_patch(*row.find("live"), *row.find("patch"), deployment());
    const auto error = row.find_string("error");
    // An order for a list that has become empty: they refuse it, we have nothing to order.
    if (error == "no elements in any of the given slices") continue;
    ASSERT_EQ(patched.has_value(), !error.has_value())
        << "row " << rows << ": " << error.value_or("") << (patched ? "" : patched.error().message());
    if (error) continue;
    // They leave directives in what is new, where we carry them out.
    if (json::print(*row.find("result")).find("\"$") != std::string::npos) continue;
    ASSERT_EQ(*patched, without_nulls(*row.find("result")))
        << "row " << rows << "\nlive:  " << json::print(*row.find("live"))
        << "\npatch: " << json::print(*row.find("patch"));
  }
  EXPECT_GE(rows, 100);
}

TEST(StrategicPatch, RefusesWhatMakesNoSense) {
  const auto live =
      json::parse(
          R"({"metadata":{"finalizers":[]},"spec":{"template":{"spec":{"containers":[{"name":"a"}]}},"strategy":{"type":"x"}}})")
          .value();
  struct Case {
    const char* patch;
    Code code;
    const char* reason;
  };
  const Case cases[] = {
      {"[]", Code::kBadRequest, "a patch is an object"},
      {R"({"$patch":"upsert"})", Code::kBadRequest, "an unknown directive"},
      {R"({"spec":{"template":{"spec":{"containers":[{"image":"i"}]}}}})", Code::kInvalid, "no merge key"},
      {R"({"spec":{"template":{"spec":{"containers":[{"name":"a"},"b"]}}}})", Code::kInvalid,
       "mixed elements"},
      {R"({"spec":{"template":{"spec":{"containers":[{"name":"a","$patch":"merge"}]}}}})", Code::kInvalid,
       "merge is implied"},
      {R"({"spec":{"template":{"spec":{"$setElementOrder/containers":{}}}}})", Code::kBadRequest,
       "an order that is no list"},
      {R"({"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"b"}],"containers":[{"name":"a"}]}}}})",
       Code::kInvalid, "an order that lacks an item"},
      {R"({"spec":{"strategy":{"$retainKeys":["type"],"rollingUpdate":{}}}})", Code::kBadRequest,
       "a field not retained"},
      {R"({"metadata":{"finalizers":["a"],"$deleteFromPrimitiveList/finalizers":"a"}})", Code::kBadRequest,
       "no list"},
  };
  for (const auto& test : cases) {
    const auto patched = apply_strategic_patch(live, json::parse(test.patch).value(), deployment());
    ASSERT_FALSE(patched.has_value()) << test.reason;
    EXPECT_EQ(patched.error().code(), test.code) << test.reason << ": " << patched.error().message();
  }
}

}  // namespace
}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/prune.h"

#include <gtest/gtest.h>

#include "apiserver/schema/oracle_testing.h"
#include "json/parse.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

json::Value parsed(std::string_view text) {
  return json::parse(text).value();
}

TEST(Prune, RemovesAndReportsWhatKubernetesRemovesAndReports) {
  expect_answers_of("src/apiserver/schema/testdata/shape.tsv");
}

TEST(Prune, NamesTheRemovedFieldsByPathAndLeavesMetadataAlone) {
  SchemaPool pool;
  const SchemaPtr schema = parse_schema(parsed(R"({"type":"object","properties":{"spec":{"type":"object",
    "properties":{"ports":{"type":"array","items":{"type":"object","properties":{"p":{"type":"integer"}}}}}}}})"),
                                        pool)
                               .value();
  json::Value object = parsed(R"({"apiVersion":"v1","kind":"K","metadata":{"name":"x","odd":1},"extra":1,
    "spec":{"bogus":1,"ports":[{"p":1},{"p":2,"q":3}]}})");
  const auto unknown = prune(object, schema.get(), {.report = true});
  EXPECT_EQ(unknown, (std::vector<std::string>{"extra", "spec.bogus", "spec.ports[1].q"}));
  EXPECT_EQ(object, parsed(R"({"apiVersion":"v1","kind":"K","metadata":{"name":"x","odd":1},
    "spec":{"ports":[{"p":1},{"p":2}]}})"));
}

TEST(Prune, ReportsABoundedNumberOfFieldsAndRemovesAll) {
  json::Value object = json::Value::empty_object();
  for (std::size_t i = 0; i < kMaxUnknownFields + 50; ++i) object.set("f" + std::to_string(i), 1);
  EXPECT_EQ(prune(object, nullptr, {.report = true}).size(), kMaxUnknownFields);
  EXPECT_TRUE(object.empty());
}

FIBER_TEST(Prune, ArraysAsDeepAsTheyCanBeReadFitAFibersStack) {
  json::Value deep = json::Value::empty_object();
  for (int i = 0; i < 256; ++i) {
    json::Value outer = json::Value::empty_array();
    outer.push_back(std::move(deep));
    deep = std::move(outer);
  }
  json::Value object = json::Value::empty_object();
  object.set("a", std::move(deep));
  SchemaPool pool;
  const SchemaPtr schema =
      parse_schema(parsed(R"({"type":"object","properties":{"a":{"type":"array"}}})"), pool).value();
  EXPECT_TRUE(prune(object, schema.get(), {.report = true}).empty());
}

}  // namespace
}  // namespace klutch::apiserver

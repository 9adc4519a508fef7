// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/defaulting.h"

#include <gtest/gtest.h>

#include "apiserver/schema/prune.h"
#include "json/parse.h"

namespace klutch::apiserver {
namespace {

json::Value parsed(std::string_view text) {
  return json::parse(text).value();
}

// The values seen on a real kube-apiserver.
TEST(ApplyDefaults, NullIsReplacedUnlessTheFieldIsNullable) {
  struct Row {
    std::string_view object;
    std::string_view expected;
    std::string_view reason;
  };
  const Row rows[] = {
      {R"({})", R"({"nonnull":"dd","nul":"nn","deep":{"x":1}})", "missing fields get their defaults"},
      {R"({"nonnull":null})", R"({"nonnull":"dd","nul":"nn","deep":{"x":1}})", "null and default: default"},
      {R"({"nul":null})", R"({"nonnull":"dd","nul":null,"deep":{"x":1}})", "null of a nullable field stays"},
      {R"({"plain":null})", R"({"nonnull":"dd","nul":"nn","deep":{"x":1}})",
       "null without default is dropped"},
      {R"({"deep":{}})", R"({"nonnull":"dd","nul":"nn","deep":{"x":1}})", "inside what is there"},
      {R"({"list":[{},{"y":0},null]})",
       R"({"nonnull":"dd","nul":"nn","deep":{"x":1},"list":[{"y":5},{"y":0},null]})", "in every element"},
      {R"({"map":{"k":{}}})", R"({"nonnull":"dd","nul":"nn","deep":{"x":1},"map":{"k":{"z":true}}})",
       "in every entry of a map"},
  };
  SchemaPool pool;
  const SchemaPtr schema = parse_schema(parsed(R"({"type":"object","properties":{
    "nonnull":{"type":"string","default":"dd"},
    "nul":{"type":"string","nullable":true,"default":"nn"},
    "plain":{"type":"string"},
    "deep":{"type":"object","default":{},"properties":{"x":{"type":"integer","default":1}}},
    "list":{"type":"array","items":{"type":"object","properties":{"y":{"type":"integer","default":5}}}},
    "map":{"type":"object","additionalProperties":{"type":"object",
      "properties":{"z":{"type":"boolean","default":true}}}}}})"),
                                        pool)
                               .value();
  for (const Row& row : rows) {
    json::Value object = parsed(row.object);
    drop_nulls(object, schema.get());
    apply_defaults(object, schema.get());
    EXPECT_EQ(object, parsed(row.expected)) << row.reason;
  }
}

}  // namespace
}  // namespace klutch::apiserver

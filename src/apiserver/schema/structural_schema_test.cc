// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/structural_schema.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "apiserver/schema/structural_check.h"
#include "json/parse.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

json::Value schema_json(std::string_view text) {
  return json::parse(text).value();
}

TEST(ParseSchema, ReadsAllThatIsAppliedToObjects) {
  SchemaPool pool;
  const auto schema = parse_schema(schema_json(R"({
    "type": "object", "description": "not kept", "required": ["b"],
    "properties": {
      "b": {"type": "integer", "minimum": 1, "default": 2, "nullable": true},
      "a": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
            "items": {"type": "object", "properties": {"k": {"type": "string", "format": "date-time"}}}},
      "m": {"type": "object", "additionalProperties": {"x-kubernetes-int-or-string": true}},
      "r": {"type": "object", "x-kubernetes-embedded-resource": true,
            "x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-map-type": "atomic"}},
    "x-kubernetes-validations": [{"rule": "self.b > 1", "message": "m", "optionalOldSelf": true}]})"),
                                   pool);
  ASSERT_TRUE(schema) << schema.error().message();
  const StructuralSchema& root = **schema;
  EXPECT_EQ(root.type, SchemaType::kObject);
  EXPECT_EQ(root.details->required, std::vector<std::string>{"b"});
  ASSERT_EQ(root.rules().size(), 1U);
  EXPECT_EQ(root.rules()[0].rule, "self.b > 1");
  EXPECT_EQ(root.rules()[0].optional_old_self, true);
  EXPECT_TRUE(root.has_rules && root.has_defaults && root.has_unique_lists && root.has_embedded_resources);

  const StructuralSchema* b = root.find_property("b");
  ASSERT_NE(b, nullptr);
  EXPECT_TRUE(b->nullable);
  EXPECT_EQ(*b->default_value(), json::Value(2));
  EXPECT_EQ(b->details->limits->minimum, 1.0);
  EXPECT_FALSE(b->has_rules);

  const StructuralSchema* a = root.find_property("a");
  EXPECT_EQ(a->list_type, ListType::kMap);
  EXPECT_EQ(a->list_map_keys(), std::vector<std::string>{"k"});
  EXPECT_EQ(a->items->find_property("k")->details->limits->known_format, StringFormat::kDateTime);

  EXPECT_TRUE(root.find_property("m")->find_member("anything")->int_or_string);
  EXPECT_TRUE(root.find_property("r")->embedded_resource);
  EXPECT_TRUE(root.find_property("r")->preserve_unknown_fields);
  EXPECT_EQ(root.find_property("r")->map_type, MapType::kAtomic);
  EXPECT_EQ(root.find_property("x"), nullptr);
  EXPECT_EQ(root.find_member("x"), nullptr);
}

TEST(ParseSchema, EqualPartsExistOnce) {
  SchemaPool pool;
  const auto first = parse_schema(schema_json(R"({"type":"object","properties":{
    "a":{"type":"string","description":"one"},"b":{"type":"string","description":"two"},
    "c":{"type":"object","properties":{"x":{"type":"string"}}}}})"),
                                  pool);
  const auto second = parse_schema(schema_json(R"({"properties":{"y":{"properties":{"x":{"type":"string"}},
    "type":"object"}},"type":"object"})"),
                                   pool);
  EXPECT_EQ((*first)->find_property("a"), (*first)->find_property("b"));
  EXPECT_EQ((*first)->find_property("c"), (*second)->find_property("y"));
  EXPECT_EQ(pool.size(), 4U);  // string, {x}, and both roots
}

TEST(ParseSchema, WhatDiffersInAnythingStaysApart) {
  SchemaPool pool;
  const char* const different[] = {
      R"({"type":"string"})",
      R"({"type":"string","nullable":true})",
      R"({"type":"string","enum":["a"]})",
      R"({"type":"string","enum":["b"]})",
      R"({"type":"number","enum":[1]})",
      R"({"type":"number","enum":[1.0]})",
      R"({"type":"string","pattern":"a"})",
      R"({"type":"string","pattern":"b"})",
      R"({"type":"string","maxLength":1})",
      R"({"type":"string","minLength":1})",
      R"({"type":"string","format":"date"})",
      R"({"type":"string","default":"a"})",
      R"({"type":"number","minimum":1})",
      R"({"type":"number","minimum":1,"exclusiveMinimum":true})",
      R"({"type":"number","multipleOf":1})",
      R"({"type":"object"})",
      R"({"type":"object","additionalProperties":true})",
      R"({"type":"object","additionalProperties":false})",
      R"({"type":"object","additionalProperties":{"type":"string"}})",
      R"({"type":"object","required":["a"]})",
      R"({"type":"object","x-kubernetes-map-type":"atomic"})",
      R"({"type":"object","x-kubernetes-preserve-unknown-fields":true})",
      R"({"type":"object","x-kubernetes-embedded-resource":true})",
      R"({"type":"object","allOf":[{"required":["a"]}]})",
      R"({"type":"object","anyOf":[{"required":["a"]}]})",
      R"({"type":"object","oneOf":[{"required":["a"]}]})",
      R"({"type":"object","not":{"required":["a"]}})",
      R"({"type":"object","x-kubernetes-validations":[{"rule":"true"}]})",
      R"({"type":"object","x-kubernetes-validations":[{"rule":"true","message":"m"}]})",
      R"({"type":"array","items":{"type":"string"}})",
      R"({"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set"})",
      R"({"type":"foo"})",
      R"({"type":"bar"})",
  };
  std::vector<SchemaPtr> all;
  for (const char* text : different) {
    const SchemaPtr schema = parse_schema(schema_json(text), pool).value();
    EXPECT_EQ(parse_schema(schema_json(text), pool).value(), schema) << text;
    EXPECT_EQ(std::count(all.begin(), all.end(), schema), 0) << text;
    all.push_back(schema);
  }
}

TEST(SchemaPool, ForgetsWhatNobodyUses) {
  SchemaPool pool;
  SchemaPtr kept = parse_schema(schema_json(R"({"type":"string","maxLength":3})"), pool).value();
  ASSERT_TRUE(parse_schema(
      schema_json(R"({"type":"object","properties":{"a":{"type":"string","pattern":"x"}}})"), pool));
  EXPECT_EQ(pool.size(), 3U);
  pool.sweep();
  EXPECT_EQ(pool.size(), 1U);
  EXPECT_EQ(parse_schema(schema_json(R"({"type":"string","maxLength":3})"), pool).value(), kept);
}

TEST(SchemaPool, DoesNotGrowWithSchemasThatAreReplaced) {
  SchemaPool pool;
  for (int i = 0; i < 5000; ++i) {
    ASSERT_TRUE(
        parse_schema(schema_json(R"({"type":"string","maxLength":)" + std::to_string(i) + "}"), pool));
  }
  EXPECT_LE(pool.size(), 1025U);
}

TEST(ParseSchema, SaysWhatItCannotUse) {
  struct Row {
    std::string_view schema;
    std::string_view error;
  };
  const Row rows[] = {
      {R"({"$ref":"#/x"})", "OpenAPIV3Schema '$ref' is not supported"},
      {R"({"properties":{"a":{"id":"x"}}})", "OpenAPIV3Schema 'id' is not supported"},
      {R"({"$schema":"x"})", "OpenAPIV3Schema 'schema' is not supported"},
      {R"({"items":[{"type":"string"}]})", "OpenAPIV3Schema 'items' must be a schema, but is an array"},
      {R"({"additionalItems":false})", "OpenAPIV3Schema 'additionalItems' is not supported"},
      {R"({"x-kubernetes-preserve-unknown-fields":false})",
       "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined"},
      {R"({"maxLength":"3"})", "field \"maxLength\" of a schema must be of type integer"},
      {R"({"required":[1]})", "field \"required\" of a schema must be of type array of strings"},
      {R"({"properties":{"a":3}})", "a schema must be an object"},
      {R"({"additionalProperties":3})",
       "field \"additionalProperties\" of a schema must be of type boolean or schema"},
      {R"([])", "a schema must be an object"},
  };
  SchemaPool pool;
  for (const Row& row : rows) {
    const auto schema = parse_schema(schema_json(row.schema), pool);
    ASSERT_FALSE(schema) << row.schema;
    EXPECT_EQ(schema.error().code(), Code::kInvalid) << row.schema;
    EXPECT_EQ(schema.error().message(), row.error) << row.schema;
  }
}

json::Value nested_schema(std::size_t levels) {
  json::Value schema = json::Value::empty_object();
  for (std::size_t i = 1; i < levels; ++i) {
    json::Value outer = json::Value::empty_object();
    outer["type"] = "array";
    outer["items"] = std::move(schema);
    schema = std::move(outer);
  }
  return schema;
}

FIBER_TEST(ParseSchema, TheDeepestFitsAFibersStackAndADeeperOneIsRefused) {
  SchemaPool pool;
  EXPECT_TRUE(parse_schema(nested_schema(kMaxSchemaDepth), pool));
  EXPECT_FALSE(validate_structural(FieldPath("s"), nested_schema(kMaxSchemaDepth)).empty());
  const auto deeper = parse_schema(nested_schema(kMaxSchemaDepth + 1), pool);
  ASSERT_FALSE(deeper);
  EXPECT_EQ(deeper.error().code(), Code::kInvalid);
}

}  // namespace
}  // namespace klutch::apiserver

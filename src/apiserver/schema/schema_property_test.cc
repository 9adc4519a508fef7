// SPDX-License-Identifier: Apache-2.0
// What must hold for any schema and any value.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "apiserver/schema/defaulting.h"
#include "apiserver/schema/prune.h"
#include "apiserver/schema/structural_check.h"
#include "apiserver/schema/structural_schema.h"
#include "apiserver/schema/validation.h"
#include "testing/arbitrary_json.h"

namespace klutch::apiserver {
namespace {

const std::vector<std::string> kKeys = {"a", "b", "c", "kind", "metadata"};
const std::vector<std::string> kTypes = {"string", "integer", "number", "boolean", "object", "array"};

rc::Gen<json::Value> arbitrary_scalar() {
  return rc::gen::element(json::Value(), json::Value(true), json::Value(0), json::Value(7), json::Value(1.5),
                          json::Value(""), json::Value("a"), json::Value("kind"));
}

/// Values made of the keys that schemas speak about.
json::Value draw_value(int depth) {
  const int kind = depth <= 0 ? 0 : *rc::gen::inRange(0, 3);
  if (kind == 0) return *arbitrary_scalar();
  json::Value value = kind == 1 ? json::Value::empty_array() : json::Value::empty_object();
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
    if (kind == 1) {
      value.push_back(draw_value(depth - 1));
    } else {
      value.set(*rc::gen::elementOf(kKeys), draw_value(depth - 1));
    }
  }
  return value;
}

bool chance(int percent) {
  return *rc::gen::inRange(0, 100) < percent;
}

void draw_limits(json::Value& schema) {
  if (chance(20)) schema["minimum"] = *rc::gen::element(0, 3);
  if (chance(20)) schema["maxLength"] = *rc::gen::element(0, 3);
  if (chance(20)) schema["maxItems"] = *rc::gen::element(0, 2);
  if (chance(20)) schema["pattern"] = *rc::gen::element<std::string>("^a", "b$");
  if (chance(20)) schema["enum"].push_back(*arbitrary_scalar());
  if (chance(20)) schema["required"].push_back(*rc::gen::elementOf(kKeys));
  if (chance(20)) schema["nullable"] = true;
  if (chance(10)) schema["x-kubernetes-preserve-unknown-fields"] = true;
  if (chance(10)) schema["x-kubernetes-int-or-string"] = true;
}

json::Value draw_schema(int depth) {
  json::Value schema = json::Value::empty_object();
  schema["type"] = *rc::gen::elementOf(kTypes);
  draw_limits(schema);
  if (depth <= 0) return schema;
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
    schema["properties"][*rc::gen::elementOf(kKeys)] = draw_schema(depth - 1);
  }
  if (chance(30)) schema["items"] = draw_schema(depth - 1);
  if (chance(20)) schema["additionalProperties"] = draw_schema(depth - 1);
  if (chance(20)) schema["x-kubernetes-list-type"] = *rc::gen::element<std::string>("set", "map", "atomic");
  for (const char* key : {"allOf", "anyOf", "oneOf"}) {
    if (chance(15)) schema[key].push_back(draw_schema(depth - 1));
  }
  if (chance(10)) schema["not"] = draw_schema(depth - 1);
  return schema;
}

/// Gives some of the schemas below a default that pruning leaves as it is, which CRDs are held to.
void add_defaults(json::Value& schema, SchemaPool& pool) {
  if (json::Value* properties = schema.find("properties")) {
    for (auto& [name, property] : properties->members()) add_defaults(property, pool);
  }
  if (json::Value* items = schema.find("items")) add_defaults(*items, pool);
  if (!chance(30)) return;
  json::Value value = draw_value(2);
  const SchemaPtr parsed = parse_schema(schema, pool).value();
  prune(value, parsed.get(), {.resource_root = false});
  if (!value.is_null()) schema["default"] = std::move(value);
}

rc::Gen<json::Value> schema_with_defaults() {
  return rc::gen::exec([] {
    SchemaPool pool;
    json::Value schema = draw_schema(3);
    add_defaults(schema, pool);
    return schema;
  });
}

rc::Gen<json::Value> value_for_schemas() {
  return rc::gen::oneOf(rc::gen::exec([] { return draw_value(4); }), testing::arbitrary_json());
}

RC_GTEST_PROP(Schema, PruningTwiceIsPruningOnce, ()) {
  SchemaPool pool;
  const SchemaPtr schema = parse_schema(*schema_with_defaults(), pool).value();
  json::Value value = *value_for_schemas();
  const bool root = chance(50);
  prune(value, schema.get(), {.resource_root = root});
  const json::Value once = value;
  RC_ASSERT(prune(value, schema.get(), {.resource_root = root, .report = true}).empty());
  RC_ASSERT(value == once);
}

RC_GTEST_PROP(Schema, DefaultingTwiceIsDefaultingOnceAndAddsNothingThatIsPruned, ()) {
  SchemaPool pool;
  const SchemaPtr schema = parse_schema(*schema_with_defaults(), pool).value();
  json::Value value = *value_for_schemas();
  prune(value, schema.get(), {.resource_root = false});
  apply_defaults(value, schema.get());
  const json::Value once = value;
  apply_defaults(value, schema.get());
  RC_ASSERT(value == once);
  prune(value, schema.get(), {.resource_root = false});
  RC_ASSERT(value == once);
}

RC_GTEST_PROP(Schema, AnUpdateThatChangesNothingReportsNoMoreThanACreation, ()) {
  SchemaPool pool;
  const SchemaPtr schema = parse_schema(*schema_with_defaults(), pool).value();
  const json::Value value = *value_for_schemas();
  const FieldErrors created = validate_value({}, value, *schema);
  const FieldErrors updated = validate_value_update({}, value, value, *schema);
  RC_ASSERT(updated.size() <= created.size());
  RC_ASSERT(validate_value_update({}, value, json::Value(), *schema) == created || value.is_null());
}

RC_GTEST_PROP(Schema, AnyJsonEitherIsASchemaOrHasAnError, ()) {
  SchemaPool pool;
  const json::Value text = *rc::gen::oneOf(schema_with_defaults(), testing::arbitrary_json());
  const auto schema = parse_schema(text, pool);
  if (!schema) return;
  validate_structural(FieldPath("s"), text);
  const json::Value value = *value_for_schemas();
  validate_value({}, value, **schema);
  validate_value({}, value, **schema, ValidationPurpose::kDefault);
  validate_unique_lists({}, value, **schema);
}

}  // namespace
}  // namespace klutch::apiserver

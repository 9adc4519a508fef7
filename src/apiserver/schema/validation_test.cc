// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/validation.h"

#include <gtest/gtest.h>

#include "apiserver/schema/oracle_testing.h"
#include "json/parse.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

json::Value parsed(std::string_view text) {
  return json::parse(text).value();
}

SchemaPtr schema_of(std::string_view text) {
  SchemaPool pool;
  return parse_schema(parsed(text), pool).value();
}

TEST(ValidateValue, SaysWhatKubernetesSays) {
  expect_answers_of("src/apiserver/schema/testdata/validate.tsv");
}

TEST(ValidateUniqueLists, SaysWhatKubernetesSays) {
  expect_answers_of("src/apiserver/schema/testdata/unique_lists.tsv");
}

TEST(ValidateValue, NamesTheFieldTheValueAndTheBound) {
  const SchemaPtr schema =
      schema_of(R"({"type":"object","properties":{"spec":{"type":"object","required":["color"],
    "properties":{"size":{"type":"integer","minimum":-5},"color":{"type":"string","enum":["red","blue"]}}}}})");
  EXPECT_EQ(to_string(validate_value({}, parsed(R"({"spec":{"size":-6,"color":"pink"}})"), *schema)),
            "[spec.color: Unsupported value: \"pink\": supported values: \"red\", \"blue\", "
            "spec.size: Invalid value: -6: spec.size in body should be greater than or equal to -5]");
  EXPECT_EQ(to_string(validate_value({}, parsed(R"({"spec":{"size":"x"}})"), *schema)),
            "[spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\", "
            "spec.color: Required value]");
}

TEST(ValidateValueUpdate, ToleratesWhatWasWrongBeforeAndOnlyThat) {
  const SchemaPtr schema =
      schema_of(R"({"type":"object","properties":{"color":{"type":"string","enum":["red"]},
    "ports":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],
      "items":{"type":"object","properties":{"name":{"type":"string"},"port":{"type":"integer","minimum":1}}}}}})");
  struct Row {
    std::string_view value;
    std::string_view old;
    std::string_view errors;
    std::string_view reason;
  };
  constexpr std::string_view kColor = "color: Unsupported value: \"pink\": supported values: \"red\"";
  constexpr std::string_view kPort =
      "ports[0].port: Invalid value: 0: ports[0].port in body should be greater than or equal to 1";
  const Row rows[] = {
      {R"({"color":"pink"})", R"({"color":"pink"})", "", "nothing changed"},
      {R"({"color":"pink","ports":[]})", R"({"color":"pink"})", "", "something else changed"},
      {R"({"color":"pink"})", R"({"color":"red"})", kColor, "this changed"},
      {R"({"color":"pink"})", R"({})", kColor, "this is new"},
      {R"({"ports":[{"name":"b","port":0}]})", R"({"ports":[{"name":"a","port":1},{"name":"b","port":0}]})",
       "", "elements are found by their keys"},
      {R"({"ports":[{"name":"c","port":0}]})", R"({"ports":[{"name":"b","port":0}]})", kPort,
       "another element"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(to_string(validate_value_update({}, parsed(row.value), parsed(row.old), *schema)), row.errors)
        << row.reason;
  }
}

TEST(ValidateValue, ReportsABoundedNumberOfErrors) {
  const SchemaPtr schema = schema_of(R"({"type":"array","items":{"type":"string"}})");
  json::Value numbers = json::Value::empty_array();
  for (int i = 0; i < 5000; ++i) numbers.push_back(i);
  EXPECT_EQ(validate_value({}, numbers, *schema).size(), kMaxValidationErrors);
}

json::Value nested(std::size_t levels, std::string_view key) {
  json::Value value = json::Value::empty_object();
  value["type"] = "string";
  value["minLength"] = 1;
  for (std::size_t i = 1; i < levels; ++i) {
    json::Value outer = json::Value::empty_object();
    if (key == "properties") {
      outer["type"] = "object";
      outer["properties"]["p"] = std::move(value);
    } else if (key == "items") {
      outer["type"] = "array";
      outer["items"] = std::move(value);
    } else {
      outer[key].push_back(std::move(value));
    }
    value = std::move(outer);
  }
  return value;
}

json::Value nested_value(std::size_t levels, std::string_view key) {
  json::Value value = 1;
  for (std::size_t i = 1; i < levels && key != "anyOf"; ++i) {
    json::Value outer;
    if (key == "items") {
      outer.push_back(std::move(value));
    } else {
      outer["p"] = std::move(value);
    }
    value = std::move(outer);
  }
  return value;
}

FIBER_TEST(ValidateValue, TheDeepestSchemasFitAFibersStack) {
  for (const std::string_view key : {"properties", "items", "anyOf"}) {
    SchemaPool pool;
    const SchemaPtr schema = parse_schema(nested(kMaxSchemaDepth, key), pool).value();
    const json::Value value = nested_value(kMaxSchemaDepth, key);
    EXPECT_FALSE(validate_value({}, value, *schema).empty()) << key;
    EXPECT_FALSE(validate_value_update({}, value, json::Value(), *schema).empty()) << key;
    // An atomic list has no counterparts, and a value that is no list or object is the same as before.
    EXPECT_EQ(validate_value_update({}, value, value, *schema).empty(), true) << key;
    EXPECT_TRUE(validate_unique_lists({}, value, *schema).empty()) << key;
  }
}

}  // namespace
}  // namespace klutch::apiserver

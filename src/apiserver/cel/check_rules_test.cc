// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "apiserver/cel/validation_rules.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "testing/table.h"

namespace klutch::apiserver {
namespace {

json::Value sorted_list(std::vector<std::string> texts) {
  std::ranges::sort(texts);
  json::Value list = json::Value::empty_array();
  for (const std::string& text : texts) list.push_back(text);
  return list;
}

std::vector<std::string> reasons_and_texts(const FieldErrors& errors) {
  std::vector<std::string> texts;
  for (const FieldError& error : errors) {
    texts.push_back(std::string(reason_of(error.type)) + '|' + error.to_string());
  }
  return texts;
}

json::Value answer_to(const json::Value& question) {
  SchemaPool pool;
  const SchemaPtr schema = *parse_schema(*question.find("schema"), pool);
  const FieldErrors in_schema = validate_rules_of_schema(FieldPath("S"), *schema);
  FieldErrors in_object;
  std::vector<std::string> warnings;
  if (const json::Value* object = question.find("new")) {
    in_object = check_rules(*CompiledRules::of(schema), *object, question.find("old"), &warnings);
  }
  return json::object({{"crd", sorted_list(reasons_and_texts(in_schema))},
                       {"errors", sorted_list(reasons_and_texts(in_object))},
                       {"warn", sorted_list(warnings)}});
}

TEST(ValidationRules, AreReadAndCheckedAsKubernetesDoes) {
  for (const auto& row : testing::read_table("src/apiserver/cel/testdata/rules.tsv", 2)) {
    EXPECT_EQ(json::print(answer_to(*json::parse(row[0]))), json::print(*json::parse(row[1]))) << row[0];
  }
}

json::Value schema_with_rule(std::string_view rule) {
  return *json::parse(R"({"type": "object", "properties": {"n": {"type": "integer"}},
                          "x-kubernetes-validations": [{"rule": ")" +
                      std::string(rule) + "\"}]}");
}

TEST(ValidationRules, NewOnesMayUseWhatThePreviousKubernetesKnows) {
  SchemaPool pool;
  const SchemaPtr schema = *parse_schema(schema_with_rule("[self.n].slice(0, 1) == [1]"), pool);
  const FieldErrors errors = validate_rules_of_schema(FieldPath("S"), *schema);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_NE(errors[0].body.find("undeclared reference to 'slice'"), std::string::npos) << errors[0].body;
  const std::vector<SchemaPtr> previous = {schema};
  EXPECT_EQ(validate_rules_of_schema(FieldPath("S"), *schema, {.previous = previous}), FieldErrors());
  EXPECT_EQ(check_rules(*CompiledRules::of(schema), json::object({{"n", 1}})), FieldErrors());
}

TEST(ValidationRules, AreNotCompiledWhenThatIsNotWanted) {
  SchemaPool pool;
  const SchemaPtr schema = *parse_schema(schema_with_rule("self.nothing"), pool);
  EXPECT_EQ(validate_rules_of_schema(FieldPath("S"), *schema, {.compile = false}), FieldErrors());
}

TEST(ValidationRules, OfAPartSeeNoMetadata) {
  SchemaPool pool;
  const SchemaPtr schema = *parse_schema(schema_with_rule("size(self.metadata.name) > 0"), pool);
  const json::Value object = *json::parse(R"({"metadata": {"name": "a"}})");
  EXPECT_EQ(check_rules(*CompiledRules::of(schema), object), FieldErrors());
  const FieldErrors errors = check_rules(*CompiledRules::of(schema, false), object);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_NE(errors[0].body.find("undefined field 'metadata'"), std::string::npos) << errors[0].body;
}

TEST(ValidationRules, ChangeOnlyTheLimitOfEachCostWhenAVersionStays) {
  constexpr std::string_view kExpensive = R"json({"type": "object", "properties": {
      "l": {"type": "array", "items": {"type": "string", "maxLength": 10}, "maxItems": 5000,
            "x-kubernetes-validations": [{"rule": "self.all(x, self.exists(y, x == y))"}]}}})json";
  SchemaPool pool;
  const SchemaPtr schema = *parse_schema(*json::parse(kExpensive), pool);
  EXPECT_EQ(validate_rules_of_schema(FieldPath("S"), *schema).size(), 3U);
  const FieldErrors errors = validate_rules_of_schema(FieldPath("S"), *schema, {.limits_each_cost = false});
  ASSERT_EQ(errors.size(), 2U) << to_string(errors);
  EXPECT_TRUE(errors[0].body.starts_with("Forbidden: contributed to")) << errors[0].body;
  EXPECT_EQ(errors[1].field, "S");
}

TEST(ValidationRules, OfASchemaWithoutAnyAreEmpty) {
  SchemaPool pool;
  const SchemaPtr schema = *parse_schema(*json::parse(R"({"type": "object"})"), pool);
  EXPECT_TRUE(CompiledRules::of(schema)->empty());
  EXPECT_EQ(check_rules(*CompiledRules::of(schema), json::object()), FieldErrors());
}

TEST(ValidationRules, AreNotCheckedOnObjectsThatCannotBeRead) {
  const FieldErrors bounds = {FieldError::invalid(FieldPath("a"), 1, "too small")};
  EXPECT_EQ(reason_not_to_check_rules(bounds), std::nullopt);
  const FieldErrors missing = {FieldError::required(FieldPath("a"))};
  const auto reason = reason_not_to_check_rules(missing);
  ASSERT_TRUE(reason);
  EXPECT_EQ(
      reason->to_string(),
      "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; "
      "correct the existing errors to complete validation");
}

}  // namespace
}  // namespace klutch::apiserver

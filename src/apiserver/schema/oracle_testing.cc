// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/oracle_testing.h"

#include <gtest/gtest.h>

#include "apiserver/schema/defaulting.h"
#include "apiserver/schema/embedded_resource.h"
#include "apiserver/schema/field_error.h"
#include "apiserver/schema/json_path.h"
#include "apiserver/schema/object_meta.h"
#include "apiserver/schema/pattern.h"
#include "apiserver/schema/prune.h"
#include "apiserver/schema/string_format.h"
#include "apiserver/schema/structural_check.h"
#include "apiserver/schema/structural_schema.h"
#include "apiserver/schema/validation.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "testing/table.h"

namespace klutch::apiserver {
namespace {

json::Value listed(const FieldErrors& errors) {
  json::Value out = json::Value::empty_array();
  for (const FieldError& error : errors) {
    out.push_back(json::array({reason_of(error.type), error.field, error.body}));
  }
  return json::object({{"errs", std::move(out)}});
}

json::Value texts(const std::vector<std::string>& list) {
  json::Value out = json::Value::empty_array();
  for (const std::string& text : list) out.push_back(text);
  return out;
}

json::Value matches_of(const json::Value& question, const auto& matches) {
  json::Value out = json::Value::empty_array();
  for (const json::Value& subject : question.find("list")->elements())
    out.push_back(matches(subject.as_string()));
  return json::object({{"m", std::move(out)}});
}

json::Value answer_pattern(const json::Value& question) {
  const Pattern pattern(*question.find_string("f"));
  if (const auto error = pattern.error()) return json::object({{"err", *error}});
  return matches_of(question, [&](std::string_view text) { return pattern.matches(text); });
}

json::Value answer_format(const json::Value& question) {
  const StringFormat format = find_string_format(*question.find_string("f"));
  return matches_of(question, [&](std::string_view text) { return matches(format, text); });
}

json::Value answer_json_path(const json::Value& question) {
  const auto path = JsonPath::parse(*question.find_string("f"));
  if (!path) return json::object({{"parse", path.error().message()}});
  const auto found = path->find(*question.find("obj"));
  if (!found) return json::object({{"find", found.error().message()}});
  json::Value groups = json::Value::empty_array();
  for (const auto& group : found->groups) {
    json::Value& out = groups.push_back(json::Value::empty_array());
    for (const json::Value* value : group) out.push_back(*value);
  }
  return json::object({{"groups", std::move(groups)}});
}

json::Value with_object(json::Value object) {
  return json::object({{"obj", std::move(object)}});
}

json::Value answer_object_meta(const json::Value& question) {
  const auto meta = decode_object_meta(*question.find("obj"));
  if (!meta) return json::object({{"decode", meta.error().message()}});
  const FieldPath path("metadata");
  if (const json::Value* old = question.find("old")) {
    return listed(validate_object_meta_update(meta->value, decode_object_meta(*old)->value, path));
  }
  const bool namespaced = question.find_bool("root").value_or(false);
  return listed(validate_object_meta(meta->value, {.namespaced = namespaced}, path));
}

FieldPath root_of(const json::Value& question) {
  const auto root = question.find_string("s");
  return root && !root->empty() ? FieldPath(*root) : FieldPath();
}

json::Value answer_by_schema(std::string_view op, const json::Value& question,
                             const StructuralSchema* schema) {
  json::Value object = *question.find("obj");
  const bool root = question.find_bool("root").value_or(false);
  if (op == "prune") {
    json::Value unknown = texts(prune(object, schema, {.resource_root = root, .report = true}));
    return json::object({{"obj", std::move(object)}, {"unknown", std::move(unknown)}});
  }
  if (op == "nulls") {
    drop_nulls(object, schema);
    return with_object(std::move(object));
  }
  if (op == "default") {
    apply_defaults(object, schema);
    return with_object(std::move(object));
  }
  if (op == "validate") {
    if (const json::Value* old = question.find("old")) {
      return listed(validate_value_update(root_of(question), object, *old, *schema));
    }
    return listed(validate_value(root_of(question), object, *schema));
  }
  if (op == "meta") return listed(validate_embedded_resources({}, object, schema, root));
  if (op == "coerce") {
    const bool drop = question.find_bool("drop").value_or(false);
    const EmbeddedResult result =
        coerce_embedded_resources(object, schema, {.resource_root = root, .drop_invalid = drop});
    json::Value out = result.error ? listed({*result.error}) : with_object(std::move(object));
    out["unknown"] = texts(result.unknown);
    return out;
  }
  if (op == "lists") return listed(validate_unique_lists({}, object, *schema));
  return json::object({{"error", "unknown op"}});
}

}  // namespace

json::Value answer(const json::Value& question) {
  const std::string_view op = *question.find_string("op");
  if (op == "value") {
    return json::object(
        {{"text", FieldError::invalid(FieldPath("f"), *question.find("value"), "d").to_string()}});
  }
  if (op == "pattern") return answer_pattern(question);
  if (op == "format") return answer_format(question);
  if (op == "objectmeta") return answer_object_meta(question);
  if (op == "jsonpath") return answer_json_path(question);
  SchemaPool pool;
  SchemaPtr schema;
  if (const json::Value* json = question.find("schema")) {
    auto parsed = parse_schema(*json, pool);
    if (!parsed) return json::object({{"unsupported", parsed.error().message()}});
    schema = *parsed;
  }
  if (op == "structural") {
    const FieldPath path = FieldPath("spec").child("validation").child("openAPIV3Schema");
    return listed(validate_structural(path, *question.find("schema")));
  }
  return answer_by_schema(op, question, schema.get());
}

void expect_answers_of(const std::string& table) {
  for (const auto& row : testing::read_table(table, 2)) {
    const auto question = json::parse(row[0]);
    const auto expected = json::parse(row[1]);
    ASSERT_TRUE(question && expected) << row[0];
    EXPECT_EQ(json::canonical(answer(*question)), json::canonical(*expected)) << row[0];
  }
}

}  // namespace klutch::apiserver

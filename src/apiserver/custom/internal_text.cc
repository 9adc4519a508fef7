// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/internal_text.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "apiserver/schema/go_text.h"
#include "apiserver/schema/schema_json.h"

namespace klutch::apiserver {
namespace {

/// What a field of JSONSchemaProps holds, as far as printing it goes.
enum class Shape : std::uint8_t {
  kText,
  kFlag,
  kAny,  ///< a pointer or list of plain values: null when absent
  kSchema,
  kSchemaList,
  kSchemaMap,
  kItems,
  kSchemaOrFlag,
  kDependencies,
  kDocs,
  kRules,
};

struct SchemaField {
  std::string_view name;
  std::string_view json;
  Shape shape;
};

constexpr SchemaField kSchemaFields[] = {
    {"ID", "id", Shape::kText},
    {"Schema", "$schema", Shape::kText},
    {"Ref", "$ref", Shape::kAny},
    {"Description", "description", Shape::kText},
    {"Type", "type", Shape::kText},
    {"Nullable", "nullable", Shape::kFlag},
    {"Format", "format", Shape::kText},
    {"Title", "title", Shape::kText},
    {"Default", "default", Shape::kAny},
    {"Maximum", "maximum", Shape::kAny},
    {"ExclusiveMaximum", "exclusiveMaximum", Shape::kFlag},
    {"Minimum", "minimum", Shape::kAny},
    {"ExclusiveMinimum", "exclusiveMinimum", Shape::kFlag},
    {"MaxLength", "maxLength", Shape::kAny},
    {"MinLength", "minLength", Shape::kAny},
    {"Pattern", "pattern", Shape::kText},
    {"MaxItems", "maxItems", Shape::kAny},
    {"MinItems", "minItems", Shape::kAny},
    {"UniqueItems", "uniqueItems", Shape::kFlag},
    {"MultipleOf", "multipleOf", Shape::kAny},
    {"Enum", "enum", Shape::kAny},
    {"MaxProperties", "maxProperties", Shape::kAny},
    {"MinProperties", "minProperties", Shape::kAny},
    {"Required", "required", Shape::kAny},
    {"Items", "items", Shape::kItems},
    {"AllOf", "allOf", Shape::kSchemaList},
    {"OneOf", "oneOf", Shape::kSchemaList},
    {"AnyOf", "anyOf", Shape::kSchemaList},
    {"Not", "not", Shape::kSchema},
    {"Properties", "properties", Shape::kSchemaMap},
    {"AdditionalProperties", "additionalProperties", Shape::kSchemaOrFlag},
    {"PatternProperties", "patternProperties", Shape::kSchemaMap},
    {"Dependencies", "dependencies", Shape::kDependencies},
    {"AdditionalItems", "additionalItems", Shape::kSchemaOrFlag},
    {"Definitions", "definitions", Shape::kSchemaMap},
    {"ExternalDocs", "externalDocs", Shape::kDocs},
    {"Example", "example", Shape::kAny},
    {"XPreserveUnknownFields", "x-kubernetes-preserve-unknown-fields", Shape::kAny},
    {"XEmbeddedResource", "x-kubernetes-embedded-resource", Shape::kFlag},
    {"XIntOrString", "x-kubernetes-int-or-string", Shape::kFlag},
    {"XListMapKeys", "x-kubernetes-list-map-keys", Shape::kAny},
    {"XListType", "x-kubernetes-list-type", Shape::kAny},
    {"XMapType", "x-kubernetes-map-type", Shape::kAny},
    {"XValidations", "x-kubernetes-validations", Shape::kRules},
};

// All of these recurse along the schema, whose depth parsing has bounded before.
void write_schema(std::string& out, const json::Value* schema);

void write_list(std::string& out, const json::Value& list, const auto& write) {
  out += '[';
  bool first = true;
  for (const json::Value& element : list.elements()) {
    if (!first) out += ',';
    first = false;
    write(element);
  }
  out += ']';
}

void write_map(std::string& out, const json::Value& object, const auto& write) {
  std::vector<const json::Member*> members;
  for (const json::Member& member : object.members()) members.push_back(&member);
  std::ranges::sort(members, {}, [](const json::Member* member) { return member->key(); });
  out += '{';
  bool first = true;
  for (const json::Member* member : members) {
    if (!first) out += ',';
    first = false;
    out += go_json_text(member->key()) + ":";
    write(member->value());
  }
  out += '}';
}

void write_items(std::string& out, const json::Value& items) {
  append_key(out += '{', "Schema");
  write_schema(out, items.is_object() ? &items : nullptr);
  append_key(out, "JSONSchemas");
  if (items.is_array()) {
    write_list(out, items, [&](const json::Value& schema) { write_schema(out, &schema); });
  } else {
    out += "null";
  }
  out += '}';
}

void write_rule(std::string& out, const json::Value& rule) {
  out += '{';
  for (const auto& [name, key] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"Rule", "rule"}, {"Message", "message"}, {"MessageExpression", "messageExpression"}}) {
    append_key(out, name);
    out += go_json_at(rule, key, "\"\"");
  }
  append_key(out, "Reason");
  out += go_json_at(rule, "reason", "null");
  append_key(out, "FieldPath");
  out += go_json_at(rule, "fieldPath", "\"\"");
  append_key(out, "OptionalOldSelf");
  out += go_json_at(rule, "optionalOldSelf", "null") + "}";
}

void write_member(std::string& out, const json::Value& value, Shape shape) {
  const auto schema = [&](const json::Value& below) { write_schema(out, &below); };
  switch (shape) {
    case Shape::kText:
    case Shape::kFlag:
    case Shape::kAny: out += go_json(value); break;
    case Shape::kSchema: write_schema(out, &value); break;
    case Shape::kSchemaList: write_list(out, value, schema); break;
    case Shape::kSchemaMap: write_map(out, value, schema); break;
    case Shape::kItems: write_items(out, value); break;
    case Shape::kSchemaOrFlag:
      append_key(out += '{', "Allows");
      out += value.is_bool() && !value.as_bool() ? "false" : "true";
      append_key(out, "Schema");
      write_schema(out, value.is_object() ? &value : nullptr);
      out += '}';
      break;
    case Shape::kDependencies:
      write_map(out, value, [&](const json::Value& dependency) {
        append_key(out += '{', "Schema");
        write_schema(out, dependency.is_object() ? &dependency : nullptr);
        append_key(out, "Property");
        out += (dependency.is_array() ? go_json(dependency) : "null") + "}";
      });
      break;
    case Shape::kDocs:
      append_key(out += '{', "Description");
      out += go_json_at(value, "description", "\"\"");
      append_key(out, "URL");
      out += go_json_at(value, "url", "\"\"") + "}";
      break;
    case Shape::kRules:
      write_list(out, value, [&](const json::Value& rule) { write_rule(out, rule); });
      break;
  }
}

std::string_view absent_text(Shape shape) {
  if (shape == Shape::kText) return "\"\"";
  return shape == Shape::kFlag ? "false" : "null";
}

bool fits_shape(const json::Value& value, Shape shape) {
  switch (shape) {
    case Shape::kText: return value.is_string();
    case Shape::kFlag: return value.is_bool();
    case Shape::kSchemaList:
    case Shape::kRules: return value.is_array();
    case Shape::kSchema:
    case Shape::kSchemaMap:
    case Shape::kDependencies:
    case Shape::kDocs: return value.is_object();
    default: return !value.is_null();
  }
}

const json::Value* find_member(const json::Value& schema, const SchemaField& field) {
  const json::Value* value = schema.find(field.json);
  return value != nullptr && fits_shape(*value, field.shape) ? value : nullptr;
}

void write_schema(std::string& out, const json::Value* schema) {
  if (schema == nullptr) {
    out += "null";
    return;
  }
  out += '{';
  for (const SchemaField& field : kSchemaFields) {
    append_key(out, field.name);
    if (const json::Value* value = find_member(*schema, field)) {
      write_member(out, *value, field.shape);
    } else {
      out += absent_text(field.shape);
    }
  }
  out += '}';
}

}  // namespace

std::string internal_schema_text(const json::Value* schema) {
  std::string out;
  write_schema(out, schema);
  return out;
}

std::string internal_items_text(const json::Value& items) {
  std::string out;
  write_items(out, items);
  return out;
}

std::string internal_rule_text(const json::Value& rule) {
  std::string out;
  write_rule(out, rule);
  return out;
}

std::optional<std::string_view> first_field_but(const json::Value& schema,
                                                std::span<const std::string_view> allowed) {
  for (const SchemaField& field : kSchemaFields) {
    const json::Value* value = find_member(schema, field);
    if (value == nullptr || std::ranges::find(allowed, field.name) != allowed.end()) continue;
    const bool is_zero = (value->is_string() && value->empty() && field.shape == Shape::kText) ||
                         (field.shape == Shape::kFlag && !value->as_bool());
    if (!is_zero) return field.name;
  }
  return std::nullopt;
}

void append_key(std::string& out, std::string_view name) {
  if (!out.ends_with('{')) out += ',';
  out.append("\"").append(name).append("\":");
}

std::string go_json_text(std::string_view text) {
  return go_json(json::Value(text));
}

std::string go_json_at(const json::Value& object, std::string_view key, std::string_view absent) {
  const json::Value* value = object.find(key);
  return value == nullptr || value->is_null() ? std::string(absent) : go_json(*value);
}

}  // namespace klutch::apiserver

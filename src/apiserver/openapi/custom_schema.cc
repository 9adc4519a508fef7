// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "apiserver/openapi/definitions.h"
#include "json/build.h"

namespace klutch::apiserver {
namespace {

constexpr std::array<std::string_view, 8> kUnknownToSwagger = {
    "default", "nullable", "oneOf", "anyOf", "not", "example", "externalDocs", "$schema"};
constexpr std::string_view kPreserve = "x-kubernetes-preserve-unknown-fields";
constexpr std::string_view kEmbedded = "x-kubernetes-embedded-resource";

bool has_flag(const json::Value& schema, std::string_view name) {
  return schema.find_bool(name).value_or(false);
}

/// `allOf` with a reference alone, which is how v3 describes one; nothing otherwise.
std::optional<std::string> referred_definition(const json::Value& all_of) {
  constexpr std::string_view kPrefix = "#/components/schemas/";
  if (!all_of.is_array() || all_of.size() != 1) return std::nullopt;
  const auto reference = all_of.at(0).find_string("$ref");
  if (!reference || !reference->starts_with(kPrefix)) return std::nullopt;
  return "#/definitions/" + std::string(reference->substr(kPrefix.size()));
}

bool is_nullable_property(const json::Value& schema, std::string_view name) {
  const json::Value* properties = schema.find_object("properties");
  const json::Value* property = properties != nullptr ? properties->find_object(name) : nullptr;
  return property != nullptr && has_flag(*property, "nullable");
}

/// Fields that may be null would be missed by clients that know no null.
json::Value required_fields(const json::Value& schema, const json::Value& required, bool opaque) {
  auto kept = json::Value::empty_array();
  const json::Value* additional = schema.find_object("additionalProperties");
  if (!required.is_array() || (additional != nullptr && has_flag(*additional, "nullable"))) return kept;
  const bool drops_type = has_flag(schema, kPreserve) && has_flag(schema, kEmbedded);
  for (const json::Value& name : required.elements()) {
    if (!name.is_string()) continue;
    const std::string_view text = name.as_string();
    if (drops_type && (text == "kind" || text == "apiVersion")) continue;
    if (opaque || !is_nullable_property(schema, text)) kept.push_back(text);
  }
  return kept;
}

// Recursion is as deep as the schema, which was bounded when its definition was accepted.
json::Value swagger_of(const json::Value& schema) {
  auto result = json::Value::empty_object();
  if (!schema.is_object()) return result;
  const bool nullable = has_flag(schema, "nullable");
  const bool preserve = has_flag(schema, kPreserve);
  const bool opaque = nullable || preserve;
  const bool has_items = !opaque && schema.find_object("items") != nullptr;
  for (const auto& [key, value] : schema.members()) {
    if (std::ranges::find(kUnknownToSwagger, key) != kUnknownToSwagger.end() || value.is_null()) continue;
    if (key == "type") {
      const std::string_view type = value.is_string() ? value.as_string() : "";
      const bool unclear = nullable || (type == "array" && !has_items) || (type == "object" && preserve);
      if (!unclear && !type.empty()) result.set(key, type);
    } else if (key == "allOf") {
      if (const auto reference = referred_definition(value)) result.set("$ref", *reference);
    } else if (key == "required") {
      auto required = required_fields(schema, value, opaque);
      if (!required.empty()) result.set(key, std::move(required));
    } else if (key == "properties") {
      if (opaque || !value.is_object()) continue;
      auto& properties = result.set(key, json::Value::empty_object());
      for (const auto& [name, property] : value.members()) properties.set(name, swagger_of(property));
    } else if (key == "items") {
      if (has_items) result.set(key, swagger_of(value));
    } else if (key == "additionalProperties") {
      result.set(key, value.is_object() ? swagger_of(value) : value);
    } else {
      result.set(key, value);
    }
  }
  return result;
}

}  // namespace

json::Value to_swagger(const json::Value& schema) {
  if (!has_flag(schema, kPreserve)) return swagger_of(schema);
  // With any property named, clients would take all others for unknown.
  auto result = json::object({{"type", "object"}});
  for (const std::string_view key : {"x-kubernetes-group-version-kind", "x-kubernetes-selectable-fields"}) {
    if (const json::Value* value = schema.find(key)) result.set(key, *value);
  }
  return result;
}

}  // namespace klutch::apiserver

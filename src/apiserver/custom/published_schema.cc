// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/published_schema.h"

#include <algorithm>
#include <string_view>

#include "apiserver/custom/definition_json.h"
#include "json/build.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kApiVersionDescription =
    "APIVersion defines the versioned schema of this representation of an object. Servers should convert "
    "recognized schemas to the latest internal value, and may reject unrecognized values. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources";
constexpr std::string_view kKindDescription =
    "Kind is a string value representing the REST resource this object represents. Servers may infer this "
    "from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";
constexpr std::string_view kEmbeddedApiVersionDescription =
    "apiVersion defines the versioned schema of this representation of an object. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources";
constexpr std::string_view kEmbeddedKindDescription =
    "kind is a string value representing the type of this object. In CamelCase. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";
constexpr std::string_view kMetadataDescription =
    "Standard object's metadata. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
constexpr std::string_view kObjectMeta =
    "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

// What structural schemas do not keep.
constexpr std::string_view kNotPublished[] = {"$schema", "id", "example", "externalDocs"};

void add_object_properties(json::Value& schema, std::string_view api_version, std::string_view kind) {
  json::Value& properties = schema["properties"];
  if (!properties.is_object()) properties = json::Value::empty_object();
  properties.set("apiVersion", json::object({{"description", api_version}, {"type", "string"}}));
  properties.set("kind", json::object({{"description", kind}, {"type", "string"}}));
  properties.set("metadata", json::object({{"description", kMetadataDescription},
                                           {"allOf", json::array({json::object({{"$ref", kObjectMeta}})})}}));
}

void require(json::Value& schema, std::string_view name) {
  json::Value& required = schema["required"];
  if (!required.is_array()) required = json::Value::empty_array();
  const auto is_it = [&](const json::Value& entry) { return entry.is_string() && entry.as_string() == name; };
  if (std::ranges::none_of(required.elements(), is_it)) required.push_back(name);
}

json::Value int_or_string() {
  return json::array({json::object({{"type", "integer"}}), json::object({{"type", "string"}})});
}

/// An int-or-string says so in standard terms, too, unless it does already.
void unfold_int_or_string(json::Value& schema) {
  const json::Value pattern = int_or_string();
  const json::Value* any_of = schema.find("anyOf");
  if (any_of == nullptr || any_of->is_null()) {
    schema.set("anyOf", pattern);
    return;
  }
  if (*any_of == pattern) return;
  const json::Value first = json::object({{"anyOf", pattern}});
  json::Value& all_of = schema["allOf"];
  if (!all_of.is_array()) all_of = json::Value::empty_array();
  if (!all_of.empty() && all_of.at(0) == first) return;
  all_of.insert_at(0, first);
}

// Recursion is as deep as the schema, which parse_schema() has bounded when the definition was accepted.
void publish(json::Value& schema) {
  if (!schema.is_object()) return;
  schema.erase_if([](const json::Member& member) {
    return member.value().is_null() ||
           std::ranges::find(kNotPublished, member.key()) != std::end(kNotPublished);
  });
  if (json::Value* properties = schema.find("properties"); properties != nullptr && properties->is_object()) {
    for (auto& [name, property] : properties->members()) publish(property);
  }
  for (const std::string_view key : {"items", "additionalProperties"}) {
    if (json::Value* below = schema.find(key)) publish(*below);
  }
  if (flag_at(schema, "x-kubernetes-int-or-string")) unfold_int_or_string(schema);
  if (flag_at(schema, "x-kubernetes-embedded-resource")) {
    add_object_properties(schema, kEmbeddedApiVersionDescription, kEmbeddedKindDescription);
    require(schema, "kind");
    require(schema, "apiVersion");
  }
}

}  // namespace

json::Value published_schema(const json::Value& version, const PublishedKind& kind) {
  const json::Value* own = object_at(version, "schema").find_object("openAPIV3Schema");
  json::Value schema = own == nullptr ? json::object({{"type", "object"}}) : *own;
  if (own != nullptr) {
    publish(schema);
    add_object_properties(schema, kApiVersionDescription, kKindDescription);
  }
  schema.set(
      "x-kubernetes-group-version-kind",
      json::array({json::object({{"group", kind.group}, {"kind", kind.kind}, {"version", kind.version}})}));
  json::Value selectable = json::Value::empty_array();
  for (const json::Value& field : list_at(version, "selectableFields")) {
    const std::string path = text_at(field, "jsonPath");
    selectable.push_back(json::object({{"fieldPath", path.starts_with('.') ? path.substr(1) : path}}));
  }
  if (!selectable.empty()) schema.set("x-kubernetes-selectable-fields", std::move(selectable));
  return schema;
}

}  // namespace klutch::apiserver

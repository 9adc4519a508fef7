// SPDX-License-Identifier: Apache-2.0
#include "apiserver/openapi/definitions.h"

#include <algorithm>
#include <utility>

#include "apiserver/openapi/descriptions.h"
#include "base/strings.h"
#include "json/build.h"
#include "json/parse.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kGroupVersionKind = "x-kubernetes-group-version-kind";
constexpr std::string_view kApiVersionText = "The group and version that this object is written in.";
constexpr std::string_view kKindText = "The kind of this object.";
constexpr std::string_view kMetadataText = "What all objects have: name, labels, owners.";
constexpr std::string_view kListMetadataText = "Which state of the server this list shows.";

struct KindName {
  std::string group = {};
  std::string version = {};
  std::string kind = {};
};

using KindNames = std::map<const MessageFacts*, std::vector<KindName>>;

void add_kind_name(KindNames& names, const MessageFacts* message, std::string_view api_version,
                   std::string_view kind) {
  if (message == nullptr) return;
  const auto parsed = kube::GroupVersion::parse(api_version);
  if (!parsed) return;
  auto& known = names[message];
  const auto is_it = [&](const KindName& name) {
    return name.group == parsed->group && name.version == parsed->version && name.kind == kind;
  };
  if (std::ranges::none_of(known, is_it))
    known.push_back({parsed->group, parsed->version, std::string(kind)});
}

/// Which messages are kinds.
const KindNames& kind_names() {
  static const KindNames kNames = [] {
    KindNames names;
    const auto& facts = BuiltinFacts::get();
    for (const ResourceFacts& resource : facts.resources()) {
      add_kind_name(names, resource.message, resource.type.api_version(), resource.type.kind);
      for (const SubresourceFacts& sub : resource.subresources) {
        add_kind_name(names, facts.message_of(sub.api_version, sub.kind), sub.api_version, sub.kind);
      }
    }
    for (const std::string_view kind : {"DeleteOptions", "Status"}) {
      add_kind_name(names, facts.find_message("meta.v1." + std::string(kind)), "v1", kind);
    }
    return names;
  }();
  return kNames;
}

json::Value kind_object(std::string_view group, std::string_view version, std::string_view kind) {
  return json::object({{"group", group}, {"kind", kind}, {"version", version}});
}

json::Value text_schema(std::string_view description) {
  return json::object({{"description", description}, {"type", "string"}});
}

json::Value string_list_schema() {
  return json::object({{"type", "array"}, {"items", json::object({{"type", "string"}})}});
}

bool is_string_list(const MessageFacts& message) {
  return message.name.ends_with(".ExtraValue") || message.name == "meta.v1.Verbs";
}

/// What is not written as an object of its fields; the names are those of facts.txt.
json::Value special_schema(const MessageFacts& message, Dialect dialect) {
  const std::string_view name = message.name;
  if (name == "meta.v1.Time" || name == "meta.v1.MicroTime") {
    return json::object({{"type", "string"}, {"format", "date-time"}});
  }
  if (name == "meta.v1.Duration") return json::object({{"type", "string"}});
  const bool swagger = dialect == Dialect::kSwagger2;
  auto string = json::object({{"type", "string"}});
  if (name == "util.intstr.IntOrString") {
    if (swagger) return json::object({{"type", "string"}, {"format", "int-or-string"}});
    auto integer = json::object({{"type", "integer"}});
    auto either = json::array({std::move(integer), std::move(string)});
    return json::object({{"format", "int-or-string"}, {"oneOf", std::move(either)}});
  }
  if (name == "api.resource.Quantity") {
    if (swagger) return string;
    auto number = json::object({{"type", "number"}});
    return json::object({{"oneOf", json::array({std::move(string), std::move(number)})}});
  }
  if (name == "meta.v1.FieldsV1" || name == "runtime.RawExtension") return json::object({{"type", "object"}});
  return json::object();  // any JSON
}

std::string with_article(std::string_view kind) {
  const bool vowel = !kind.empty() && std::string_view("AEIOU").find(kind[0]) != std::string_view::npos;
  return (vowel ? "An " : "A ") + std::string(kind);
}

}  // namespace

std::string definition_name(std::string_view message) {
  std::string_view prefix = "io.k8s.api.";
  if (message.starts_with("meta.")) prefix = "io.k8s.apimachinery.pkg.apis.";
  for (const std::string_view package : {"api.resource.", "util.intstr.", "runtime."}) {
    if (message.starts_with(package)) prefix = "io.k8s.apimachinery.pkg.";
  }
  if (message.starts_with("apiextensions.")) prefix = "io.k8s.apiextensions-apiserver.pkg.apis.";
  if (message.starts_with("apiregistration.")) prefix = "io.k8s.kube-aggregator.pkg.apis.";
  return std::string(prefix) + std::string(message);
}

std::string custom_definition_name(std::string_view group, std::string_view version, std::string_view kind) {
  auto parts = split(group, '.');
  std::ranges::reverse(parts);
  return join(parts, ".") + "." + std::string(version) + "." + std::string(kind);
}

json::Value Definitions::reference(std::string_view name) const {
  const std::string_view prefix = dialect_ == Dialect::kSwagger2 ? "#/definitions/" : "#/components/schemas/";
  return json::object({{"$ref", std::string(prefix) + std::string(name)}});
}

void Definitions::describe(json::Value& schema, std::string_view description) const {
  if (schema.contains("description")) return;
  auto described = json::object({{"description", description}});
  // Beside a reference v3 ignores everything.
  if (dialect_ == Dialect::kOpenApi3 && schema.contains("$ref")) {
    described.set("allOf", json::array({std::move(schema)}));
  } else {
    for (auto& [key, value] : schema.members()) described.set(key, std::move(value));
  }
  schema = std::move(described);
}

std::string Definitions::add(const MessageFacts& message) {
  if (known_.insert(&message).second) pending_.push_back(&message);
  return definition_name(message.name);
}

std::string Definitions::add_known(std::string_view api_version, std::string_view kind) {
  const MessageFacts* message = BuiltinFacts::get().message_of(api_version, kind);
  return message != nullptr ? add(*message) : std::string();
}

std::string Definitions::add_kind(const ServedResource& served) {
  if (served.message != nullptr) return add(*served.message);
  const auto& type = served.description.type;
  std::string name = custom_definition_name(type.group, type.version, type.kind);
  if (schemas_.contains(name)) return name;
  if (const auto* metadata = BuiltinFacts::get().find_message("meta.v1.ObjectMeta")) add(*metadata);
  auto schema = served.behavior->openapi_schema();
  if (!schema.is_object()) schema = json::object({{"type", "object"}});
  if (!schema.contains(kGroupVersionKind)) {
    schema.set(kGroupVersionKind, json::array({kind_object(type.group, type.version, type.kind)}));
  }
  if (dialect_ == Dialect::kSwagger2) schema = to_swagger(schema);
  schemas_[name] = std::move(schema);
  return name;
}

std::string Definitions::add_list(const ServedResource& served) {
  const auto& type = served.description.type;
  const std::string& kind = served.description.list_kind;
  const std::string item = add_kind(served);
  std::string name = item.substr(0, item.rfind('.') + 1) + kind;
  if (schemas_.contains(name)) return name;
  const auto* metadata = BuiltinFacts::get().find_message("meta.v1.ListMeta");
  auto properties = json::object({{"apiVersion", text_schema(kApiVersionText)}});
  properties.set(
      "items",
      json::object({{"description", "The objects."}, {"type", "array"}, {"items", reference(item)}}));
  properties.set("kind", text_schema(kKindText));
  if (metadata != nullptr) {
    describe(properties.set("metadata", reference(add(*metadata))), kListMetadataText);
  }
  schemas_[name] =
      json::object({{"description", "A list of " + type.kind + " objects."},
                    {"type", "object"},
                    {"required", json::array({"items"})},
                    {"properties", std::move(properties)},
                    {kGroupVersionKind, json::array({kind_object(type.group, type.version, kind)})}});
  return name;
}

std::string Definitions::add_patch() {
  std::string name = definition_name("meta.v1.Patch");
  schemas_.try_emplace(
      name, json::object({{"description", "A change of an object, in the form that Content-Type names."},
                          {"type", "object"}}));
  return name;
}

json::Value Definitions::type_schema(const FieldFacts& field) {
  switch (field.type) {
    case FieldFacts::Type::kString: return json::object({{"type", "string"}});
    case FieldFacts::Type::kBool: return json::object({{"type", "boolean"}});
    case FieldFacts::Type::kInt32: return json::object({{"type", "integer"}, {"format", "int32"}});
    case FieldFacts::Type::kInt64: return json::object({{"type", "integer"}, {"format", "int64"}});
    case FieldFacts::Type::kDouble: return json::object({{"type", "number"}, {"format", "double"}});
    case FieldFacts::Type::kBytes: return json::object({{"type", "string"}, {"format", "byte"}});
    case FieldFacts::Type::kMessage: break;
  }
  if (is_string_list(*field.message)) return string_list_schema();
  return reference(add(*field.message));
}

json::Value Definitions::field_schema(const FieldFacts& field) {
  auto schema = type_schema(field);
  if (field.shape == FieldFacts::Shape::kList) {
    schema = json::object({{"type", "array"}, {"items", std::move(schema)}});
  } else if (field.shape == FieldFacts::Shape::kMap) {
    schema = json::object({{"type", "object"}, {"additionalProperties", std::move(schema)}});
  }
  auto extra = json::Value::empty_object();
  if (!field.default_value.empty() && dialect_ == Dialect::kOpenApi3) {
    if (auto value = json::parse(field.default_value)) extra.set("default", *std::move(value));
  }
  if (field.shape == FieldFacts::Shape::kMap && field.atomic_map)
    extra.set("x-kubernetes-map-type", "atomic");
  if (field.shape == FieldFacts::Shape::kList && field.list_type != FieldFacts::ListType::kAtomic) {
    const bool is_map = field.list_type == FieldFacts::ListType::kMap;
    if (is_map) {
      auto& keys = extra.set("x-kubernetes-list-map-keys", json::Value::empty_array());
      for (const std::string_view key : field.list_keys) keys.push_back(key);
    }
    extra.set("x-kubernetes-list-type", is_map ? "map" : "set");
  }
  if (!field.merge_key.empty()) extra.set("x-kubernetes-patch-merge-key", field.merge_key);
  if (field.patch_merge || field.patch_retains_keys) {
    const bool both = field.patch_merge && field.patch_retains_keys;
    extra.set("x-kubernetes-patch-strategy", both                ? "merge,retainKeys"
                                             : field.patch_merge ? "merge"
                                                                 : "retainKeys");
  }
  if (extra.empty()) return schema;
  // Beside a reference v3 ignores everything.
  if (dialect_ == Dialect::kOpenApi3 && schema.contains("$ref")) {
    schema = json::object({{"allOf", json::array({std::move(schema)})}});
  }
  for (auto& [key, value] : extra.members()) schema.set(key, std::move(value));
  return schema;
}

void Definitions::add_properties(const MessageFacts& message,
                                 std::map<std::string_view, json::Value>& properties,
                                 std::vector<std::string_view>& required) {
  for (const FieldFacts& field : message.fields) {
    if (field.inlined) {
      add_properties(*field.message, properties, required);
      continue;
    }
    properties[field.name] = field_schema(field);
    if (field.required) required.push_back(field.name);
  }
}

json::Value Definitions::message_schema(const MessageFacts& message) {
  if (message.special) return special_schema(message, dialect_);
  const auto kind = kind_names().find(&message);
  const bool is_kind = kind != kind_names().end();
  std::map<std::string_view, json::Value> properties;
  std::vector<std::string_view> required;
  add_properties(message, properties, required);
  if (is_kind) {
    properties["apiVersion"] = text_schema(kApiVersionText);
    properties["kind"] = text_schema(kKindText);
  }
  auto schema = json::Value::empty_object();
  const std::string_view text = describe_message(message.name);
  if (!text.empty()) {
    schema.set("description", text);
  } else if (is_kind) {
    const KindName& first = kind->second.front();
    const std::string group = first.group.empty() ? first.version : first.group + "/" + first.version;
    schema.set("description", with_article(first.kind) + " of " + group + ".");
  }
  schema.set("type", "object");
  if (!required.empty()) {
    auto& list = schema.set("required", json::Value::empty_array());
    for (const std::string_view name : required) list.push_back(name);
  }
  if (!properties.empty()) {
    auto& list = schema.set("properties", json::Value::empty_object());
    for (auto& [name, property] : properties) {
      const bool metadata = is_kind && name == "metadata";
      const std::string_view words = metadata ? kMetadataText : describe_field(message.name, name);
      if (!words.empty()) describe(property, words);
      list.set(name, std::move(property));
    }
  }
  if (message.atomic_map) schema.set("x-kubernetes-map-type", "atomic");
  if (is_kind) {
    auto& kinds = schema.set(kGroupVersionKind, json::Value::empty_array());
    for (const KindName& name : kind->second)
      kinds.push_back(kind_object(name.group, name.version, name.kind));
  }
  return schema;
}

json::Value Definitions::take() {
  while (!pending_.empty()) {
    const MessageFacts& message = *pending_.back();
    pending_.pop_back();
    schemas_[definition_name(message.name)] = message_schema(message);
  }
  known_.clear();
  auto result = json::Value::empty_object();
  result.reserve(schemas_.size());
  for (auto& [name, schema] : schemas_) result.set(name, std::move(schema));
  schemas_.clear();
  return result;
}

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/schema_rules.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "apiserver/custom/definition_json.h"
#include "apiserver/custom/internal_text.h"
#include "apiserver/schema/schema_json.h"
#include "apiserver/schema/structural_schema.h"

namespace klutch::apiserver {
namespace {

const std::vector<std::string> kTypes = {"array", "boolean", "integer", "number", "object", "string"};

constexpr std::string_view kListType = "x-kubernetes-list-type";
constexpr std::string_view kMapType = "x-kubernetes-map-type";
constexpr std::string_view kListMapKeys = "x-kubernetes-list-map-keys";
constexpr std::string_view kEmbedded = "x-kubernetes-embedded-resource";

bool is_known_type(std::string_view type) {
  return std::ranges::find(kTypes, type) != kTypes.end();
}

std::string_view word_of(const json::Value& value) {
  return value.is_string() ? value.as_string() : std::string_view();
}

bool is_list_type(const json::Value& schema, std::string_view type) {
  return schema.find_string(kListType) == type;
}

bool is_non_atomic_set(const json::Value& schema) {
  const json::Value* items = schema.find_object("items");
  if (!is_list_type(schema, "set") || items == nullptr) return false;
  const std::string type = text_at(*items, "type");
  // A list is atomic unless it says otherwise, an object is not.
  if (type == "array") return items->find_string(kListType).value_or("atomic") != "atomic";
  return type == "object" && items->find_string(kMapType) != "atomic";
}

/// What is true of a part of the schema because of where it is.
struct Place {
  bool is_root = false;
  bool inside_meta = false;
  std::string no_defaults = {};  ///< why there must be none; empty: there may be
};

FieldErrors check_map_keys(const FieldPath& path, const json::Value& schema) {
  const json::Value* items = schema.find_object("items");
  const bool is_map = is_list_type(schema, "map");
  if (items == nullptr || !(is_map || is_list_type(schema, "set"))) return {};
  FieldErrors errors;
  const FieldPath below = path.child("items");
  if (flag_at(*items, "nullable")) {
    errors.push_back(FieldError::forbidden(
        below.child("nullable"),
        "cannot be nullable when x-kubernetes-list-type is " + text_at(schema, kListType)));
  }
  if (!is_map) return errors;
  const auto required = list_at(*items, "required");
  for (const json::Value& key : list_at(schema, kListMapKeys)) {
    const json::Value* property = object_at(*items, "properties").find_object(word_of(key));
    if (property == nullptr) continue;
    const FieldPath at = below.child("properties").key(word_of(key));
    const bool is_required = std::ranges::find(required, key) != required.end();
    if (!is_required && !SchemaJson(*property).has("default")) {
      errors.push_back(FieldError::required(at.child("default"),
                                            "this property is in x-kubernetes-list-map-keys, so it must have "
                                            "a default or be a required property"));
    }
    if (flag_at(*property, "nullable")) {
      errors.push_back(FieldError::forbidden(
          at.child("nullable"), "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"));
    }
  }
  return errors;
}

class SchemaRules {
 public:
  explicit SchemaRules(const SchemaDemands& demands) : demands_(demands) {}

  void visit(const FieldPath& path, const json::Value& schema, const Place& place) {
    check_support(path, schema, place);
    if (flag_at(schema, "uniqueItems")) {
      forbid(path.child("uniqueItems"),
             "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
    }
    visit_additional(path, schema, place);
    visit_properties(path, schema, place);
    visit_combinations(path, schema, place);
    visit_items(path, schema, place);
    visit_dependencies(path, schema, place);
    check_extensions(path, schema);
    if (demands_.map_keys) append(errors_, check_map_keys(path, schema));
  }

  FieldErrors take() && { return std::move(errors_); }

 private:
  void forbid(const FieldPath& path, std::string_view detail) {
    errors_.push_back(FieldError::forbidden(path, detail));
  }
  void require(const FieldPath& path, std::string_view detail) {
    errors_.push_back(FieldError::required(path, detail));
  }
  void refuse(const FieldPath& path, const json::Value& bad, std::string_view detail) {
    errors_.push_back(FieldError::invalid(path, bad, detail));
  }

  static Place below(Place place) {
    place.is_root = false;
    return place;
  }

  void check_support(const FieldPath& path, const json::Value& schema, const Place& place) {
    const SchemaJson json(schema);
    const std::string_view type = json.text("type");
    if (demands_.valid_types && !type.empty() && !is_known_type(type)) {
      errors_.push_back(FieldError::not_supported(path.child("type"), type, kTypes));
    }
    if (json.has("default") && !place.no_defaults.empty()) {
      forbid(path.child("default"), "must not be set " + place.no_defaults);
    }
    if (!json.text("id").empty()) forbid(path.child("id"), "id is not supported");
    if (json.has("additionalItems"))
      forbid(path.child("additionalItems"), "additionalItems is not supported");
    for (const std::string_view key : {"patternProperties", "definitions"}) {
      if (!object_at(schema, key).empty()) forbid(path.child(key), std::string(key) + " is not supported");
    }
    if (json.has("dependencies")) forbid(path.child("dependencies"), "dependencies is not supported");
    if (json.has("$ref")) forbid(path.child("$ref"), "$ref is not supported");
    if (type == "null") {
      forbid(path.child("type"), "type cannot be set to null, use nullable as an alternative");
    }
    if (!json.elements("items").empty()) {
      forbid(path.child("items"), "items must be a schema object and not an array");
    }
    if (place.inside_meta && json.flag(kEmbedded)) {
      forbid(path.child(kEmbedded), "must not be used inside of resource meta");
    }
  }

  void visit_additional(const FieldPath& path, const json::Value& schema, const Place& place) {
    const json::Value* additional = schema.find("additionalProperties");
    if (additional == nullptr || additional->is_null()) return;
    const bool allows_all = additional->is_bool() && additional->as_bool();
    if (!object_at(schema, "properties").empty() && !allows_all) {
      forbid(path.child("additionalProperties"), "additionalProperties and properties are mutual exclusive");
    }
    if (!additional->is_object()) return;
    Place inner = below(place);
    if (place.inside_meta) inner.no_defaults = "inside additionalProperties applying to object metadata";
    visit(path.child("additionalProperties"), *additional, inner);
  }

  void visit_properties(const FieldPath& path, const json::Value& schema, const Place& place) {
    const bool is_resource = place.is_root || flag_at(schema, kEmbedded);
    for (const auto& [name, property] : SchemaJson(schema).sorted_members("properties")) {
      Place inner = below(place);
      if (is_resource && (name == "metadata" || name == "kind" || name == "apiVersion")) {
        inner.inside_meta = true;
        if (place.is_root) inner.no_defaults = "in top-level " + std::string(name);
      }
      visit(path.child("properties").key(name), *property, inner);
    }
  }

  void visit_combinations(const FieldPath& path, const json::Value& schema, const Place& place) {
    if (const json::Value* none_of = schema.find_object("not"))
      visit(path.child("not"), *none_of, below(place));
    for (const std::string_view key : {"allOf", "oneOf", "anyOf"}) {
      const auto branches = list_at(schema, key);
      for (std::size_t i = 0; i < branches.size(); ++i) {
        visit(path.child(key).index(i), branches[i], below(place));
      }
    }
    for (const auto& [name, definition] : SchemaJson(schema).sorted_members("definitions")) {
      visit(path.child("definitions").key(name), *definition, below(place));
    }
  }

  void visit_items(const FieldPath& path, const json::Value& schema, const Place& place) {
    const FieldPath at = path.child("items");
    if (const json::Value* items = schema.find_object("items")) visit(at, *items, below(place));
    const auto several = list_at(schema, "items");
    for (std::size_t i = 0; i < several.size(); ++i) visit(at.index(i), several[i], below(place));
  }

  void visit_dependencies(const FieldPath& path, const json::Value& schema, const Place& place) {
    for (const auto& [name, dependency] : SchemaJson(schema).sorted_members("dependencies")) {
      if (dependency->is_object()) visit(path.child("dependencies").key(name), *dependency, below(place));
    }
  }

  void check_extensions(const FieldPath& path, const json::Value& schema) {
    if (schema.find_bool("x-kubernetes-preserve-unknown-fields") == false) {
      refuse(path.child("x-kubernetes-preserve-unknown-fields"), false, "must be true or undefined");
    }
    check_type_of(path, schema, kMapType, "object");
    if (const auto type = schema.find_string(kMapType); type && type != "atomic" && type != "granular") {
      const std::vector<std::string> known = {"atomic", "granular"};
      errors_.push_back(FieldError::not_supported(path.child(kMapType), *type, known));
    }
    const auto list_type = schema.find_string(kListType);
    if (!check_type_of(path, schema, kListType, "array") && demands_.atomic_sets && list_type == "set") {
      check_set_items(path.child("items"), schema);
    }
    if (list_type && list_type != "atomic" && list_type != "set" && list_type != "map") {
      const std::vector<std::string> known = {"atomic", "set", "map"};
      errors_.push_back(FieldError::not_supported(path.child(kListType), *list_type, known));
    }
    if (!list_at(schema, kListMapKeys).empty() && list_type != "map") {
      const std::string_view detail = "must be map if x-kubernetes-list-map-keys is non-empty";
      if (list_type) {
        refuse(path.child(kListType), *list_type, detail);
      } else {
        require(path.child(kListType), detail);
      }
    }
    if (list_type == "map") check_list_map(path, schema);
  }

  /// True if `extension` is there although the type is another.
  bool check_type_of(const FieldPath& path, const json::Value& schema, std::string_view extension,
                     std::string_view type) {
    if (!schema.find_string(extension)) return false;
    const std::string own = text_at(schema, "type");
    if (own == type) return false;
    const std::string detail =
        "must be " + std::string(type) + " if " + std::string(extension) + " is specified";
    if (own.empty()) {
      require(path.child("type"), detail);
    } else {
      refuse(path.child("type"), own, detail);
    }
    return true;
  }

  void check_set_items(const FieldPath& path, const json::Value& schema) {
    const json::Value* items = schema.find_object("items");
    if (items == nullptr) return;
    const json::Value* list_type = items->find(kListType);
    const json::Value bad = list_type == nullptr ? json::Value() : *list_type;
    const std::string_view detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
    if (!is_non_atomic_set(schema)) return;
    // Kubernetes names the list type in both cases.
    refuse(path.child(text_at(*items, "type") == "array" ? kListType : kMapType), bad, detail);
  }

  void check_list_map(const FieldPath& path, const json::Value& schema) {
    const auto keys = list_at(schema, kListMapKeys);
    if (keys.empty()) {
      require(path.child(kListMapKeys), "must not be empty if x-kubernetes-list-type is map");
    }
    const FieldPath at = path.child("items");
    const json::Value* items = schema.find("items");
    if (items == nullptr || items->is_null()) {
      require(at, "must have a schema if x-kubernetes-list-type is map");
      return;
    }
    if (!items->is_object()) {
      errors_.push_back(
          FieldError::invalid_text(at, internal_items_text(*items),
                                   "must only have a single schema if x-kubernetes-list-type is map"));
      return;
    }
    const std::string type = text_at(*items, "type");
    if (type != "object") {
      refuse(at.child("type"), type, "must be object if parent array's x-kubernetes-list-type is map");
      return;
    }
    check_list_map_keys(path, schema, *items);
  }

  void check_list_map_keys(const FieldPath& path, const json::Value& schema, const json::Value& items) {
    const auto keys = list_at(schema, kListMapKeys);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::string_view key = word_of(keys[i]);
      const json::Value* property = object_at(items, "properties").find_object(key);
      if (property == nullptr) {
        refuse(path.child(kListMapKeys), *schema.find(kListMapKeys),
               "entries must all be names of item properties");
      } else if (const std::string type = text_at(*property, "type"); type == "array" || type == "object") {
        refuse(path.child("items").child("properties").key(key).child("type"), text_at(items, "type"),
               "must be a scalar type if parent array's x-kubernetes-list-type is map");
      }
      if (std::ranges::find(keys.first(i), keys[i]) != keys.begin() + static_cast<std::ptrdiff_t>(i)) {
        refuse(path.child(kListMapKeys), *schema.find(kListMapKeys), "must not contain duplicate entries");
      }
    }
  }

  SchemaDemands demands_;
  FieldErrors errors_ = {};
};

}  // namespace

FieldErrors validate_schema_rules(const FieldPath& path, const json::Value& schema,
                                  const SchemaDemands& demands) {
  SchemaRules rules(demands);
  rules.visit(path, schema, {.is_root = true});
  return std::move(rules).take();
}

namespace {

/// Whether any of the schemas right below has a property.
bool any_below(const json::Value& schema, const auto& has) {
  for (const std::string_view key : {"items", "not", "additionalProperties", "additionalItems"}) {
    if (const json::Value* below = schema.find_object(key); below != nullptr && has(*below)) return true;
  }
  for (const std::string_view key : {"items", "allOf", "anyOf", "oneOf"}) {
    if (std::ranges::any_of(list_at(schema, key), has)) return true;
  }
  for (const std::string_view key : {"properties", "patternProperties", "definitions", "dependencies"}) {
    for (const auto& [name, member] : object_at(schema, key).members()) {
      if (has(member)) return true;
    }
  }
  return false;
}

bool is_deeper(const json::Value& schema, std::size_t levels) {
  if (!schema.is_object()) return false;
  return levels == 0 ||
         any_below(schema, [&](const json::Value& below) { return is_deeper(below, levels - 1); });
}

}  // namespace

bool is_too_deep(const json::Value& schema) {
  return is_deeper(schema, kMaxSchemaDepth);
}

bool any_schema(const json::Value& schema, const std::function<bool(const json::Value&)>& has) {
  if (!schema.is_object()) return false;
  return has(schema) || any_below(schema, [&](const json::Value& below) { return any_schema(below, has); });
}

bool has_unknown_type(const json::Value& schema) {
  return any_schema(schema, [](const json::Value& part) {
    const std::string type = text_at(part, "type");
    return !type.empty() && !is_known_type(type);
  });
}

bool has_non_atomic_set(const json::Value& schema) {
  return any_schema(schema, is_non_atomic_set);
}

bool has_bad_map_keys(const json::Value& schema) {
  return any_schema(schema, [](const json::Value& part) { return !check_map_keys({}, part).empty(); });
}

}  // namespace klutch::apiserver

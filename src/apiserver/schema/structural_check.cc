// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/structural_check.h"

#include <algorithm>
#include <array>

#include "apiserver/schema/pattern.h"
#include "apiserver/schema/schema_json.h"

namespace klutch::apiserver {
namespace {

enum class Level { kRoot, kItem, kField };

constexpr std::string_view kMissingType[] = {
    "must not be empty at the root",
    "must not be empty for specified array items",
    "must not be empty for specified object fields",
};

/// A member that schemas inside allOf, anyOf, oneOf and not must do without.
struct ForbiddenField {
  std::string_view name;
  std::string_view detail;
};

constexpr ForbiddenField kForbiddenTexts[] = {{"type", "must be empty to be structural"},
                                              {"title", "must be empty to be structural"},
                                              {"description", "must be empty to be structural"}};
constexpr ForbiddenField kForbiddenFlags[] = {
    {"nullable", "must be false to be structural"},
    {"x-kubernetes-preserve-unknown-fields", "must be false to be structural"},
    {"x-kubernetes-embedded-resource", "must be false to be structural"},
    {"x-kubernetes-int-or-string", "must be false to be structural"}};
constexpr ForbiddenField kForbiddenLists[] = {
    {"x-kubernetes-list-map-keys", "must be empty to be structural"},
    {"x-kubernetes-validations", "must be empty to be structural"}};
constexpr ForbiddenField kForbiddenValues[] = {
    {"default", "must be undefined to be structural"},
    {"x-kubernetes-list-type", "must be undefined to be structural"},
    {"x-kubernetes-map-type", "must be undefined to be structural"}};

class StructuralCheck {
 public:
  void check_schema(const json::Value& json, Level level, const FieldPath& path) {
    const SchemaJson schema(json);
    const json::Value* items = schema.schema("items");
    if (schema.text("type") == "array" && items == nullptr) require(path.child("items"), "must be specified");
    if (items != nullptr) check_schema(*items, Level::kItem, path.child("items"));
    for (const auto& [name, property] : schema.sorted_members("properties")) {
      check_schema(*property, Level::kField, path.child("properties").key(name));
    }
    if (level == Level::kRoot && schema.has("additionalProperties")) {
      forbid(path.child("additionalProperties"), "must not be used at the root");
    }
    if (const json::Value* additional = schema.schema("additionalProperties")) {
      check_schema(*additional, Level::kField, path.child("additionalProperties"));
    }
    check_extensions(schema, path);
    check_values(schema, path, is_int_or_string_any_of(schema.elements("anyOf")),
                 first_is_int_or_string(schema));
    check_type(schema, level, path);
    check_metadata(schema, level, path);
    if (schema.flag("x-kubernetes-embedded-resource") &&
        !schema.flag("x-kubernetes-preserve-unknown-fields") && schema.sorted_members("properties").empty()) {
      require(path.child("properties"),
              "must not be empty if x-kubernetes-embedded-resource is true without "
              "x-kubernetes-preserve-unknown-fields");
    }
  }

  /// Every value that allOf and the like speak about at the root has to be specified besides.
  void check_complete(const SchemaJson& rules, const SchemaJson& spec, const FieldPath& spec_path,
                      const FieldPath& path) {
    if (const json::Value* none_of = rules.schema("not")) {
      check_nested_complete(*none_of, spec.value(), spec_path, path.child("not"));
    }
    for (const std::string_view key : {"allOf", "anyOf", "oneOf"}) {
      const auto schemas = rules.elements(key);
      for (std::size_t i = 0; i < schemas.size(); ++i) {
        check_nested_complete(schemas[i], spec.value(), spec_path, path.child(key).index(i));
      }
    }
  }

  FieldErrors take() && {
    const auto before = [](const FieldError& a, const FieldError& b) {
      return a.to_string() < b.to_string();
    };
    std::sort(errors_.begin(), errors_.end(), before);
    return std::move(errors_);
  }

 private:
  void require(const FieldPath& path, std::string_view detail) {
    errors_.push_back(FieldError::required(path, detail));
  }
  void forbid(const FieldPath& path, std::string_view detail) {
    errors_.push_back(FieldError::forbidden(path, detail));
  }
  void refuse(const FieldPath& path, const json::Value& bad, std::string_view detail) {
    errors_.push_back(FieldError::invalid(path, bad, detail));
  }

  static bool first_is_int_or_string(const SchemaJson& schema) {
    const auto all_of = schema.elements("allOf");
    return !all_of.empty() && is_int_or_string_any_of(SchemaJson(all_of[0]).elements("anyOf"));
  }

  void check_extensions(const SchemaJson& schema, const FieldPath& path) {
    if (!schema.flag("x-kubernetes-int-or-string")) return;
    for (const std::string_view key :
         {"x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"}) {
      if (!schema.flag(key)) continue;
      refuse(path.child(key), true, "must be false if x-kubernetes-int-or-string is true");
    }
  }

  void check_type(const SchemaJson& schema, Level level, const FieldPath& path) {
    const std::string_view type = schema.text("type");
    const bool embedded = schema.flag("x-kubernetes-embedded-resource");
    const FieldPath type_path = path.child("type");
    if (embedded && type != "object") {
      constexpr std::string_view kDetail = "must be object if x-kubernetes-embedded-resource is true";
      type.empty() ? require(type_path, kDetail) : refuse(type_path, type, kDetail);
    } else if (type.empty() && !schema.flag("x-kubernetes-int-or-string") &&
               !schema.flag("x-kubernetes-preserve-unknown-fields")) {
      require(type_path, kMissingType[static_cast<std::size_t>(level)]);
    }
    if (embedded && schema.has("additionalProperties")) {
      forbid(path.child("additionalProperties"), "must not be used if x-kubernetes-embedded-resource is set");
    }
    if (level == Level::kRoot && !type.empty() && type != "object") {
      refuse(type_path, type, "must be object at the root");
    }
  }

  void check_metadata(const SchemaJson& schema, Level level, const FieldPath& path) {
    const json::Value* properties = schema.schema("properties");
    if (properties == nullptr) return;
    const bool whole_object = level == Level::kRoot || schema.flag("x-kubernetes-embedded-resource");
    for (const std::string_view name : {"kind", "apiVersion"}) {
      const json::Value* property = properties->find_object(name);
      if (property == nullptr || !whole_object) continue;
      const std::string_view type = SchemaJson(*property).text("type");
      if (type != "string") refuse(path.child("properties").key(name).child("type"), type, "must be string");
    }
    const json::Value* metadata = properties->find_object("metadata");
    if (metadata == nullptr) return;
    const FieldPath metadata_path = path.child("properties").key("metadata");
    const std::string_view type = SchemaJson(*metadata).text("type");
    if (whole_object && type != "object") refuse(metadata_path.child("type"), type, "must be object");
    if (level == Level::kRoot && !restricts_names_only(*metadata)) {
      forbid(
          metadata_path,
          "must not specify anything other than name and generateName, but metadata is implicitly specified");
    }
  }

  static bool restricts_names_only(const json::Value& metadata) {
    static constexpr std::array<std::string_view, 3> kAllowed = {"type", "default", "properties"};
    const auto properties = SchemaJson(metadata).sorted_members("properties");
    const auto is_name = [](const auto& entry) {
      return entry.first == "name" || entry.first == "generateName";
    };
    return std::all_of(properties.begin(), properties.end(), is_name) &&
           is_blank_schema(metadata, kAllowed, false);
  }

  void check_values(const SchemaJson& schema, const FieldPath& path, bool skip_any_of,
                    bool skip_first_any_of) {
    for (const std::string_view key : {"anyOf", "allOf", "oneOf"}) {
      if (key == "anyOf" && skip_any_of) continue;
      const auto schemas = schema.elements(key);
      for (std::size_t i = 0; i < schemas.size(); ++i) {
        check_nested(schemas[i], path.child(key).index(i), key == "allOf" && i == 0 && skip_first_any_of);
      }
    }
    if (const json::Value* none_of = schema.schema("not")) check_nested(*none_of, path.child("not"), false);
    const std::string_view pattern = schema.text("pattern");
    if (pattern.empty()) return;
    if (const auto error = Pattern(pattern).error()) {
      refuse(path.child("pattern"), pattern, "must be a valid regular expression, but isn't: " + *error);
    }
  }

  void check_nested(const json::Value& json, const FieldPath& path, bool skip_any_of) {
    const SchemaJson schema(json);
    check_values(schema, path, skip_any_of, false);
    if (const json::Value* items = schema.schema("items")) check_nested(*items, path.child("items"), false);
    for (const auto& [name, property] : schema.sorted_members("properties")) {
      check_nested(*property, path.child("properties").key(name), false);
    }
    if (const json::Value* additional = schema.find("additionalProperties");
        additional != nullptr && (!additional->is_bool() || additional->as_bool())) {
      forbid(path.child("additionalProperties"), "must be undefined to be structural");
    }
    for (const auto& [name, detail] : kForbiddenTexts) {
      if (!schema.text(name).empty()) forbid(path.child(name), detail);
    }
    for (const auto& [name, detail] : kForbiddenFlags) {
      if (schema.flag(name)) forbid(path.child(name), detail);
    }
    for (const auto& [name, detail] : kForbiddenLists) {
      if (!schema.elements(name).empty()) forbid(path.child(name), detail);
    }
    for (const auto& [name, detail] : kForbiddenValues) {
      if (schema.has(name)) forbid(path.child(name), detail);
    }
    if (const json::Value* properties = schema.schema("properties");
        properties != nullptr && properties->contains("metadata")) {
      forbid(path.child("properties").key("metadata"), "must not be specified in a nested context");
    }
  }

  void check_nested_complete(const json::Value& rules_json, const json::Value& spec_json,
                             const FieldPath& spec_path, const FieldPath& path) {
    const SchemaJson rules(rules_json), spec(spec_json);
    check_complete(rules, spec, spec_path, path);
    if (const json::Value* items = rules.schema("items")) {
      check_specified(*items, spec.schema("items"), spec_path.child("items"), path.child("items"));
    }
    const json::Value* properties = spec.schema("properties");
    for (const auto& [name, property] : rules.sorted_members("properties")) {
      check_specified(*property, properties == nullptr ? nullptr : properties->find_object(name),
                      spec_path.child("properties").key(name), path.child("properties").key(name));
    }
  }

  void check_specified(const json::Value& rules, const json::Value* spec, const FieldPath& spec_path,
                       const FieldPath& path) {
    if (spec == nullptr) {
      require(spec_path, "because it is defined in " + path.to_string());
    } else {
      check_nested_complete(rules, *spec, spec_path, path);
    }
  }

  FieldErrors errors_ = {};
};

}  // namespace

FieldErrors validate_structural(const FieldPath& path, const json::Value& openapi_v3_schema) {
  StructuralCheck check;
  check.check_schema(openapi_v3_schema, Level::kRoot, path);
  const SchemaJson root(openapi_v3_schema);
  check.check_complete(root, root, path, path);
  return std::move(check).take();
}

}  // namespace klutch::apiserver

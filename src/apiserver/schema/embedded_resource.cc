// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/embedded_resource.h"

#include <algorithm>

#include "apiserver/schema/name_rules.h"
#include "apiserver/schema/object_meta.h"
#include "base/strings.h"

namespace klutch::apiserver {
namespace {

bool may_embed(const StructuralSchema* schema, bool root) {
  return root || (schema != nullptr && schema->has_embedded_resources);
}

std::vector<std::string> sorted_names(const json::Value& object) {
  std::vector<std::string> names;
  for (const auto& [key, value] : object.members()) names.emplace_back(key);
  std::sort(names.begin(), names.end());
  return names;
}

/// A member's place: properties by name, all others as entries of a map.
FieldPath member_path(const FieldPath& path, const StructuralSchema& schema, std::string_view name) {
  return schema.find_property(name) != nullptr ? path.child(name) : path.key(name);
}

class EmbeddedCoercer {
 public:
  explicit EmbeddedCoercer(bool drop_invalid) : drop_invalid_(drop_invalid) {}

  void coerce(json::Value& value, const StructuralSchema* schema, bool embedded, const FieldPath& path) {
    if (result.error || !may_embed(schema, embedded)) return;
    if (value.is_array() && schema != nullptr) {
      for (std::size_t i = 0; i < value.size(); ++i) descend(value.at(i), schema->items.get(), path.index(i));
    }
    if (!value.is_object()) return;
    for (const std::string& name : sorted_names(value)) {
      if (embedded && !coerce_meta(value, name, path)) return;
      json::Value* member = value.find(name);
      const StructuralSchema* specified = schema == nullptr ? nullptr : schema->find_member(name);
      if (member != nullptr && specified != nullptr)
        descend(*member, specified, member_path(path, *schema, name));
    }
  }

  EmbeddedResult result = {};

 private:
  void descend(json::Value& value, const StructuralSchema* schema, const FieldPath& path) {
    if (schema != nullptr) coerce(value, schema, schema->embedded_resource, path);
  }

  bool refuse(const FieldPath& path, const json::Value& bad, std::string_view detail) {
    result.error = FieldError::invalid(path, bad, detail);
    return false;
  }

  /// False if all is over.
  bool coerce_meta(json::Value& object, const std::string& name, const FieldPath& path) {
    if (name == "apiVersion" || name == "kind") {
      if (object.find(name)->is_string()) return true;
      if (!drop_invalid_) return refuse(path.child(name), *object.find(name), "must be a string");
      object.erase(name);
    }
    if (name != "metadata") return true;
    auto meta = decode_object_meta(*object.find(name), {.drop_malformed = drop_invalid_});
    if (!meta) {
      return drop_invalid_ || refuse(path.child(name), *object.find(name), meta.error().message());
    }
    const std::string prefix = path.child(name).to_string();
    for (const std::string& unknown : meta->unknown) result.unknown.push_back(prefix + "." + unknown);
    object.set(name, std::move(meta->value));
    return true;
  }

  bool drop_invalid_;
};

class EmbeddedCheck {
 public:
  void check(const json::Value& value, const StructuralSchema* schema, bool embedded, const FieldPath& path) {
    if (!may_embed(schema, embedded)) return;
    if (value.is_array() && schema != nullptr) {
      for (std::size_t i = 0; i < value.size(); ++i) descend(value.at(i), schema->items.get(), path.index(i));
    }
    if (!value.is_object()) return;
    if (embedded) check_object(value, path);
    if (schema == nullptr) return;
    for (const std::string& name : sorted_names(value)) {
      const StructuralSchema* specified = schema->find_member(name);
      if (specified != nullptr) descend(*value.find(name), specified, member_path(path, *schema, name));
    }
  }

  FieldErrors errors = {};

 private:
  void descend(const json::Value& value, const StructuralSchema* schema, const FieldPath& path) {
    if (schema != nullptr) check(value, schema, schema->embedded_resource, path);
  }

  void check_object(const json::Value& object, const FieldPath& path) {
    for (const std::string_view key : {"apiVersion", "kind"}) {
      if (!object.contains(key)) errors.push_back(FieldError::required(path.child(key)));
    }
    if (const json::Value* value = object.find("apiVersion"))
      check_api_version(*value, path.child("apiVersion"));
    if (const json::Value* value = object.find("kind")) check_kind(*value, path.child("kind"));
    if (const json::Value* value = object.find("metadata")) check_metadata(*value, path.child("metadata"));
  }

  /// False if there is nothing more to check.
  bool check_text(const json::Value& value, const FieldPath& path) {
    if (value.is_string() && !value.as_string().empty()) return true;
    errors.push_back(
        FieldError::invalid(path, value, value.is_string() ? "must not be empty" : "must be a string"));
    return false;
  }

  void check_api_version(const json::Value& value, const FieldPath& path) {
    if (!check_text(value, path)) return;
    const std::string_view text = value.as_string();
    if (std::count(text.begin(), text.end(), '/') < 2) return;
    errors.push_back(
        FieldError::invalid(path, value, "unexpected GroupVersion string: " + std::string(text)));
  }

  void check_kind(const json::Value& value, const FieldPath& path) {
    if (!check_text(value, path)) return;
    const Problems problems = check_dns1035_label(to_lower(value.as_string()));
    if (problems.empty()) return;
    errors.push_back(FieldError::invalid(
        path, value, "may have mixed case, but should otherwise match: " + join(problems, ",")));
  }

  void check_metadata(const json::Value& value, const FieldPath& path) {
    const auto meta = decode_object_meta(value);
    if (!meta) {
      errors.push_back(FieldError::invalid(path, value, meta.error().message()));
      return;
    }
    json::Value metadata = meta->value;
    if (!metadata.contains("name")) metadata.set("name", "fakename");  // it need not have one
    const bool namespaced = metadata.contains("namespace");
    append(errors,
           validate_object_meta(metadata, {.namespaced = namespaced, .name = NameRule::kPathSegment}, path));
  }
};

}  // namespace

EmbeddedResult coerce_embedded_resources(json::Value& value, const StructuralSchema* schema,
                                         const EmbeddedOptions& options, const FieldPath& path) {
  EmbeddedCoercer coercer(options.drop_invalid);
  const bool embedded = options.resource_root || (schema != nullptr && schema->embedded_resource);
  coercer.coerce(value, schema, embedded, path);
  std::sort(coercer.result.unknown.begin(), coercer.result.unknown.end());
  return std::move(coercer.result);
}

FieldErrors validate_embedded_resources(const FieldPath& path, const json::Value& value,
                                        const StructuralSchema* schema, bool resource_root) {
  EmbeddedCheck check;
  check.check(value, schema, resource_root || (schema != nullptr && schema->embedded_resource), path);
  return std::move(check.errors);
}

}  // namespace klutch::apiserver

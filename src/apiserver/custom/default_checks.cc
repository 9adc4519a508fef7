// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/default_checks.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apiserver/cel/validation_rules.h"
#include "apiserver/schema/embedded_resource.h"
#include "apiserver/schema/go_text.h"
#include "apiserver/schema/prune.h"
#include "apiserver/schema/validation.h"
#include "json/value.h"

namespace klutch::apiserver {
namespace {

/// What the rules of `schema` say of a default, as a new value and as one that stays.
FieldErrors check_default_rules(const FieldPath& path, const json::Value& value, const SchemaPtr& schema) {
  if (!schema->has_rules) return {};
  const auto rules = CompiledRules::of(schema);
  FieldErrors errors = check_rules(*rules, value, &value);
  if (errors.empty()) errors = check_rules(*rules, value);
  for (FieldError& error : errors) {
    if (error.field == "<nil>") {
      error.field = path.to_string();
    } else {
      error.field = path.to_string() + (error.field.starts_with('[') ? "" : ".") + error.field;
    }
  }
  return errors;
}

/// A step from a resource to a value in it; nothing: into a list.
using Step = std::optional<std::string_view>;

class DefaultWalk {
 public:
  DefaultWalk(const StructuralSchema& root, bool require_pruned)
      : require_pruned_(require_pruned), resource_(&root) {}

  void visit(const FieldPath& path, const SchemaPtr& node, bool is_root, bool inside_meta) {
    const StructuralSchema& schema = *node;
    if (!schema.has_defaults) return;
    const bool is_resource = is_root || schema.embedded_resource;
    const auto* outer_resource = resource_;
    std::vector<Step> outer_steps;
    if (is_resource) {
      inside_meta = false;
      resource_ = &schema;
      outer_steps = std::exchange(steps_, {});
    }
    if (const json::Value* value = schema.default_value()) {
      const FieldPath at = path.child("default");
      FieldErrors found =
          inside_meta ? check_metadata(at, *value, schema) : check_value(at, *value, schema, is_resource);
      if (found.empty()) found = check_default_rules(at, *value, node);
      append(errors_, std::move(found));
    }
    // Defaults are forbidden in additionalProperties.
    if (schema.items != nullptr) {
      steps_.push_back(std::nullopt);
      visit(path.child("items"), schema.items, false, inside_meta);
      steps_.pop_back();
    }
    for (const SchemaProperty& property : schema.properties) {
      const std::string_view name = property.key();
      const bool is_meta = is_resource && (name == "metadata" || name == "apiVersion" || name == "kind");
      steps_.emplace_back(name);
      visit(path.child("properties").key(name), property.schema, false, inside_meta || is_meta);
      steps_.pop_back();
    }
    if (is_resource) {
      resource_ = outer_resource;
      steps_ = std::move(outer_steps);
    }
  }

  FieldErrors take() && { return std::move(errors_); }

 private:
  [[nodiscard]] FieldErrors check_value(const FieldPath& path, const json::Value& original,
                                        const StructuralSchema& schema, bool is_resource) const {
    FieldErrors errors;
    json::Value value = original;
    if (require_pruned_) {
      prune(value, &schema, {.resource_root = is_resource});
      if (!go_equal(value, original)) {
        errors.push_back(FieldError::invalid(path, original, "must not have unknown fields"));
      }
      value = original;
    }
    auto coerced = coerce_embedded_resources(value, &schema, {.resource_root = is_resource}, path);
    if (coerced.error) {
      errors.push_back(*std::move(coerced.error));
      return errors;
    }
    FieldErrors more = validate_embedded_resources(path, value, &schema, is_resource);
    if (more.empty()) more = validate_value(path, value, schema, ValidationPurpose::kDefault);
    append(errors, std::move(more));
    return errors;
  }

  /// A default that becomes a part of some object's apiVersion, kind or metadata is checked as that part.
  [[nodiscard]] FieldErrors check_metadata(const FieldPath& path, const json::Value& value,
                                           const StructuralSchema& schema) const {
    json::Value object = surround(value);
    const auto refuse = [&](const std::string& why) -> FieldErrors {
      return {FieldError::invalid(path, value, "must result in valid metadata: " + why)};
    };
    const auto coerced = coerce_embedded_resources(object, resource_, {.resource_root = true});
    if (coerced.error) return refuse(coerced.error->to_string());
    const auto errors = validate_embedded_resources({}, object, resource_, true);
    if (!errors.empty()) return refuse(to_string(errors));
    return validate_value(path, value, schema, ValidationPurpose::kDefault);
  }

  [[nodiscard]] json::Value surround(json::Value value) const {
    for (std::size_t i = steps_.size(); i-- > 0;) {
      json::Value outer;
      if (steps_[i]) {
        outer.set(*steps_[i], std::move(value));
      } else {
        outer.push_back(std::move(value));
      }
      value = std::move(outer);
    }
    if (!value.contains("kind")) value.set("kind", "Validation");
    if (!value.contains("apiVersion")) value.set("apiVersion", "validation/v1");
    return value;
  }

  bool require_pruned_;
  const StructuralSchema* resource_;  // the object that a value is a part of
  std::vector<Step> steps_ = {};      // from there to the value
  FieldErrors errors_ = {};
};

}  // namespace

FieldErrors validate_schema_defaults(const FieldPath& path, const SchemaPtr& schema, bool require_pruned) {
  DefaultWalk walk(*schema, require_pruned);
  walk.visit(path, schema, true, false);
  return std::move(walk).take();
}

bool has_unpruned_defaults(const StructuralSchema& schema) {
  if (!schema.has_defaults) return false;
  if (const json::Value* value = schema.default_value()) {
    json::Value pruned = *value;
    prune(pruned, &schema, {.resource_root = schema.embedded_resource});
    if (!go_equal(pruned, *value)) return true;
  }
  if (schema.items != nullptr && has_unpruned_defaults(*schema.items)) return true;
  if (schema.additional() != nullptr && has_unpruned_defaults(*schema.additional())) return true;
  for (const SchemaProperty& property : schema.properties) {
    if (has_unpruned_defaults(*property.schema)) return true;
  }
  return false;
}

}  // namespace klutch::apiserver

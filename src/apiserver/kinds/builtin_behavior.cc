// SPDX-License-Identifier: Apache-2.0
#include "apiserver/kinds/builtin_behavior.h"

#include <algorithm>

#include "apiserver/builtin/conform.h"
#include "apiserver/builtin/merge_types.h"
#include "apiserver/kinds/checks.h"
#include "apiserver/kinds/defaults.h"
#include "apiserver/kinds/fields.h"
#include "apiserver/schema/object_meta.h"
#include "base/check.h"

namespace klutch::apiserver {
namespace {

FieldSet field_set_of(std::string_view field) {
  FieldSet set;
  set.insert({PathElement::field(field)});
  return set;
}

/// Finalizers without a domain belong to Kubernetes itself.
void check_bare_finalizers(FieldErrors& errors, const json::Value& object) {
  const auto finalizers = list_at(object, {"metadata", "finalizers"});
  for (std::size_t i = 0; i < finalizers.size(); ++i) {
    const auto name = finalizers[i].is_string() ? finalizers[i].as_string() : std::string_view();
    const bool is_standard = name == "kubernetes" || name == "orphan" || name == "foregroundDeletion";
    if (is_standard || name.find('/') != std::string_view::npos) continue;
    errors.push_back(
        FieldError::invalid(FieldPath("metadata").child("finalizers").index(i), name,
                            "name is neither a standard finalizer name nor is it fully qualified"));
  }
}

}  // namespace

BuiltinBehavior::BuiltinBehavior(const ResourceFacts& facts, KindRules rules)
    : facts_(facts), rules_(std::move(rules)) {
  auto zero = conform(json::Value::empty_object(), *facts.message);
  CHECK(zero.has_value());
  zero_ = std::move(zero->object);
  has_status_ = std::ranges::any_of(facts.subresources, [](const auto& sub) { return sub.name == "status"; });
}

Result<ReadObject> BuiltinBehavior::read(json::Value object) const {
  auto conformed = TRY(conform(object, *facts_.message));
  if (rules_.after_read != nullptr) rules_.after_read(conformed.object);
  set_defaults(conformed.object, *facts_.message);
  return ReadObject{.object = std::move(conformed.object),
                    .unknown_fields = std::move(conformed.unknown_fields)};
}

void BuiltinBehavior::prepare_create(json::Value& object, Time now) const {
  if (rules_.prepare_create != nullptr) rules_.prepare_create(object, now);
  const auto* status = zero_.find("status");
  if (has_status_ && status != nullptr && value_at(object, {"status"}).empty()) {
    object.set("status", *status);
  }
}

void BuiltinBehavior::prepare_update(json::Value& object, const json::Value& old,
                                     std::string_view subresource, Time /*now*/) const {
  if (subresource.empty() && rules_.prepare_update != nullptr) rules_.prepare_update(object, old);
}

FieldErrors BuiltinBehavior::validate_create(const json::Value& object) const {
  const FieldPath path("metadata");
  const ObjectMetaRules meta{.namespaced = facts_.type.namespaced, .name = rules_.name};
  auto errors = validate_object_meta(value_at(object, {"metadata"}), meta, path);
  if (!rules_.bare_finalizers) check_bare_finalizers(errors, object);
  const auto validate = rules_.validate_create != nullptr ? rules_.validate_create : rules_.validate;
  if (validate != nullptr) append(errors, validate(object));
  return errors;
}

FieldErrors BuiltinBehavior::validate_update(const json::Value& object, const json::Value& old,
                                             std::string_view subresource) const {
  auto errors = validate_object_meta_update(value_at(object, {"metadata"}), value_at(old, {"metadata"}),
                                            FieldPath("metadata"));
  if (!rules_.bare_finalizers) {
    for (const auto& finalizer : list_at(object, {"metadata", "finalizers"})) {
      const auto name = finalizer.is_string() ? finalizer.as_string() : std::string_view();
      add_problems(errors, FieldPath("metadata").child("finalizers"), name, check_qualified_name(name));
    }
    check_bare_finalizers(errors, object);
  }
  if (subresource == "status") {
    if (rules_.validate_status != nullptr) append(errors, rules_.validate_status(object, old));
    return errors;
  }
  if (!subresource.empty()) return errors;
  if (rules_.validate != nullptr) append(errors, rules_.validate(object));
  if (rules_.validate_change != nullptr) append(errors, rules_.validate_change(object, old));
  return errors;
}

std::vector<std::string> BuiltinBehavior::warnings(const json::Value& object, const json::Value* old) const {
  return rules_.warnings == nullptr ? std::vector<std::string>() : rules_.warnings(object, old);
}

bool BuiltinBehavior::is_selectable(std::string_view field) const {
  return std::ranges::find(rules_.selectable, field, &SelectableField::label) != rules_.selectable.end();
}

std::optional<std::string> BuiltinBehavior::selectable_field(const json::Value& object,
                                                             std::string_view field) const {
  const auto found = std::ranges::find(rules_.selectable, field, &SelectableField::label);
  if (found == rules_.selectable.end()) return std::nullopt;
  if (rules_.select != nullptr) {
    if (auto selected = rules_.select(object, field)) return selected;
  }
  const json::Value* at = &object;
  for (const auto name : found->path) {
    at = at->find(name);
    if (at == nullptr) return "";
  }
  if (at->is_bool()) return at->as_bool() ? "true" : "false";
  if (at->is_int()) return std::to_string(at->as_int());
  return std::string(at->is_string() ? at->as_string() : "");
}

OwnershipTypes BuiltinBehavior::ownership(std::string_view subresource) const {
  OwnershipTypes types;
  types.type_of = [message = facts_.message, version = facts_.type.api_version()](std::string_view wanted) {
    return wanted == version ? BuiltinMergeTypes::get().of(*message) : nullptr;
  };
  if (!has_status_) return types;
  types.reset_fields = [is_status = subresource == "status"](std::string_view) {
    return field_set_of(is_status ? "spec" : "status");
  };
  return types;
}

}  // namespace klutch::apiserver

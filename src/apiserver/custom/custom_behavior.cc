// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/custom_behavior.h"

#include <algorithm>
#include <iterator>

#include "apiserver/custom/definition_json.h"
#include "apiserver/custom/published_schema.h"
#include "apiserver/custom/scale_checks.h"
#include "apiserver/schema/defaulting.h"
#include "apiserver/schema/embedded_resource.h"
#include "apiserver/schema/go_text.h"
#include "apiserver/schema/object_meta.h"
#include "apiserver/schema/prune.h"
#include "apiserver/schema/validation.h"

namespace klutch::apiserver {
namespace {

const json::Value kNothing;

Error as_bad_request(std::string text) {
  return Error(Code::kBadRequest, std::move(text));
}

void add_paths(std::vector<std::string>& all, std::vector<std::string> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

/// metadata of what a client sent, as it is stored.
Result<void> read_metadata(json::Value& object, std::vector<std::string>& unknown) {
  json::Value* metadata = object.find("metadata");
  if (metadata == nullptr) return {};
  if (metadata->is_null()) {
    *metadata = json::Value::empty_object();
    return {};
  }
  ObjectMeta decoded = TRY(decode_object_meta(*metadata).map_error(
      [](const Error& error) { return as_bad_request(error.message()); }));
  for (const std::string& path : decoded.unknown) unknown.push_back("metadata." + path);
  *metadata = std::move(decoded.value);
  return {};
}

FieldErrors validate_lists(const json::Value& object, const StructuralSchema* schema) {
  if (schema == nullptr || !schema->has_unique_lists) return {};
  return validate_unique_lists({}, object, *schema);
}

/// What a finalizer should not look like (apiextensions, validateKubeFinalizerName).
void warn_of_finalizer(std::string_view finalizer, std::vector<std::string>& warnings) {
  const std::string start = "metadata.finalizers: " + go_quote(finalizer) + ": ";
  for (const std::string& problem : check_qualified_name(finalizer)) warnings.push_back(start + problem);
  if (finalizer.find('/') != std::string_view::npos) return;
  if (finalizer == "orphan" || finalizer == "foregroundDeletion" || finalizer == "kubernetes") return;
  const bool has_domain = finalizer.find('.') != std::string_view::npos;
  warnings.push_back(start + "prefer a domain-qualified finalizer name " +
                     (has_domain ? "including a path (/) " : "") +
                     "to avoid accidental conflicts with other finalizer writers");
}

std::vector<std::string> finalizers_of(const json::Value& object) {
  std::vector<std::string> names;
  for (const json::Value& name : list_at(object_at(object, "metadata"), "finalizers")) {
    if (name.is_string()) names.emplace_back(name.as_string());
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

CustomBehavior::CustomBehavior(std::shared_ptr<const ServedDefinition> definition, std::size_t version)
    : definition_(std::move(definition)), version_(version) {
  const ServedVersion& own = this->version();
  if (own.scale) {
    scale_ = ScalePaths{.spec_replicas = split_scale_path(own.scale->spec_replicas),
                        .status_replicas = split_scale_path(own.scale->status_replicas)};
    const auto& selector = own.scale->label_selector;
    if (selector && !selector->empty()) scale_->label_selector = split_scale_path(*selector);
  }
  for (const std::string& path : own.selectable_fields) {
    auto parsed = JsonPath::parse(path);
    if (!parsed) continue;  // validation of definitions does not let it through
    selectable_.emplace_back(path.starts_with('.') ? path.substr(1) : path, *std::move(parsed));
  }
}

void CustomBehavior::rename(json::Value& object, std::size_t version) const {
  object.set("apiVersion", definition_->api_version(version));
}

std::vector<std::string> CustomBehavior::prune_to(json::Value& object, std::size_t version,
                                                  bool report) const {
  if (definition_->preserves_unknown_fields()) return {};
  const StructuralSchema* schema = definition_->find_schema(version);
  auto unknown = prune(object, schema, {.resource_root = true, .report = report});
  drop_nulls(object, schema);
  return unknown;
}

Result<ReadObject> CustomBehavior::read(json::Value object) const {
  const SchemaPtr schema = TRY(definition_->schema(version_));
  ReadObject out;
  TRY(read_metadata(object, out.unknown_fields));
  json::Value metadata;
  if (json::Value* found = object.find("metadata")) metadata = *found;
  add_paths(out.unknown_fields, prune_to(object, version_, true));
  if (schema != nullptr && schema->has_embedded_resources) {
    EmbeddedResult embedded = coerce_embedded_resources(object, schema.get());
    if (embedded.error) return fail(as_bad_request(embedded.error->to_string()));
    add_paths(out.unknown_fields, std::move(embedded.unknown));
  }
  if (!metadata.is_null()) object.set("metadata", std::move(metadata));
  if (schema != nullptr && schema->has_defaults) apply_defaults(object, schema.get());
  std::ranges::sort(out.unknown_fields);
  out.object = std::move(object);
  return out;
}

bool CustomBehavior::serves_as_stored(const StoredObject& stored) const {
  return version_ == definition_->storage_version() && stored.revision() >= definition_->revision() &&
         !definition_->fills_on_read();
}

void CustomBehavior::from_stored(json::Value& object) const {
  const std::size_t stored =
      definition_->find_version(text_at(object, "apiVersion")).value_or(definition_->storage_version());
  const StructuralSchema* schema = definition_->find_schema(stored);
  prune_to(object, stored, false);
  if (schema != nullptr && schema->has_embedded_resources) {
    coerce_embedded_resources(object, schema, {.drop_invalid = true});
  }
  if (schema != nullptr && schema->has_defaults) apply_defaults(object, schema);
  rename(object, version_);
  if (stored != version_) prune_to(object, version_, false);
}

void CustomBehavior::to_stored(json::Value& object) const {
  const std::size_t storage = definition_->storage_version();
  if (storage == version_) return;
  rename(object, storage);
  prune_to(object, storage, false);
}

void CustomBehavior::check_own_rules(FieldErrors& errors, const json::Value& object,
                                     const json::Value* old) const {
  const auto rules = definition_->rules(version_);
  if (rules == nullptr) return;
  if (auto reason = reason_not_to_check_rules(errors)) {
    errors.push_back(*std::move(reason));
  } else {
    append(errors, check_rules(*rules, object, old));
  }
}

FieldErrors CustomBehavior::validate_create(const json::Value& object) const {
  const StructuralSchema* schema = definition_->find_schema(version_);
  const ObjectMetaRules rules{.namespaced = definition_->description().type.namespaced};
  FieldErrors errors = validate_object_meta(object_at(object, "metadata"), rules, FieldPath("metadata"));
  if (schema != nullptr) append(errors, validate_value({}, object, *schema));
  if (version().scale) {
    append(errors, validate_scale_spec(object, *version().scale));
    append(errors, validate_scale_status(object, *version().scale));
  }
  append(errors, validate_embedded_resources({}, object, schema));
  append(errors, validate_lists(object, schema));
  check_own_rules(errors, object, nullptr);
  return errors;
}

FieldErrors CustomBehavior::validate_update(const json::Value& object, const json::Value& old,
                                            std::string_view subresource) const {
  const StructuralSchema* schema = definition_->find_schema(version_);
  const bool is_status = subresource == "status";
  FieldErrors errors = validate_object_meta_update(object_at(object, "metadata"), object_at(old, "metadata"),
                                                   FieldPath("metadata"));
  if (is_status) {
    const StructuralSchema* own = schema == nullptr ? nullptr : schema->find_property("status");
    const json::Value* status = object.find("status");
    if (own != nullptr && status != nullptr) {
      const json::Value* old_status = old.find("status");
      append(errors, validate_value_update(FieldPath("status"), *status,
                                           old_status == nullptr ? kNothing : *old_status, *own));
    }
  } else if (schema != nullptr) {
    append(errors, validate_value_update({}, object, old, *schema));
  }
  if (version().scale && !is_status) append(errors, validate_scale_spec(object, *version().scale));
  if (version().scale) append(errors, validate_scale_status(object, *version().scale));
  if (!is_status) append(errors, validate_embedded_resources({}, object, schema));
  if (validate_lists(old, schema).empty()) append(errors, validate_lists(object, schema));
  check_own_rules(errors, object, &old);
  return errors;
}

std::vector<std::string> CustomBehavior::warnings(const json::Value& object, const json::Value* old) const {
  std::vector<std::string> warnings;
  const auto before = old == nullptr ? std::vector<std::string>() : finalizers_of(*old);
  for (const std::string& name : finalizers_of(object)) {
    if (!std::ranges::binary_search(before, name)) warn_of_finalizer(name, warnings);
  }
  return warnings;
}

std::optional<std::string> CustomBehavior::selectable_field(const json::Value& object,
                                                            std::string_view field) const {
  const auto known = std::ranges::find(selectable_, field, &std::pair<std::string, JsonPath>::first);
  if (known == selectable_.end()) return std::nullopt;
  const auto found = known->second.find(object);
  const json::Value* value = found ? found->first() : nullptr;
  if (value == nullptr || value->is_null()) return "";
  return go_plain(*value);
}

bool CustomBehavior::is_selectable(std::string_view field) const {
  return std::ranges::find(selectable_, field, &std::pair<std::string, JsonPath>::first) != selectable_.end();
}

OwnershipTypes CustomBehavior::ownership(std::string_view subresource) const {
  OwnershipTypes types;
  types.type_of = [definition = definition_](std::string_view api_version) -> TypeRef {
    const auto version = definition->find_version(api_version);
    return version ? definition->merge_type(*version) : nullptr;
  };
  std::string reset;
  if (version().has_status) reset = subresource == "status" ? "spec" : subresource.empty() ? "status" : "";
  types.reset_fields = [reset, own = definition_->api_version(version_)](std::string_view api_version) {
    FieldSet fields;
    if (!reset.empty() && api_version == own) fields.insert({PathElement::field(reset)});
    return fields;
  };
  return types;
}

json::Value CustomBehavior::openapi_schema() const {
  return published_schema(definition_->version_json(version_),
                          {.group = definition_->description().type.group,
                           .version = version().name,
                           .kind = definition_->description().type.kind});
}

}  // namespace klutch::apiserver

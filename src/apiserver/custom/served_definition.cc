// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/served_definition.h"

#include <algorithm>

#include "apiserver/custom/definition_json.h"
#include "apiserver/custom/merge_types.h"
#include "apiserver/registry/registry.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

/// What a client is told that uses a deprecated version; `spec` knows which one to use instead.
std::string default_deprecation(const json::Value& spec, std::string_view version) {
  const std::string group = text_at(spec, "group");
  const std::string kind = text_at(object_at(spec, "names"), "kind");
  std::string warning = group + "/" + std::string(version) + " " + kind + " is deprecated";
  std::string better;
  for (const json::Value& other : list_at(spec, "versions")) {
    const std::string name = text_at(other, "name");
    if (!flag_at(other, "served") || flag_at(other, "deprecated")) continue;
    if (!is_preferred_version(name, version)) continue;
    if (better.empty() || is_preferred_version(name, better)) better = name;
  }
  return better.empty() ? warning : warning + "; use " + group + "/" + better + " " + kind;
}

std::vector<std::string> texts_at(const json::Value& object, std::string_view key) {
  std::vector<std::string> texts;
  for (const json::Value& text : list_at(object, key)) {
    if (text.is_string()) texts.emplace_back(text.as_string());
  }
  return texts;
}

std::optional<ScaleTexts> read_scale_texts(const json::Value& subresources) {
  const json::Value* scale = subresources.find_object("scale");
  if (scale == nullptr) return std::nullopt;
  ScaleTexts texts{.spec_replicas = text_at(*scale, "specReplicasPath"),
                   .status_replicas = text_at(*scale, "statusReplicasPath")};
  if (const auto selector = scale->find_string("labelSelectorPath")) texts.label_selector = *selector;
  return texts;
}

}  // namespace

std::shared_ptr<const ServedDefinition> ServedDefinition::read(const StoredPtr& stored, SchemaPool& pool) {
  const json::Value definition = stored->to_value();
  if (!is_condition_true(definition, "Established")) return nullptr;
  auto served = std::make_shared<ServedDefinition>(stored, pool);
  if (!served->read_spec(object_at(definition, "spec"), object_at(definition, "status"))) return nullptr;
  auto& verbs = served->description_.verbs;
  verbs = {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
  if (kube::is_deleting(definition)) verbs.erase(verbs.begin());
  return served;
}

bool ServedDefinition::read_spec(const json::Value& spec, const json::Value& status) {
  const json::Value& names = object_at(status, "acceptedNames");
  description_.type = {.group = text_at(spec, "group"),
                       .version = {},
                       .resource = text_at(names, "plural"),
                       .kind = text_at(names, "kind"),
                       .namespaced = text_at(spec, "scope") == "Namespaced"};
  description_.singular = text_at(names, "singular");
  description_.list_kind = text_at(names, "listKind");
  description_.short_names = texts_at(names, "shortNames");
  description_.categories = texts_at(names, "categories");
  description_.custom = true;
  preserves_unknown_fields_ = flag_at(spec, "preserveUnknownFields");
  for (const json::Value& version : list_at(spec, "versions")) {
    read_version(version);
    if (flag_at(version, "deprecated")) {
      const auto own = version.find_string("deprecationWarning");
      auto& warning = versions_.back().deprecation_warning;
      warning = own ? std::string(*own) : default_deprecation(spec, versions_.back().name);
    }
  }
  const auto storage = std::ranges::find_if(versions_, &ServedVersion::storage);
  if (storage == versions_.end()) return false;
  storage_version_ = static_cast<std::size_t>(storage - versions_.begin());
  const auto& type = description_.type;
  return !type.group.empty() && !type.resource.empty() && !type.kind.empty();
}

void ServedDefinition::read_version(const json::Value& version) {
  ServedVersion& out = versions_.emplace_back();
  out.name = text_at(version, "name");
  out.served = flag_at(version, "served");
  out.storage = flag_at(version, "storage");
  const json::Value& subresources = object_at(version, "subresources");
  out.has_status = subresources.find_object("status") != nullptr;
  out.scale = read_scale_texts(subresources);
  for (const json::Value& field : list_at(version, "selectableFields")) {
    out.selectable_fields.push_back(text_at(field, "jsonPath"));
  }
}

std::string ServedDefinition::api_version(std::size_t version) const {
  return description_.type.group + "/" + versions_[version].name;
}

std::optional<std::size_t> ServedDefinition::find_version(std::string_view api_version) const {
  for (std::size_t i = 0; i < versions_.size(); ++i) {
    if (this->api_version(i) == api_version) return i;
  }
  return std::nullopt;
}

json::Value ServedDefinition::version_json(std::size_t version) const {
  json::Value definition = stored_->to_value();
  json::Value* versions = nullptr;
  if (json::Value* spec = definition.find("spec")) versions = spec->find("versions");
  if (versions == nullptr || !versions->is_array() || version >= versions->size()) return {};
  return std::move(versions->at(version));
}

const ServedDefinition::Schemas& ServedDefinition::schemas() const {
  std::call_once(schemas_once_, [&] {
    const json::Value definition = stored_->to_value();
    for (const json::Value& version : list_at(object_at(definition, "spec"), "versions")) {
      const json::Value* schema = object_at(version, "schema").find_object("openAPIV3Schema");
      schemas_.of_versions.push_back(schema == nullptr ? Result<SchemaPtr>(nullptr)
                                                       : parse_schema(*schema, pool_));
    }
    for (const auto& schema : schemas_.of_versions) {
      auto rules = schema && *schema != nullptr ? CompiledRules::of(*schema) : nullptr;
      if (rules != nullptr && rules->empty()) rules = nullptr;
      schemas_.rules.push_back(std::move(rules));
    }
    const auto& storage = schemas_.of_versions[storage_version_];
    const auto is_other = [&](const Result<SchemaPtr>& schema) {
      return !schema || !storage || *schema != *storage;
    };
    schemas_.fills_on_read = storage && *storage != nullptr && (*storage)->has_defaults &&
                             std::ranges::any_of(schemas_.of_versions, is_other);
  });
  return schemas_;
}

Result<SchemaPtr> ServedDefinition::schema(std::size_t version) const {
  const auto& schema = schemas().of_versions[version];
  if (schema) return *schema;
  return fail(schema.error()
                  .with_code(Code::kInternal)
                  .with_context("the server could not properly serve the CR schema"));
}

const StructuralSchema* ServedDefinition::find_schema(std::size_t version) const {
  const auto& schema = schemas().of_versions[version];
  return schema ? schema->get() : nullptr;
}

std::shared_ptr<const CompiledRules> ServedDefinition::rules(std::size_t version) const {
  return schemas().rules[version];
}

bool ServedDefinition::fills_on_read() const {
  return schemas().fills_on_read;
}

TypeRef ServedDefinition::merge_type(std::size_t version) const {
  std::call_once(merge_once_, [&] {
    merge_schema_ = std::make_unique<MergeSchema>();
    CustomMergeTypes types(*merge_schema_);
    for (std::size_t i = 0; i < versions_.size(); ++i) {
      merge_type_of_.push_back(types.add_root(find_schema(i), preserves_unknown_fields_));
    }
  });
  return merge_type_of_[version];
}

}  // namespace klutch::apiserver

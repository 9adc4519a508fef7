// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/definition.h"

#include <algorithm>
#include <string>
#include <utility>

#include "apiserver/builtin/conform.h"
#include "apiserver/builtin/merge_types.h"
#include "apiserver/custom/definition_json.h"
#include "apiserver/custom/definition_validation.h"
#include "apiserver/custom/naming.h"
#include "apiserver/schema/go_text.h"
#include "json/build.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

std::string lower_kind(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

const MessageFacts& definition_facts() {
  return *BuiltinFacts::get().message_of("apiextensions.k8s.io/v1", "CustomResourceDefinition");
}

/// The member, made an object when it is missing.
json::Value& object_in(json::Value& object, std::string_view key) {
  json::Value& member = object[key];
  if (!member.is_object()) member = json::Value::empty_object();
  return member;
}

void set_definition_defaults(json::Value& definition) {
  json::Value& spec = object_in(definition, "spec");
  json::Value& names = object_in(spec, "names");
  const std::string kind = text_at(names, "kind");
  if (!kind.empty() && text_at(names, "singular").empty()) names.set("singular", lower_kind(kind));
  if (!kind.empty() && text_at(names, "listKind").empty()) names.set("listKind", kind + "List");
  if (spec.find_object("conversion") == nullptr) {
    spec.set("conversion", json::object({{"strategy", "None"}}));
    return;
  }
  const json::Value& webhook = object_at(object_at(spec, "conversion"), "webhook");
  const json::Value* service = object_at(webhook, "clientConfig").find_object("service");
  if (service != nullptr && !service->find_int("port")) {
    spec["conversion"]["webhook"]["clientConfig"]["service"].set("port", 443);
  }
}

/// The version in which objects are stored from now on is one of those in which some may be stored.
void remember_storage_version(json::Value& definition) {
  for (const json::Value& version : list_at(object_at(definition, "spec"), "versions")) {
    if (!flag_at(version, "storage")) continue;
    const json::Value name = text_at(version, "name");
    json::Value& status = object_in(definition, "status");
    json::Value& stored = status["storedVersions"];
    if (!stored.is_array()) stored = json::Value::empty_array();
    if (std::ranges::find(stored.elements(), name) == stored.elements().end()) stored.push_back(name);
    return;
  }
}

class DefinitionBehavior final : public ResourceBehavior {
 public:
  explicit DefinitionBehavior(SchemaPool& pool) : pool_(pool) {}

  [[nodiscard]] Result<ReadObject> read(json::Value object) const override {
    Conformed conformed = TRY(conform(object, definition_facts()));
    ReadObject out{.object = std::move(conformed.object),
                   .unknown_fields = std::move(conformed.unknown_fields)};
    std::ranges::sort(out.unknown_fields);
    set_definition_defaults(out.object);
    return out;
  }

  [[nodiscard]] bool has_status_subresource() const override { return true; }
  [[nodiscard]] bool counts_generations() const override { return true; }
  [[nodiscard]] bool allows_unconditional_update() const override { return false; }

  void prepare_create(json::Value& object, Time /*now*/) const override {
    object.set("status", json::object({{"conditions", nullptr},
                                       {"acceptedNames", json::object({{"plural", ""}, {"kind", ""}})},
                                       {"storedVersions", nullptr}}));
    remember_storage_version(object);
  }
  void prepare_update(json::Value& object, const json::Value& /*old*/, std::string_view subresource,
                      Time /*now*/) const override {
    if (subresource.empty()) remember_storage_version(object);
  }

  [[nodiscard]] FieldErrors validate_create(const json::Value& object) const override {
    return validate_definition(object, pool_);
  }
  [[nodiscard]] FieldErrors validate_update(const json::Value& object, const json::Value& old,
                                            std::string_view subresource) const override {
    if (subresource == "status") return validate_definition_status(object, old);
    return validate_definition_update(object, old, pool_);
  }
  [[nodiscard]] std::vector<std::string> warnings(const json::Value& object,
                                                  const json::Value* old) const override {
    std::vector<std::string> before;
    if (old != nullptr) before = unrecognized_formats(*old);
    std::vector<std::string> warnings;
    for (const std::string& format : unrecognized_formats(object)) {
      if (std::ranges::find(before, format) == before.end()) {
        warnings.push_back("unrecognized format " + go_quote(format));
      }
    }
    return warnings;
  }

  void begin_delete(json::Value& object, Time now) const override {
    kube::add_finalizer(object, kCleanupFinalizer);
    set_terminating(object, Removal::kPending, now);
  }

  [[nodiscard]] OwnershipTypes ownership(std::string_view subresource) const override {
    OwnershipTypes types;
    types.type_of = [](std::string_view api_version) -> TypeRef {
      const auto* message = BuiltinFacts::get().message_of(api_version, "CustomResourceDefinition");
      return message == nullptr ? nullptr : BuiltinMergeTypes::get().of(*message);
    };
    types.reset_fields = [is_status = subresource == "status"](std::string_view /*api_version*/) {
      FieldSet fields;
      if (is_status) {
        fields.insert({PathElement::field("metadata")});
        fields.insert({PathElement::field("spec")});
      } else {
        fields.insert({PathElement::field("status")});
      }
      return fields;
    };
    return types;
  }

 private:
  SchemaPool& pool_;
};

}  // namespace

std::shared_ptr<const ResourceBehavior> definition_behavior(SchemaPool& pool) {
  return std::make_shared<DefinitionBehavior>(pool);
}

}  // namespace klutch::apiserver

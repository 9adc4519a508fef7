// SPDX-License-Identifier: Apache-2.0
#include "testing/memory_objects.h"

#include <algorithm>
#include <utility>

#include "base/ids.h"
#include "base/strings.h"
#include "base/time.h"
#include "crypto/base64.h"
#include "json/build.h"

namespace klutch::testing {
namespace {

std::string group_kind(const ServedType& type) {
  return type.type.group_kind().to_string();
}

}  // namespace

/// What types do with fields of their own.
void apply_type_rules(kube::Object& object, const ServedType& type) {
  if (type.type.resource == "namespaces") {
    object["metadata"]["labels"].set("kubernetes.io/metadata.name", kube::name(object));
    object["spec"].set("finalizers", json::array({"kubernetes"}));
  }
  if (type.type.resource == "secrets" && !type.custom) {
    if (!object.contains("type")) object.set("type", "Opaque");
    if (const auto texts = object.take("stringData"); texts && texts->is_object()) {
      for (const auto& [key, text] : texts->members()) {
        if (text.is_string()) object["data"].set(key, crypto::base64_encode(text.as_string()));
      }
    }
  }
}

std::string rfc3339_now() {
  return format_rfc3339(system_clock().now());
}

bool is_definition(const ServedType& type) {
  return type.type.resource == "customresourcedefinitions";
}

tl::unexpected<Error> invalid_object(const ServedType& type, std::string_view name, std::string field,
                                     std::string message, std::string reason) {
  return invalid(group_kind(type), std::string(name),
                 {{.reason = std::move(reason), .message = std::move(message), .field = std::move(field)}});
}

bool is_name(std::string_view name) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > 253) return false;
  if (!alphanumeric(name.front()) || !alphanumeric(name.back())) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return alphanumeric(c) || c == '-' || c == '.'; });
}

/// The parts of metadata that only the server decides about.
void restore_system_metadata(kube::Object& object, const kube::Object& old) {
  auto& metadata = object["metadata"];
  for (const auto* field : {"uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
                            "generation", "managedFields", "generateName", "resourceVersion"}) {
    const auto* value = old.find("metadata")->find(field);
    if (value != nullptr) {
      metadata.set(field, *value);
    } else {
      metadata.erase(field);
    }
  }
}

std::vector<std::string> finalizers_of(const kube::Object& object) {
  std::vector<std::string> names;
  const auto* metadata = object.find_object("metadata");
  const auto* list = metadata != nullptr ? metadata->find_array("finalizers") : nullptr;
  if (list == nullptr) return names;
  for (const auto& name : list->elements()) {
    if (name.is_string()) names.emplace_back(name.as_string());
  }
  return names;
}

Result<> check_labels(const ServedType& type, const kube::Object& object) {
  const auto* metadata = object.find_object("metadata");
  for (const auto* field : {"labels", "annotations"}) {
    const auto* map = metadata->find(field);
    if (map == nullptr || map->is_null()) continue;
    const bool texts = map->is_object() && std::all_of(map->members().begin(), map->members().end(),
                                                       [](const auto& m) { return m.value().is_string(); });
    if (!texts)
      return invalid_object(type, kube::name(object), std::string("metadata.") + field, "Invalid value");
  }
  return {};
}

void stamp_new(kube::Object& object, const ServedType& type, const std::string& manager) {
  auto& metadata = object["metadata"];
  const auto now = rfc3339_now();
  metadata.set("uid", new_uuid());
  metadata.set("creationTimestamp", now);
  metadata.erase("deletionTimestamp");
  metadata.erase("deletionGracePeriodSeconds");
  metadata.erase("generation");
  if (type.custom) metadata.set("generation", 1);
  // One entry that names the creator, not which fields are whose.
  metadata.set("managedFields",
               json::array({json::object({{"manager", manager},
                                          {"operation", "Update"},
                                          {"apiVersion", type.type.api_version()},
                                          {"time", now},
                                          {"fieldsType", "FieldsV1"},
                                          {"fieldsV1", json::object({{"f:metadata", json::object()}})}})}));
  if (type.status_subresource) object.erase("status");
  if (type.type.resource == "namespaces") object.set("status", json::object({{"phase", "Active"}}));
  apply_type_rules(object, type);
}

/// A new CustomResourceDefinition is served at once.
void serve_definition(MemoryApi& api, kube::Object& definition) {
  const auto* spec = definition.find_object("spec");
  const auto* names = spec != nullptr ? spec->find_object("names") : nullptr;
  const auto* versions = spec != nullptr ? spec->find_array("versions") : nullptr;
  if (names == nullptr || versions == nullptr || versions->empty()) return;
  const auto& version = versions->at(0);
  ServedType served;
  served.type = {.group = std::string(spec->find_string("group").value_or("")),
                 .version = std::string(version.find_string("name").value_or("")),
                 .resource = std::string(names->find_string("plural").value_or("")),
                 .kind = std::string(names->find_string("kind").value_or("")),
                 .namespaced = spec->find_string("scope") == "Namespaced"};
  const auto* subresources = version.find_object("subresources");
  served.status_subresource = subresources != nullptr && subresources->contains("status");
  if (const auto* shorts = names->find_array("shortNames")) {
    for (const auto& name : shorts->elements()) {
      if (name.is_string()) served.short_names.emplace_back(name.as_string());
    }
  }
  api.store.add_type(std::move(served));
  const auto condition = [](const char* type, const char* reason) {
    return json::object({{"type", type},
                         {"status", "True"},
                         {"reason", reason},
                         {"lastTransitionTime", rfc3339_now()},
                         {"message", ""}});
  };
  definition.set(
      "status",
      json::object({{"acceptedNames", *names},
                    {"storedVersions", json::array({*version.find("name")})},
                    {"conditions", json::array({condition("NamesAccepted", "NoConflicts"),
                                                condition("Established", "InitialNamesAccepted")})}}));
}

/// A namespace that is being deleted goes when the last object in it has gone.
void finish_namespace(MemoryApi& api, const std::string& ns) {
  if (ns.empty()) return;
  const auto* namespaces = api.store.find_type({"", "namespaces"});
  const auto found = api.store.find(*namespaces, {"", ns});
  if (!found || !kube::is_deleting(*found) || !finalizers_of(*found).empty()) return;
  for (const auto* type : api.store.types()) {
    if (!type->type.namespaced) continue;
    const auto first = api.store.objects(*type).lower_bound({ns, ""});
    if (first != api.store.objects(*type).end() && first->first.ns == ns) return;
  }
  api.store.erase(*namespaces, {"", ns});
}

void erase_object(MemoryApi& api, const ServedType& type, const kube::Key& key) {
  if (is_definition(type)) {
    const auto name = kube::GroupResource::parse(key.name);
    if (auto* served = name ? api.store.find_type(*name) : nullptr) {
      const auto objects = api.store.objects(*served);
      for (const auto& [object, ignored] : objects) api.store.erase(*served, object);
      served->served = false;
    }
  }
  api.store.erase(type, key);
  finish_namespace(api, key.ns);
}

bool differs_in_content(const kube::Object& left, const kube::Object& right, bool with_status) {
  const auto content = [&](const kube::Object& object) {
    auto copy = object;
    copy.erase("metadata");
    if (!with_status) copy.erase("status");
    return copy;
  };
  return !(content(left) == content(right));
}

void seed_object(MemoryApi& api, const ServedType& type, kube::Object object) {
  stamp_new(object, type, "memory-server");
  if (is_definition(type)) serve_definition(api, object);
  const auto key = kube::key(object);
  api.store.put(type, key, std::move(object));
}

}  // namespace klutch::testing

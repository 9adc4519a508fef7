// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/object_meta.h"

#include <fmt/format.h>

#include <algorithm>

#include "apiserver/schema/go_text.h"
#include "base/strings.h"
#include "json/build.h"
#include "json/print.h"

namespace klutch::apiserver {
namespace {

constexpr std::int64_t kMaxAnnotationBytes = 256 * 1024;
constexpr std::int64_t kMaxManager = 128;
constexpr std::int64_t kMaxSubresource = 256;

std::string_view text_of(const json::Value& object, std::string_view key) {
  return object.find_string(key).value_or(std::string_view());
}

std::vector<const json::Member*> sorted_entries(const json::Value& object, std::string_view key) {
  std::vector<const json::Member*> entries;
  if (const json::Value* map = object.find_object(key)) {
    for (const json::Member& entry : map->members()) entries.push_back(&entry);
  }
  std::sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) { return a->key() < b->key(); });
  return entries;
}

std::vector<std::string> texts_of(const json::Value& object, std::string_view key) {
  std::vector<std::string> out;
  const json::Value* list = object.find_array(key);
  if (list == nullptr) return out;
  for (const json::Value& element : list->elements()) {
    if (element.is_string()) out.emplace_back(element.as_string());
  }
  return out;
}

void add_problems(FieldErrors& errors, const FieldPath& path, std::string_view bad,
                  const Problems& problems) {
  for (const std::string& problem : problems) errors.push_back(FieldError::invalid(path, bad, problem));
}

void check_names(FieldErrors& errors, const json::Value& metadata, const ObjectMetaRules& rules,
                 const FieldPath& path) {
  const std::string_view prefix = text_of(metadata, "generateName");
  if (!prefix.empty()) {
    add_problems(errors, path.child("generateName"), prefix, check_name(rules.name, prefix, true));
  }
  const std::string_view name = text_of(metadata, "name");
  if (name.empty()) {
    errors.push_back(FieldError::required(path.child("name"), "name or generateName is required"));
  } else {
    add_problems(errors, path.child("name"), name, check_name(rules.name, name));
  }
  const std::string_view ns = text_of(metadata, "namespace");
  const FieldPath ns_path = path.child("namespace");
  if (rules.namespaced && ns.empty()) {
    errors.push_back(FieldError::required(ns_path));
  } else if (rules.namespaced) {
    add_problems(errors, ns_path, ns, check_dns1123_label(ns));
  } else if (!ns.empty()) {
    errors.push_back(FieldError::forbidden(ns_path, "not allowed on this type"));
  }
}

void check_labels(FieldErrors& errors, const json::Value& metadata, const FieldPath& path) {
  for (const json::Member* label : sorted_entries(metadata, "labels")) {
    add_problems(errors, path, label->key(), check_qualified_name(label->key()));
    if (!label->value().is_string()) continue;
    const std::string_view value = label->value().as_string();
    add_problems(errors, path, value, check_label_value(value));
  }
}

void check_annotations(FieldErrors& errors, const json::Value& metadata, const FieldPath& path) {
  std::size_t bytes = 0;
  for (const json::Member* annotation : sorted_entries(metadata, "annotations")) {
    const std::string_view key = annotation->key();
    add_problems(errors, path, key, check_qualified_name(to_lower(key)));
    bytes += key.size() + (annotation->value().is_string() ? annotation->value().as_string().size() : 0);
  }
  if (bytes > kMaxAnnotationBytes) errors.push_back(FieldError::too_long(path, kMaxAnnotationBytes));
}

/// An owner reference as Go prints it: its fields in their own order.
json::Value go_owner(const json::Value& owner) {
  json::Value out = json::Value::empty_object();
  for (const std::string_view key : {"apiVersion", "kind", "name", "uid"}) out.set(key, text_of(owner, key));
  for (const std::string_view key : {"controller", "blockOwnerDeletion"}) {
    if (const auto flag = owner.find_bool(key)) out.set(key, *flag);
  }
  return out;
}

void check_owner(FieldErrors& errors, const json::Value& owner, const FieldPath& path) {
  const std::string_view api_version = text_of(owner, "apiVersion");
  const auto slashes = std::count(api_version.begin(), api_version.end(), '/');
  const std::size_t slash = api_version.find('/');
  const std::string_view version =
      slashes > 1 ? "" : api_version.substr(slash == std::string_view::npos ? 0 : slash + 1);
  if (version.empty()) {
    errors.push_back(FieldError::invalid(path.child("apiVersion"), api_version, "version must not be empty"));
  }
  for (const std::string_view key : {"kind", "name", "uid"}) {
    if (!text_of(owner, key).empty()) continue;
    // A UID is a type of its own in Go and so printed as JSON, which is the same for "".
    errors.push_back(FieldError::invalid(path.child(key), "", "must not be empty"));
  }
  if (api_version == "v1" && text_of(owner, "kind") == "Event") {
    errors.push_back(FieldError::invalid_text(path, json::print(go_owner(owner)),
                                              "/v1, Kind=Event is disallowed from being an owner"));
  }
}

void check_owners(FieldErrors& errors, const json::Value& metadata, const FieldPath& path) {
  const json::Value* owners = metadata.find_array("ownerReferences");
  if (owners == nullptr) return;
  std::string controller;
  json::Value all = json::Value::empty_array();
  for (const json::Value& owner : owners->elements()) all.push_back(go_owner(owner));
  for (const json::Value& owner : owners->elements()) {
    check_owner(errors, owner, path);
    if (!owner.find_bool("controller").value_or(false)) continue;
    const std::string name = std::string(text_of(owner, "kind")) + "/" + std::string(text_of(owner, "name"));
    if (controller.empty()) {
      controller = name;
    } else {
      errors.push_back(FieldError::invalid_text(
          path, json::print(all),
          "Only one reference can have Controller set to true. Found \"true\" in references for " +
              controller + " and " + name));
    }
  }
}

void check_finalizers(FieldErrors& errors, const json::Value& metadata, const FieldPath& path) {
  const std::vector<std::string> finalizers = texts_of(metadata, "finalizers");
  for (const std::string& finalizer : finalizers)
    add_problems(errors, path, finalizer, check_qualified_name(finalizer));
  const auto has = [&](std::string_view name) {
    return std::find(finalizers.begin(), finalizers.end(), name) != finalizers.end();
  };
  if (has("orphan") && has("foregroundDeletion")) {
    errors.push_back(FieldError::invalid(path, *metadata.find("finalizers"),
                                         "finalizer orphan and foregroundDeletion cannot be both set"));
  }
}

void check_manager(FieldErrors& errors, std::string_view manager, const FieldPath& path) {
  if (static_cast<std::int64_t>(manager.size()) > kMaxManager) {
    errors.push_back(FieldError::too_long(path, kMaxManager));
  }
  for (std::size_t at = 0; at < manager.size();) {
    const std::string_view c = manager.substr(at, std::max<std::size_t>(utf8_length(manager.substr(at)), 1));
    if (!go_is_printable(c)) {
      errors.push_back(FieldError::invalid(
          path, manager, fmt::format("invalid character U+{:04X} (at position {})", go_code_point(c), at)));
    }
    at += c.size();
  }
}

void check_managed_fields(FieldErrors& errors, const json::Value& metadata, const FieldPath& path) {
  const json::Value* entries = metadata.find_array("managedFields");
  for (std::size_t i = 0; entries != nullptr && i < entries->size(); ++i) {
    const json::Value& entry = entries->at(i);
    const FieldPath entry_path = path.index(i);
    const std::string_view operation = text_of(entry, "operation");
    if (operation != "Apply" && operation != "Update") {
      errors.push_back(
          FieldError::invalid_json(entry_path.child("operation"), operation, "must be `Apply` or `Update`"));
    }
    const std::string_view type = text_of(entry, "fieldsType");
    if (!type.empty() && type != "FieldsV1") {
      errors.push_back(FieldError::invalid(entry_path.child("fieldsType"), type, "must be `FieldsV1`"));
    }
    check_manager(errors, text_of(entry, "manager"), entry_path.child("manager"));
    if (static_cast<std::int64_t>(text_of(entry, "subresource").size()) > kMaxSubresource) {
      errors.push_back(FieldError::too_long(entry_path.child("subresource"), kMaxSubresource));
    }
  }
}

void check_new_finalizers(FieldErrors& errors, const json::Value& metadata, const json::Value& old,
                          const FieldPath& path) {
  if (old.find_string("deletionTimestamp") == std::nullopt) return;
  std::vector<std::string> added = texts_of(metadata, "finalizers");
  const std::vector<std::string> before = texts_of(old, "finalizers");
  std::erase_if(added, [&](const std::string& each) {
    return std::find(before.begin(), before.end(), each) != before.end();
  });
  std::sort(added.begin(), added.end());
  added.erase(std::unique(added.begin(), added.end()), added.end());
  if (added.empty()) return;
  for (std::string& each : added) each = go_quote(each);
  errors.push_back(FieldError::forbidden(
      path, "no new finalizers can be added if the object is being deleted, found new finalizers []string{" +
                join(added, ", ") + "}"));
}

void check_immutable(FieldErrors& errors, const json::Value& metadata, const json::Value& old,
                     const FieldPath& path) {
  for (const std::string_view key : {"name", "namespace", "uid"}) {
    if (text_of(metadata, key) == text_of(old, key)) continue;
    const FieldPath field = path.child(key);
    errors.push_back(key == "uid"
                         ? FieldError::invalid_json(field, text_of(metadata, key), "field is immutable")
                         : FieldError::invalid(field, text_of(metadata, key), "field is immutable"));
  }
  for (const std::string_view key :
       {"creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"}) {
    const json::Value* value = metadata.find(key);
    const json::Value* before = old.find(key);
    const json::Value now = value == nullptr ? json::Value() : *value;
    if (now == (before == nullptr ? json::Value() : *before)) continue;
    errors.push_back(FieldError::invalid_json(path.child(key), now, "field is immutable"));
  }
}

}  // namespace

FieldErrors validate_object_meta(const json::Value& metadata, const ObjectMetaRules& rules,
                                 const FieldPath& path) {
  FieldErrors errors;
  check_names(errors, metadata, rules, path);
  const std::int64_t generation = metadata.find_int("generation").value_or(0);
  if (generation < 0) {
    errors.push_back(
        FieldError::invalid(path.child("generation"), generation, "must be greater than or equal to 0"));
  }
  check_labels(errors, metadata, path.child("labels"));
  check_annotations(errors, metadata, path.child("annotations"));
  check_owners(errors, metadata, path.child("ownerReferences"));
  check_finalizers(errors, metadata, path.child("finalizers"));
  check_managed_fields(errors, metadata, path.child("managedFields"));
  return errors;
}

FieldErrors validate_object_meta_update(const json::Value& metadata, const json::Value& old,
                                        const FieldPath& path) {
  FieldErrors errors;
  check_new_finalizers(errors, metadata, old, path.child("finalizers"));
  if (text_of(metadata, "resourceVersion").empty()) {
    errors.push_back(
        FieldError::invalid(path.child("resourceVersion"), "", "must be specified for an update"));
  }
  const std::int64_t generation = metadata.find_int("generation").value_or(0);
  if (generation < old.find_int("generation").value_or(0)) {
    errors.push_back(FieldError::invalid(path.child("generation"), generation, "must not be decremented"));
  }
  check_immutable(errors, metadata, old, path);
  check_labels(errors, metadata, path.child("labels"));
  check_annotations(errors, metadata, path.child("annotations"));
  check_owners(errors, metadata, path.child("ownerReferences"));
  check_managed_fields(errors, metadata, path.child("managedFields"));
  return errors;
}

}  // namespace klutch::apiserver

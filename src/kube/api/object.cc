// SPDX-License-Identifier: Apache-2.0
#include "kube/api/object.h"

#include <algorithm>

#include "base/strings.h"
#include "base/time.h"
#include "json/build.h"

namespace klutch::kube {
namespace {

const json::Value& nothing_there() {
  static const json::Value kEmpty = json::Value::empty_object();
  return kEmpty;
}

const json::Value& member_object(const json::Value& object, std::string_view key) noexcept {
  const auto* found = object.find_object(key);
  return found != nullptr ? *found : nothing_there();
}

/// The member as an object; anything else in its place is replaced.
json::Value& ensure_object(json::Value& object, std::string_view key) {
  if (!object.is_object()) object = json::Value::empty_object();
  auto& member = object[key];
  if (!member.is_object()) member = json::Value::empty_object();
  return member;
}

const json::Value& metadata(const Object& object) noexcept {
  return member_object(object, "metadata");
}

std::string_view metadata_text(const Object& object, std::string_view key) noexcept {
  return metadata(object).find_string(key).value_or("");
}

std::optional<Time> metadata_time(const Object& object, std::string_view key) noexcept {
  const auto text = metadata(object).find_string(key);
  if (!text) return std::nullopt;
  const auto time = parse_rfc3339(*text);
  return time ? std::optional(*time) : std::nullopt;
}

/// The member of metadata called `key`, if it is of kind `kind`; for changing it.
json::Value* metadata_member(Object& object, std::string_view key, json::Kind kind) noexcept {
  auto* meta = object.find("metadata");
  auto* member = meta == nullptr ? nullptr : meta->find(key);
  return member != nullptr && member->kind() == kind ? member : nullptr;
}

bool set_entry(Object& object, std::string_view map, std::string_view key, std::string_view value) {
  auto& entries = ensure_object(ensure_object(object, "metadata"), map);
  if (entries.find_string(key) == value) return false;
  entries.set(key, value);
  return true;
}

bool remove_entry(Object& object, std::string_view map, std::string_view key) {
  auto* entries = metadata_member(object, map, json::Kind::kObject);
  if (entries == nullptr || !entries->erase(key)) return false;
  if (entries->empty()) object["metadata"].erase(map);
  return true;
}

/// Removes the elements of metadata.`list` for which `unwanted`, and the list if none is left.
template <class Predicate>
bool remove_elements(Object& object, std::string_view list, Predicate unwanted) {
  auto* elements = metadata_member(object, list, json::Kind::kArray);
  if (elements == nullptr) return false;
  const auto before = elements->size();
  for (auto i = before; i-- > 0;) {
    if (unwanted(std::as_const(*elements).at(i))) elements->take_at(i);
  }
  if (elements->size() == before) return false;
  if (elements->empty()) object["metadata"].erase(list);
  return true;
}

json::Value& ensure_array(Object& object, std::string_view key) {
  auto& list = ensure_object(object, "metadata")[key];
  if (!list.is_array()) list = json::Value::empty_array();
  return list;
}

std::string text_of(const json::Value& object, std::string_view key) {
  return std::string(object.find_string(key).value_or(""));
}

OwnerReference read_owner(const json::Value& entry) {
  return {.api_version = text_of(entry, "apiVersion"),
          .kind = text_of(entry, "kind"),
          .name = text_of(entry, "name"),
          .uid = text_of(entry, "uid"),
          .controller = entry.find_bool("controller").value_or(false),
          .block_owner_deletion = entry.find_bool("blockOwnerDeletion").value_or(false)};
}

json::Value write_owner(const Object& owner, bool controller) {
  auto entry = json::object({{"apiVersion", api_version(owner)},
                             {"kind", kind(owner)},
                             {"name", name(owner)},
                             {"uid", uid(owner)}});
  if (!controller) return entry;
  entry.set("controller", true);
  entry.set("blockOwnerDeletion", true);
  return entry;
}

Result<> check_owner(const Object& object, const Object& owner) {
  const auto describe = [&owner] { return std::string(kind(owner)) + " " + quote(key(owner).to_string()); };
  if (api_version(owner).empty() || kind(owner).empty() || name(owner).empty() || uid(owner).empty()) {
    return fail(Code::kInvalid, describe() + " cannot be an owner: it lacks apiVersion, kind, name or uid");
  }
  if (!ns(owner).empty() && ns(owner) != ns(object)) {
    return fail(Code::kInvalid, describe() + " cannot own " + quote(key(object).to_string()) +
                                    ", which is not in its namespace");
  }
  return {};
}

}  // namespace

std::string_view api_version(const Object& object) noexcept {
  return object.find_string("apiVersion").value_or("");
}
std::string_view kind(const Object& object) noexcept {
  return object.find_string("kind").value_or("");
}
std::string_view name(const Object& object) noexcept {
  return metadata_text(object, "name");
}
std::string_view ns(const Object& object) noexcept {
  return metadata_text(object, "namespace");
}
Key key(const Object& object) {
  return {std::string(ns(object)), std::string(name(object))};
}
std::string_view uid(const Object& object) noexcept {
  return metadata_text(object, "uid");
}
std::string_view resource_version(const Object& object) noexcept {
  return metadata_text(object, "resourceVersion");
}
std::int64_t generation(const Object& object) noexcept {
  return metadata(object).find_int("generation").value_or(0);
}
std::optional<Time> creation_time(const Object& object) noexcept {
  return metadata_time(object, "creationTimestamp");
}
std::optional<Time> deletion_time(const Object& object) noexcept {
  return metadata_time(object, "deletionTimestamp");
}
bool is_deleting(const Object& object) noexcept {
  const auto* time = metadata(object).find("deletionTimestamp");
  return time != nullptr && !time->is_null();
}

std::optional<std::string_view> label(const Object& object, std::string_view key) noexcept {
  return member_object(metadata(object), "labels").find_string(key);
}
std::optional<std::string_view> annotation(const Object& object, std::string_view key) noexcept {
  return member_object(metadata(object), "annotations").find_string(key);
}
bool set_label(Object& object, std::string_view key, std::string_view value) {
  return set_entry(object, "labels", key, value);
}
bool remove_label(Object& object, std::string_view key) {
  return remove_entry(object, "labels", key);
}
bool set_annotation(Object& object, std::string_view key, std::string_view value) {
  return set_entry(object, "annotations", key, value);
}
bool remove_annotation(Object& object, std::string_view key) {
  return remove_entry(object, "annotations", key);
}

bool has_finalizer(const Object& object, std::string_view finalizer) noexcept {
  const auto* list = metadata(object).find_array("finalizers");
  if (list == nullptr) return false;
  const auto elements = list->elements();
  return std::any_of(elements.begin(), elements.end(), [finalizer](const json::Value& entry) {
    return entry.is_string() && entry.as_string() == finalizer;
  });
}
bool add_finalizer(Object& object, std::string_view finalizer) {
  if (has_finalizer(object, finalizer)) return false;
  ensure_array(object, "finalizers").push_back(finalizer);
  return true;
}
bool remove_finalizer(Object& object, std::string_view finalizer) {
  return remove_elements(object, "finalizers", [finalizer](const json::Value& entry) {
    return entry.is_string() && entry.as_string() == finalizer;
  });
}

std::vector<OwnerReference> owner_references(const Object& object) {
  std::vector<OwnerReference> owners;
  const auto* list = metadata(object).find_array("ownerReferences");
  if (list == nullptr) return owners;
  for (const auto& entry : list->elements()) {
    if (entry.is_object()) owners.push_back(read_owner(entry));
  }
  return owners;
}

std::optional<OwnerReference> controller_of(const Object& object) {
  for (auto& owner : owner_references(object)) {
    if (owner.controller) return std::move(owner);
  }
  return std::nullopt;
}

Result<bool> set_owner(Object& object, const Object& owner, bool controller) {
  TRY(check_owner(object, owner));
  if (const auto other = controller_of(object); controller && other && other->uid != uid(owner)) {
    return fail(Code::kAlreadyExists, quote(key(object).to_string()) + " already has the controller " +
                                          other->kind + " " + quote(other->name) + " (uid " + other->uid +
                                          ")");
  }
  auto entry = write_owner(owner, controller);
  auto& list = ensure_array(object, "ownerReferences");
  for (auto& known : list.elements()) {
    if (known.find_string("uid") != uid(owner)) continue;
    if (known.is_object() && read_owner(known) == read_owner(entry)) return false;
    known = std::move(entry);
    return true;
  }
  list.push_back(std::move(entry));
  return true;
}

bool remove_owner(Object& object, std::string_view owner_uid) {
  return remove_elements(object, "ownerReferences", [owner_uid](const json::Value& entry) {
    return entry.find_string("uid") == owner_uid;
  });
}

const json::Value& Resource::spec() const noexcept {
  return member_object(object_, "spec");
}
json::Value& Resource::spec() {
  return ensure_object(object_, "spec");
}
const json::Value& Resource::status() const noexcept {
  return member_object(object_, "status");
}
json::Value& Resource::status() {
  return ensure_object(object_, "status");
}

Object Resource::blank(const ResourceType& type, const Key& key) {
  auto metadata = json::object({{"name", key.name}});
  if (type.namespaced && !key.ns.empty()) metadata.set("namespace", key.ns);
  return json::object(
      {{"apiVersion", type.api_version()}, {"kind", type.kind}, {"metadata", std::move(metadata)}});
}

}  // namespace klutch::kube

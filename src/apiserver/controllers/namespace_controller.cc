// SPDX-License-Identifier: Apache-2.0
#include "apiserver/controllers/namespace_controller.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/time.h"
#include "json/build.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kNamespaces = "namespaces";
/// How long a namespace that waits for others is left alone.
constexpr Duration kPatience = std::chrono::seconds(15);

/// What is still in a namespace.
struct Remains {
  std::map<std::string, std::size_t> objects = {};     // by "configmaps." or "widgets.ex.io"
  std::map<std::string, std::size_t> finalizers = {};  // by their name
};

std::string dotted(const ServedResource& resource) {
  const auto& type = resource.description.type;
  return type.resource + "." + type.group;
}

/// The types of which there is something in `ns`.
std::vector<ServedPtr> types_in(const ControllerAccess& access, std::string_view ns) {
  std::vector<ServedPtr> found;
  for (const auto& type : access.storage().types()) {
    auto resource = access.registry().find_stored(type);
    if (resource == nullptr || !resource->description.type.namespaced) continue;
    if (access.storage().count(type, ns) != 0) found.push_back(std::move(resource));
  }
  return found;
}

Remains remains_of(const ControllerAccess& access, std::string_view ns) {
  Remains remains;
  for (const auto& resource : types_in(access, ns)) {
    const auto page = access.storage().list(resource->storage_type, {.ns = std::string(ns)});
    if (!page) continue;
    remains.objects[dotted(*resource)] += page->objects.size();
    for (const auto& stored : page->objects) {
      const json::Value object = stored->to_value();
      const auto* metadata = object.find("metadata");
      const auto* finalizers = metadata == nullptr ? nullptr : metadata->find_array("finalizers");
      if (finalizers == nullptr) continue;
      for (const auto& finalizer : finalizers->elements()) {
        if (finalizer.is_string()) ++remains.finalizers[std::string(finalizer.as_string())];
      }
    }
  }
  return remains;
}

struct ConditionText {
  std::string_view type;
  bool status;
  std::string_view reason;
  std::string message;
};

std::vector<ConditionText> conditions_of(const Remains& remains) {
  std::vector<std::string> objects;
  for (const auto& [type, count] : remains.objects) {
    objects.push_back(fmt::format("{} has {} resource instances", type, count));
  }
  std::vector<std::string> finalizers;
  for (const auto& [name, count] : remains.finalizers) {
    finalizers.push_back(fmt::format("{} in {} resource instances", name, count));
  }
  return {{"NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered",
           "All resources successfully discovered"},
          {"NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions",
           "All legacy kube types successfully parsed"},
          {"NamespaceDeletionContentFailure", false, "ContentDeleted",
           "All content successfully deleted, may be waiting on finalization"},
          {"NamespaceContentRemaining", !objects.empty(),
           objects.empty() ? "ContentRemoved" : "SomeResourcesRemain",
           objects.empty() ? "All content successfully removed"
                           : fmt::format("Some resources are remaining: {}", fmt::join(objects, ", "))},
          {"NamespaceFinalizersRemaining", !finalizers.empty(),
           finalizers.empty() ? "ContentHasNoFinalizers" : "SomeFinalizersRemain",
           finalizers.empty() ? "All content-preserving finalizers finished"
                              : fmt::format("Some content in the namespace has finalizers remaining: {}",
                                            fmt::join(finalizers, ", "))}};
}

/// Puts `texts` into status.conditions; true if that changed anything.
bool set_conditions(json::Value& object, const std::vector<ConditionText>& texts, Time now) {
  json::Value& status = object["status"];
  if (!status.is_object()) status = json::Value::empty_object();
  json::Value& list = status["conditions"];
  if (!list.is_array()) list = json::Value::empty_array();
  bool changed = false;
  for (const auto& text : texts) {
    json::Value* place = nullptr;
    for (auto& each : list.elements()) {
      if (each.find_string("type") == text.type) place = &each;
    }
    const std::string_view wanted = text.status ? "True" : "False";
    if (place != nullptr && place->find_string("status") == wanted &&
        place->find_string("message") == text.message) {
      continue;
    }
    changed = true;
    if (place == nullptr) place = &list.push_back(json::Value::empty_object());
    if (place->find_string("status") != wanted) place->set("lastTransitionTime", format_rfc3339(now));
    place->set("type", text.type);
    place->set("status", wanted);
    place->set("reason", text.reason);
    place->set("message", text.message);
  }
  return changed;
}

}  // namespace

void NamespaceController::begin(const ControllerAccess& access, const Enqueue& enqueue) {
  for (const auto& object : access.list(kNamespaces)) {
    if (!kube::is_deleting(object)) continue;
    ending_.emplace(kube::name(object));
    enqueue(std::string(kube::name(object)));
  }
}

void NamespaceController::observe(std::string_view type, const StoreEvent& event, const Enqueue& enqueue) {
  const auto& key = event.after->key();
  if (type != kNamespaces) {
    if (event.deleted && ending_.contains(key.ns)) enqueue(key.ns);
    return;
  }
  if (event.deleted) {
    ending_.erase(key.name);
  } else if (event.after->bytes().find("\"deletionTimestamp\"") != std::string_view::npos) {
    ending_.insert(key.name);
    enqueue(key.name);
  }
}

Result<std::optional<Duration>> NamespaceController::reconcile(Ctx& ctx, ControllerAccess& access,
                                                               const std::string& key) {
  auto object = access.get(kNamespaces, {"", key});
  if (!object || !kube::is_deleting(*object)) return kUntilChange;
  for (const auto& resource : types_in(access, key)) TRY(access.remove_all(ctx, resource->storage_type, key));
  const auto remains = remains_of(access, key);
  if (set_conditions(*object, conditions_of(remains), access.clock().now())) {
    *object = TRY(access.update(ctx, kNamespaces, *object, "status")).object;
  }
  if (!remains.objects.empty()) return kPatience;
  json::Value finished = *std::move(object);
  const auto* spec = finished.find("spec");
  const auto* finalizers = spec == nullptr ? nullptr : spec->find_array("finalizers");
  if (finalizers == nullptr || finalizers->empty()) return kUntilChange;  // others' finalizers keep it
  finished["spec"].set("finalizers", json::Value::empty_array());
  TRY(access.update(ctx, kNamespaces, std::move(finished), "finalize"));
  return kUntilChange;
}

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#include "apiserver/controllers/definition_controller.h"

#include <algorithm>
#include <utility>

#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

std::string_view group_of(std::string_view definition_name) {
  const auto dot = definition_name.find('.');
  return dot == std::string_view::npos ? std::string_view() : definition_name.substr(dot + 1);
}

bool is_same(const UsedNames& a, const UsedNames& b) {
  return a.resources == b.resources && a.kinds == b.kinds;
}

bool has_its_names(const json::Value& definition) {
  const auto* status = definition.find_object("status");
  const auto* conditions = status == nullptr ? nullptr : status->find_array("conditions");
  if (conditions == nullptr) return false;
  return std::ranges::any_of(conditions->elements(), [](const json::Value& condition) {
    return condition.find_string("type") == "NamesAccepted" && condition.find_string("status") == "True";
  });
}

void add_all(UsedNames& names, const UsedNames& more) {
  names.resources.insert(more.resources.begin(), more.resources.end());
  names.kinds.insert(more.kinds.begin(), more.kinds.end());
}

void add_builtin(UsedNames& names, const ResourceDescription& description) {
  names.resources.insert(description.type.resource);
  names.resources.insert(description.singular);
  names.resources.insert(description.short_names.begin(), description.short_names.end());
  names.kinds.insert(description.type.kind);
  names.kinds.insert(description.list_kind);
}

}  // namespace

void DefinitionController::enqueue_waiting(std::string_view definition_name, const Enqueue& enqueue) const {
  for (const auto& other : waiting_) {
    if (group_of(other) == group_of(definition_name)) enqueue(other);
  }
}

void DefinitionController::note(const json::Value& definition, const Enqueue& enqueue) {
  const std::string changed(kube::name(definition));
  if (kube::is_deleting(definition)) ending_.insert(changed);
  if (has_its_names(definition)) {
    waiting_.erase(changed);
  } else {
    waiting_.insert(changed);
  }
  UsedNames names;
  names.add(definition);
  const auto [known, added] = names_.try_emplace(changed);
  enqueue(changed);
  if (is_same(known->second, names)) return;
  known->second = std::move(names);
  enqueue_waiting(changed, enqueue);
}

void DefinitionController::begin(const ControllerAccess& access, const Enqueue& enqueue) {
  for (const auto& definition : access.list(kDefinitionsType)) note(definition, enqueue);
}

void DefinitionController::observe(std::string_view type, const StoreEvent& event, const Enqueue& enqueue) {
  if (type != kDefinitionsType) {
    if (event.deleted && !ending_.empty() && ending_.contains(type)) enqueue(std::string(type));
    return;
  }
  if (!event.deleted) {
    note(event.after->to_value(), enqueue);
    return;
  }
  // Names that are free again may let another definition in.
  const std::string& gone = event.after->key().name;
  names_.erase(gone);
  ending_.erase(gone);
  waiting_.erase(gone);
  enqueue_waiting(gone, enqueue);
}

Result<std::optional<Duration>> DefinitionController::reconcile(Ctx& ctx, ControllerAccess& access,
                                                                const std::string& key) {
  auto definition = access.get(kDefinitionsType, {"", key});
  if (!definition) return kUntilChange;
  if (kube::is_deleting(*definition)) return finalize(ctx, access, *std::move(definition));
  return establish(ctx, access, *definition);
}

UsedNames DefinitionController::used_by_others(ControllerAccess& access,
                                               const json::Value& definition) const {
  const auto own = kube::name(definition);
  UsedNames used;
  for (const auto& [other, names] : names_) {
    if (other != own && group_of(other) == group_of(own)) add_all(used, names);
  }
  for (const auto& group : access.registry().groups()) {
    if (group.name != group_of(own)) continue;
    for (const auto& version : group.versions) {
      for (const auto& served : version.resources) {
        if (!served->description.custom) add_builtin(used, served->description);
      }
    }
  }
  return used;
}

Result<std::optional<Duration>> DefinitionController::establish(Ctx& ctx, ControllerAccess& access,
                                                                const json::Value& definition) {
  json::Value updated = definition;
  updated.set("status", definition_status(definition, used_by_others(access, definition), schemas_,
                                          access.clock().now()));
  if (updated == definition) return kUntilChange;
  TRY(access.update(ctx, kDefinitionsType, std::move(updated), "status"));
  return kUntilChange;
}

Result<std::optional<Duration>> DefinitionController::finalize(Ctx& ctx, ControllerAccess& access,
                                                               json::Value definition) {
  if (!kube::has_finalizer(definition, kCleanupFinalizer)) return kUntilChange;
  const std::string type(kube::name(definition));
  if (access.registry().find_stored(type) != nullptr) TRY(access.remove_all(ctx, type));
  // Those with finalizers of their own keep the definition until they are gone.
  const bool empty = access.storage().count(type) == 0;
  json::Value marked = definition;
  set_terminating(marked, empty ? Removal::kCompleted : Removal::kInProgress, access.clock().now());
  if (!(marked == definition)) {
    definition = TRY(access.update(ctx, kDefinitionsType, std::move(marked), "status")).object;
  }
  if (!empty) return kUntilChange;
  kube::remove_finalizer(definition, kCleanupFinalizer);
  TRY(access.update(ctx, kDefinitionsType, std::move(definition)));
  return kUntilChange;
}

}  // namespace klutch::apiserver

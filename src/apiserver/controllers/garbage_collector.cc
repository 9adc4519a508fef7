// SPDX-License-Identifier: Apache-2.0
#include "apiserver/controllers/garbage_collector.h"

#include <algorithm>
#include <utility>

#include "json/build.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kOrphan = "orphan";
constexpr std::string_view kForeground = "foregroundDeletion";
/// After which an owner of an unknown kind is looked up again: its definition may come.
constexpr Duration kUnknownRetry = std::chrono::seconds(30);

bool mentions(const StoredObject& stored, std::string_view quoted_name) {
  return stored.bytes().find(quoted_name) != std::string_view::npos;
}

std::vector<std::string> owner_uids(const json::Value& object) {
  std::vector<std::string> uids;
  for (auto& owner : kube::owner_references(object)) uids.push_back(std::move(owner.uid));
  return uids;
}

/// Without its references to the owners in `uids`, unless it changed meanwhile.
Result<> drop_owners(Ctx& ctx, ControllerAccess& access, const std::string& type, json::Value object,
                     const std::vector<std::string>& uids) {
  bool changed = false;
  for (const auto& uid : uids) changed = kube::remove_owner(object, uid) || changed;
  if (!changed) return {};
  TRY(access.update(ctx, type, std::move(object)));
  return {};
}

Result<> drop_finalizer(Ctx& ctx, ControllerAccess& access, const std::string& type, json::Value object,
                        std::string_view finalizer) {
  if (!kube::remove_finalizer(object, finalizer)) return {};
  TRY(access.update(ctx, type, std::move(object)));
  return {};
}

Result<> ignore_missing(const Result<WriteOutcome>& outcome) {
  if (outcome || is(outcome.error(), Code::kNotFound)) return {};
  return fail(outcome.error());
}

DeleteOptions exactly(const json::Value& object, DeleteOptions::Propagation propagation) {
  return {.propagation = propagation,
          .uid = std::string(kube::uid(object)),
          .resource_version = std::string(kube::resource_version(object))};
}

}  // namespace

std::string GarbageCollector::to_key(const Place& place) {
  return place.type + ' ' + (place.key.ns.empty() ? "-" : place.key.ns) + ' ' + place.key.name;
}

GarbageCollector::Place GarbageCollector::from_key(const std::string& key) {
  const auto first = key.find(' ');
  const auto second = key.find(' ', first + 1);
  const std::string ns = key.substr(first + 1, second - first - 1);
  return {key.substr(0, first), {ns == "-" ? "" : ns, key.substr(second + 1)}};
}

void GarbageCollector::note(const Place& place, std::vector<std::string> owners) {
  if (const auto found = owners_.find(place); found != owners_.end()) {
    for (const auto& uid : found->second) {
      const auto set = dependents_.find(uid);
      if (set == dependents_.end()) continue;
      set->second.erase(place);
      if (set->second.empty()) dependents_.erase(set);
    }
    owners_.erase(found);
  }
  if (owners.empty()) return;
  for (const auto& uid : owners) dependents_[uid].insert(place);
  owners_.emplace(place, std::move(owners));
}

std::vector<GarbageCollector::Place> GarbageCollector::dependents_of(std::string_view uid) const {
  const auto found = dependents_.find(uid);
  if (found == dependents_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

void GarbageCollector::begin(const ControllerAccess& access, const Enqueue& enqueue) {
  for (const auto& type : access.storage().types()) {
    const auto page = access.storage().list(type, {});
    if (!page) continue;
    for (const auto& stored : page->objects) {
      observe(type, StoreEvent{.revision = stored->revision(), .after = stored}, enqueue);
    }
  }
}

void GarbageCollector::observe(std::string_view type, const StoreEvent& event, const Enqueue& enqueue) {
  const StoredObject& after = *event.after;
  const Place place{std::string(type), after.key()};
  const bool owned = mentions(after, "\"ownerReferences\"");
  const bool ending = mentions(after, "\"deletionTimestamp\"");
  // An owner that is deleted in the foreground waits for what depends on it.
  if (const auto known = owners_.find(place); known != owners_.end()) {
    for (const auto& uid : known->second) {
      if (const auto owner = waiting_.find(uid); owner != waiting_.end()) enqueue(to_key(owner->second));
    }
  }
  if (event.deleted) {
    note(place, {});
    if (dependents_.empty() && waiting_.empty()) return;
    const json::Value object = after.to_value();
    waiting_.erase(std::string(kube::uid(object)));
    for (const auto& dependent : dependents_of(kube::uid(object))) enqueue(to_key(dependent));
    return;
  }
  if (owned) {
    auto owners = owner_uids(after.to_value());
    const auto known = owners_.find(place);
    const bool same = known != owners_.end() && known->second == owners;
    if (!same) {
      note(place, std::move(owners));
      enqueue(to_key(place));
    }
  } else if (owners_.contains(place)) {
    note(place, {});
  }
  if (ending) enqueue(to_key(place));
}

GarbageCollector::OwnerState GarbageCollector::state_of(const ControllerAccess& access,
                                                        const kube::OwnerReference& owner,
                                                        const std::string& ns) {
  const auto resource = access.registry().find_kind(owner.api_version, owner.kind);
  if (resource == nullptr) return OwnerState::kUnknown;
  const bool namespaced = resource->description.type.namespaced;
  // An owner in a namespace cannot own what is in none: nothing is decided by such a reference.
  if (namespaced && ns.empty()) return OwnerState::kSolid;
  const auto object = access.get(resource->storage_type, {namespaced ? ns : "", owner.name});
  if (!object || kube::uid(*object) != owner.uid) return OwnerState::kGone;
  const bool waiting = kube::is_deleting(*object) && kube::has_finalizer(*object, kForeground);
  return waiting ? OwnerState::kWaiting : OwnerState::kSolid;
}

Result<> GarbageCollector::orphan(Ctx& ctx, ControllerAccess& access, const Place& place,
                                  const json::Value& object) {
  const std::string uid(kube::uid(object));
  for (const auto& dependent : dependents_of(uid)) {
    if (auto found = access.get(dependent.type, dependent.key)) {
      TRY(drop_owners(ctx, access, dependent.type, *std::move(found), {uid}));
    }
  }
  return drop_finalizer(ctx, access, place.type, object, kOrphan);
}

/// True when none is left that blocks the owner.
Result<bool> GarbageCollector::delete_dependents(Ctx& ctx, ControllerAccess& access,
                                                 const json::Value& object) {
  bool blocked = false;
  const std::string uid(kube::uid(object));
  for (const auto& dependent : dependents_of(uid)) {
    const auto found = access.get(dependent.type, dependent.key);
    if (!found) continue;
    const auto owners = kube::owner_references(*found);
    blocked = blocked || std::ranges::any_of(owners, [&](const auto& owner) {
                return owner.uid == uid && owner.block_owner_deletion;
              });
    if (!kube::is_deleting(*found)) TRY(collect(ctx, access, dependent, *found));
  }
  if (!blocked) return true;
  // What went at once does not block any more.
  return std::ranges::none_of(dependents_of(uid), [&](const Place& dependent) {
    const auto found = access.get(dependent.type, dependent.key);
    return found && std::ranges::any_of(kube::owner_references(*found), [&](const auto& owner) {
             return owner.uid == uid && owner.block_owner_deletion;
           });
  });
}

Result<std::optional<Duration>> GarbageCollector::collect(Ctx& ctx, ControllerAccess& access,
                                                          const Place& place, const json::Value& object) {
  std::vector<std::string> dangling;
  bool waiting = false;
  for (const auto& owner : kube::owner_references(object)) {
    switch (state_of(access, owner, place.key.ns)) {
      case OwnerState::kUnknown: return std::optional<Duration>(kUnknownRetry);
      case OwnerState::kGone: dangling.push_back(owner.uid); break;
      case OwnerState::kWaiting:
        waiting = true;
        dangling.push_back(owner.uid);
        break;
      case OwnerState::kSolid: break;
    }
  }
  const auto owners = kube::owner_references(object).size();
  if (dangling.empty()) return kUntilChange;
  if (dangling.size() < owners) {
    TRY(drop_owners(ctx, access, place.type, object, dangling));
    return kUntilChange;
  }
  auto propagation = DeleteOptions::Propagation::kBackground;
  if (kube::has_finalizer(object, kOrphan)) {
    propagation = DeleteOptions::Propagation::kOrphan;
  } else if (kube::has_finalizer(object, kForeground) ||
             (waiting && dependents_.contains(kube::uid(object)))) {
    propagation = DeleteOptions::Propagation::kForeground;
  }
  TRY(ignore_missing(access.remove(ctx, place.type, place.key, exactly(object, propagation))));
  return kUntilChange;
}

Result<std::optional<Duration>> GarbageCollector::reconcile(Ctx& ctx, ControllerAccess& access,
                                                            const std::string& key) {
  const Place place = from_key(key);
  const auto object = access.get(place.type, place.key);
  if (!object) return kUntilChange;
  if (kube::is_deleting(*object)) {
    if (kube::has_finalizer(*object, kOrphan)) {
      TRY(orphan(ctx, access, place, *object));
    } else if (kube::has_finalizer(*object, kForeground)) {
      waiting_[std::string(kube::uid(*object))] = place;
      if (TRY(delete_dependents(ctx, access, *object))) {
        TRY(drop_finalizer(ctx, access, place.type, *object, kForeground));
      }
    }
    return kUntilChange;
  }
  return collect(ctx, access, place, *object);
}

}  // namespace klutch::apiserver

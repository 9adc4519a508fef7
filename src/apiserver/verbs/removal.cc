// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <utility>

#include "apiserver/verbs/api_errors.h"
#include "apiserver/verbs/change.h"
#include "apiserver/verbs/verbs.h"
#include "base/time.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kOrphanFinalizer = "orphan";
constexpr std::string_view kForegroundFinalizer = "foregroundDeletion";

Result<> check_preconditions(const ServedResource& resource, const json::Value& object,
                             const DeleteOptions& options) {
  const auto group_resource = resource.description.type.group_resource();
  const auto name = kube::name(object);
  if (options.uid && *options.uid != kube::uid(object)) {
    return fail(object_conflict(
        group_resource, name,
        fmt::format(
            "the UID in the precondition ({}) does not match the UID in record ({}). The object might "
            "have been deleted and then recreated",
            *options.uid, kube::uid(object))));
  }
  if (options.resource_version && *options.resource_version != kube::resource_version(object)) {
    return fail(object_conflict(
        group_resource, name,
        fmt::format(
            "the ResourceVersion in the precondition ({}) does not match the ResourceVersion in record "
            "({}). The object might have been modified",
            *options.resource_version, kube::resource_version(object))));
  }
  return {};
}

void set_propagation(json::Value& object, DeleteOptions::Propagation propagation) {
  using Propagation = DeleteOptions::Propagation;
  if (propagation == Propagation::kDefault) return;
  if (propagation != Propagation::kOrphan) kube::remove_finalizer(object, kOrphanFinalizer);
  if (propagation != Propagation::kForeground) kube::remove_finalizer(object, kForegroundFinalizer);
  if (propagation == Propagation::kOrphan) kube::add_finalizer(object, kOrphanFinalizer);
  if (propagation == Propagation::kForeground) kube::add_finalizer(object, kForegroundFinalizer);
}

void mark_deleted(json::Value& object, Time now) {
  json::Value& metadata = metadata_of(object);
  metadata.set("deletionTimestamp", format_rfc3339(now));
  metadata.set("deletionGracePeriodSeconds", 0);
  if (const auto generation = kube::generation(object); generation > 0) {
    metadata.set("generation", generation + 1);
  }
}

/// The object that stays until its finalizers are gone; nothing: it can go at once.
std::optional<json::Value> marked(const ServedResource& resource, const json::Value& live,
                                  const DeleteOptions& options, Time now) {
  json::Value object = live;
  set_propagation(object, options.propagation);
  if (!kube::is_deleting(live)) {
    mark_deleted(object, now);
    resource.behavior->begin_delete(object, now);
  }
  if (may_go(resource, object)) return std::nullopt;
  return object;
}

}  // namespace

Result<WriteOutcome> Verbs::remove(Ctx& ctx, const ServedPtr& resource, const kube::Key& key,
                                   const User& user, const DeleteOptions& options) {
  const WriteOptions write = {.dry_run = options.dry_run};
  const Time now = clock().now();
  const Change change(*resource, key, user, write, options_.admission, now);
  WriteOutcome outcome;
  const auto decide = [&](const StoredObject* latest, Revision next) -> Result<Decision> {
    if (latest == nullptr) {
      return fail(object_not_found(resource->description.type.group_resource(), key.name));
    }
    outcome.object = served_value(*resource, *latest);
    TRY(check_preconditions(*resource, outcome.object, options));
    TRY(change.admit(Admission::Change::Operation::kDelete, nullptr, &outcome.object));
    TRY(resource->behavior->may_delete(outcome.object));
    auto staying = marked(*resource, outcome.object, options, now);
    outcome.deleted = !staying.has_value();
    if (staying && same_but_for_times(outcome.object, *staying)) return Decision::keep();
    outcome.changed = true;
    if (staying) {
      if (!options.dry_run) metadata_of(*staying).set("resourceVersion", std::to_string(next));
      outcome.object = *staying;
    }
    if (options.dry_run) return Decision::keep();
    return staying ? put_decision(*resource, outcome.object, next)
                   : remove_decision(*resource, outcome.object, next);
  };
  TRY(storage_.write(ctx, resource->storage_type, key, decide));
  return outcome;
}

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#include "apiserver/verbs/verbs.h"

#include <functional>
#include <utility>

#include "apiserver/verbs/api_errors.h"
#include "apiserver/verbs/change.h"
#include "apiserver/verbs/patching.h"
#include "base/ids.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

/// Names that are tried for metadata.generateName (KEP-4420).
constexpr int kGenerateAttempts = 8;
constexpr std::size_t kMaxGeneratedBase = 58;

/// The name that a new object gets, and whether it was made up.
Result<std::pair<std::string, bool>> choose_name(const ServedResource& resource, const json::Value& object) {
  const std::string name(kube::name(object));
  if (!name.empty()) return std::pair(name, false);
  const auto* metadata = object.find("metadata");
  const std::string base(metadata == nullptr ? "" : metadata->find_string("generateName").value_or(""));
  if (base.empty()) {
    return fail(invalid_error(
        resource.description.type.group_kind(), "",
        {FieldError::required(FieldPath("metadata").child("name"), "name or generateName is required")}));
  }
  return std::pair(base.substr(0, kMaxGeneratedBase) + random_suffix(), true);
}

Result<> check_namespace(const ServedResource& resource, std::string_view ns, json::Value& object) {
  json::Value& metadata = metadata_of(object);
  if (!resource.description.type.namespaced) {
    metadata.erase("namespace");
    return {};
  }
  const auto found = metadata.find_string("namespace").value_or("");
  if (!found.empty() && found != ns) {
    return fail(
        bad_request("the namespace of the provided object does not match the namespace sent on the request"));
  }
  metadata.set("namespace", ns);
  return {};
}

/// One write: what its decision found out.
struct Attempt {
  WriteOutcome outcome = {};

  Decision keep(json::Value object) {
    outcome.object = std::move(object);
    return Decision::keep();
  }
  Decision put(const ServedResource& resource, json::Value object, Revision revision) {
    metadata_of(object).set("resourceVersion", std::to_string(revision));
    outcome.object = object;
    outcome.changed = true;
    return put_decision(resource, std::move(object), revision);
  }
  /// The answer keeps the version that it had; watchers see that of the deletion.
  Decision remove(const ServedResource& resource, json::Value object, Revision revision) {
    outcome.object = object;
    outcome.changed = outcome.deleted = true;
    return remove_decision(resource, std::move(object), revision);
  }
};

/// Stores what finish_update() gave.
Decision decide_update(Attempt& attempt, const ServedResource& resource, const json::Value& live,
                       json::Value object, const WriteOptions& options, Revision next) {
  if (kube::is_deleting(object) && may_go(resource, object)) {
    if (options.dry_run) return attempt.keep(std::move(object));
    return attempt.remove(resource, std::move(object), next);
  }
  if (same_but_for_times(live, object)) return attempt.keep(live);
  if (options.dry_run) return attempt.keep(std::move(object));
  return attempt.put(resource, std::move(object), next);
}

Decision decide_create(Attempt& attempt, const ServedResource& resource, json::Value object,
                       const WriteOptions& options, Revision next) {
  attempt.outcome.created = true;
  if (options.dry_run) return attempt.keep(std::move(object));
  return attempt.put(resource, std::move(object), next);
}

}  // namespace

json::Value served_value(const ServedResource& resource, const StoredObject& stored) {
  json::Value object = stored.to_value();
  if (!resource.behavior->serves_as_stored(stored)) resource.behavior->from_stored(object);
  return object;
}

Result<WriteOutcome> Verbs::create(Ctx& ctx, const ServedPtr& resource, std::string_view ns,
                                   json::Value object, const User& user, const WriteOptions& options) {
  const kube::Key no_key = {std::string(ns), ""};
  const Change reading(*resource, no_key, user, options, options_.admission, clock().now());
  TRY(reading.check_kind(object));
  const json::Value read = TRY(reading.read(std::move(object), Change::Source::kBody));
  for (int attempts = 1;; ++attempts) {
    json::Value copy = read;
    TRY(check_namespace(*resource, ns, copy));
    const auto [name, generated] = TRY(choose_name(*resource, copy));
    const kube::Key key = {resource->description.type.namespaced ? std::string(ns) : "", name};
    const auto group_resource = resource->description.type.group_resource();
    Attempt attempt;
    const Change change(*resource, key, user, options, options_.admission, clock().now());
    const auto decide = [&](const StoredObject* latest, Revision next) -> Result<Decision> {
      auto finished = TRY(change.finish_create(std::move(copy), false));
      if (latest != nullptr) {
        auto error = object_already_exists(group_resource, name);
        if (kube::is_deleting(latest->to_value())) error = error.with_context("object is being deleted");
        return fail(std::move(error));
      }
      return decide_create(attempt, *resource, std::move(finished), options, next);
    };
    const auto written = storage_.write(ctx, resource->storage_type, key, decide);
    if (written) return std::move(attempt.outcome);
    if (!generated || attempts == kGenerateAttempts || !is(written.error(), Code::kAlreadyExists)) {
      return fail(written.error());
    }
  }
}

Result<WriteOutcome> Verbs::update(Ctx& ctx, const ServedPtr& resource, const kube::Key& key,
                                   json::Value object, const User& user, const WriteOptions& options) {
  const Change change(*resource, key, user, options, options_.admission, clock().now());
  TRY(change.check_kind(object));
  TRY(change.check_identity(object));
  json::Value read = TRY(change.read(std::move(object), Change::Source::kBody));
  Attempt attempt;
  const auto decide = [&](const StoredObject* latest, Revision next) -> Result<Decision> {
    if (latest == nullptr) {
      if (!resource->behavior->allows_create_on_update() || !options.subresource.empty()) {
        return fail(object_not_found(resource->description.type.group_resource(), key.name));
      }
      auto created = TRY(change.finish_create(std::move(read), false));
      return decide_create(attempt, *resource, std::move(created), options, next);
    }
    const json::Value live = served_value(*resource, *latest);
    auto updated = TRY(change.finish_update(live, std::move(read), false));
    return decide_update(attempt, *resource, live, std::move(updated), options, next);
  };
  TRY(storage_.write(ctx, resource->storage_type, key, decide));
  return std::move(attempt.outcome);
}

namespace {

/// What server-side apply says of a new object's identity.
Result<> check_applied(const ServedResource& resource, const kube::Key& key, const json::Value& config,
                       const json::Value* live) {
  const auto group_resource = resource.description.type.group_resource();
  const std::string uid(kube::uid(config));
  if (live == nullptr && !uid.empty()) {
    return fail(object_conflict(
        group_resource, key.name,
        "uid mismatch: the provided object specified uid " + uid + ", and no existing object was found"));
  }
  return {};
}

}  // namespace

Result<WriteOutcome> Verbs::patch(Ctx& ctx, const ServedPtr& resource, const kube::Key& key, PatchType type,
                                  json::Value patch, const User& user, const WriteOptions& options) {
  const Change change(*resource, key, user, options, options_.admission, clock().now());
  const bool applies = type == PatchType::kApply;
  if (applies) {
    TRY(change.check_kind(patch));
    // The URL has the name of what is applied.
    if (kube::name(patch).empty()) metadata_of(patch).set("name", key.name);
    TRY(change.check_identity(patch));
  }
  Attempt attempt;
  const auto decide = [&](const StoredObject* latest, Revision next) -> Result<Decision> {
    if (latest == nullptr && (!applies || !options.subresource.empty())) {
      return fail(object_not_found(resource->description.type.group_resource(), key.name));
    }
    json::Value live = latest != nullptr ? served_value(*resource, *latest) : json::Value::empty_object();
    if (applies) TRY(check_applied(*resource, key, patch, latest != nullptr ? &live : nullptr));
    json::Value result =
        applies ? TRY(change.apply(live, patch)) : TRY(patched(live, type, patch, resource->message));
    if (!applies) {
      TRY(change.check_kind(result));
      TRY(change.check_identity(result));
    }
    json::Value read = TRY(change.read(std::move(result), Change::Source::kPatch));
    if (latest == nullptr) {
      auto created = TRY(change.finish_create(std::move(read), true));
      return decide_create(attempt, *resource, std::move(created), options, next);
    }
    auto updated = TRY(change.finish_update(live, std::move(read), applies));
    return decide_update(attempt, *resource, live, std::move(updated), options, next);
  };
  TRY(storage_.write(ctx, resource->storage_type, key, decide));
  return std::move(attempt.outcome);
}

}  // namespace klutch::apiserver

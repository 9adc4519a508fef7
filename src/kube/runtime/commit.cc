// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/commit.h"

#include <utility>

#include "json/build.h"
#include "json/diff.h"
#include "json/merge_patch.h"
#include "kube/api/status.h"

namespace klutch::kube {
namespace {

constexpr const char* kStatus = "status";

Object without_status(const Object& object) {
  Object rest = object;
  if (rest.is_object()) rest.erase(kStatus);
  return rest;
}

/// `object` with its status taken from `other`.
Object with_status_of(const Object& object, const Object& other) {
  Object mixed = object;
  if (const auto* status = other.find(kStatus); status != nullptr) {
    mixed.set(kStatus, *status);
  } else {
    mixed.erase(kStatus);
  }
  return mixed;
}

/// For a change that a merge patch cannot express.
CommitPlan plan_json_patches(const Object& before, const Object& after, const CommitOptions& options) {
  CommitPlan plan;
  const auto patch = [](const Object& from, const Object& to) -> std::optional<PlannedPatch> {
    auto operations = json::diff(from, to);
    if (operations.empty()) return std::nullopt;
    return PlannedPatch{PatchType::kJson, std::move(operations)};
  };
  if (!options.status_subresource) {
    plan.main = patch(before, options.status_only ? with_status_of(before, after) : after);
    return plan;
  }
  if (!options.status_only) plan.main = patch(without_status(before), without_status(after));
  plan.status = patch(before, with_status_of(before, after));
  return plan;
}

/// Drops members that are new and empty: who only looked at a part may have added it, and servers do not keep
/// it everywhere, so that it would be written again and again.
void drop_empty_news(json::Value& patch, const json::Value* before) {
  patch.erase_if([&](const json::Member& member) {
    return member.value().is_object() && member.value().empty() &&
           (before == nullptr || !before->contains(member.key()));
  });
}

CommitPlan split_merge_patch(json::Value patch, const CommitOptions& options) {
  CommitPlan plan;
  const auto wrap = [](json::Value content) { return PlannedPatch{PatchType::kMerge, std::move(content)}; };
  auto status = patch.take(kStatus);
  if (status) {
    auto alone = json::Value::empty_object();
    alone.set(kStatus, *std::move(status));
    if (options.status_subresource) {
      plan.status = wrap(std::move(alone));
    } else if (options.status_only) {
      plan.main = wrap(std::move(alone));
    } else {
      patch.set(kStatus, *alone.take(kStatus));
    }
  }
  if (!options.status_only && !patch.empty()) plan.main = wrap(std::move(patch));
  return plan;
}

/// Makes the server refuse the patch unless the object is still the one it was made for.
json::Value with_preconditions(const PlannedPatch& planned, std::string_view uid, std::string_view version) {
  json::Value patch = planned.patch;
  if (planned.type == PatchType::kJson) {
    // A failed "test" would be an invalid request; a foreign resourceVersion is a conflict.
    patch.push_back(
        json::object({{"op", "replace"}, {"path", "/metadata/resourceVersion"}, {"value", version}}));
    return patch;
  }
  auto& metadata = patch["metadata"];
  if (!uid.empty()) metadata["uid"] = uid;
  if (!version.empty()) metadata["resourceVersion"] = version;
  return patch;
}

/// Whether the server says that this object, not its type, does not exist.
bool object_is_missing(const Error& error) {
  if (!is(error, Code::kNotFound)) return false;
  const auto* status = error.detail<Status>();
  return status != nullptr && !status->name.empty();
}

}  // namespace

CommitPlan plan_commit(const Object& before, const Object& after, const CommitOptions& options) {
  auto patch = json::make_merge_patch(before, after);
  if (patch) {
    if (auto* metadata = patch->find("metadata"); metadata != nullptr && metadata->is_object()) {
      drop_empty_news(*metadata, before.find("metadata"));
      if (metadata->empty()) patch->erase("metadata");
    }
    drop_empty_news(*patch, &before);
  }
  CommitPlan plan =
      patch ? split_merge_patch(*std::move(patch), options) : plan_json_patches(before, after, options);
  if (plan.main && is_deleting(before)) {
    const auto* metadata = (options.status_only ? before : after).find_object("metadata");
    const auto* left = metadata != nullptr ? metadata->find_array("finalizers") : nullptr;
    plan.ends = left == nullptr || left->empty();
  }
  return plan;
}

Result<> commit(Ctx& ctx, Client& client, const ResourceType& type, const Object& before, const Object& after,
                const CommitOptions& options, CommitResult& sent) {
  const CommitPlan plan = plan_commit(before, after, options);
  const auto send = [&](const PlannedPatch& planned, const char* subresource,
                        std::string_view version) -> Result<> {
    ++sent.requests;
    const auto stored =
        client.patch(ctx, type, key(before), planned.type, with_preconditions(planned, uid(before), version),
                     {.field_manager = options.field_manager, .subresource = subresource});
    if (stored) {
      sent.resource_version = resource_version(*stored);
      return {};
    }
    if (!object_is_missing(stored.error())) return fail(stored.error());
    sent.gone = true;
    return {};
  };
  if (plan.main) {
    TRY(send(*plan.main, "", resource_version(before)).map_error(context("cannot store the changes")));
    if (plan.ends) sent.gone = true;
  }
  if (plan.status && !sent.gone) {
    const std::string version =
        sent.resource_version.empty() ? std::string(resource_version(before)) : sent.resource_version;
    TRY(send(*plan.status, kStatus, version).map_error(context("cannot store the status")));
  }
  if (sent.gone) sent.resource_version.clear();
  return {};
}

}  // namespace klutch::kube

// SPDX-License-Identifier: Apache-2.0
#include "apiserver/verbs/scale.h"

#include <utility>

#include "apiserver/verbs/api_errors.h"
#include "apiserver/verbs/change.h"
#include "apiserver/verbs/patching.h"
#include "apiserver/verbs/verbs.h"
#include "kube/api/object.h"
#include "kube/api/selector.h"

namespace klutch::apiserver {
namespace {

/// As kube-apiserver.
constexpr int kPatchAttempts = 5;

const json::Value* find_at(const json::Value& object, const std::vector<std::string>& path) {
  const json::Value* value = &object;
  for (const auto& name : path) {
    if (value != nullptr) value = value->find(name);
  }
  return path.empty() ? nullptr : value;
}

std::int64_t number_at(const json::Value& object, const std::vector<std::string>& path) {
  const auto* value = find_at(object, path);
  return value != nullptr && value->is_int() ? value->as_int() : 0;
}

/// A selector as its text, whether the object has it as text or as a LabelSelector.
std::string selector_text(const json::Value* selector) {
  if (selector == nullptr) return {};
  if (selector->is_string()) return std::string(selector->as_string());
  // ReplicationControllers have a plain map of labels.
  const bool plain = !selector->contains("matchLabels") && !selector->contains("matchExpressions");
  if (plain) return kube::LabelSelector::from_labels(*selector).to_string();
  const auto parsed = kube::LabelSelector::from_json(*selector);
  return parsed ? parsed->to_string() : "";
}

const kube::GroupKind& scale_kind() {
  static const kube::GroupKind kind{"autoscaling", "Scale"};
  return kind;
}

}  // namespace

json::Value scale_of(const json::Value& object, const ScalePaths& paths) {
  json::Value metadata = json::Value::empty_object();
  for (const std::string_view name : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    const auto* all = object.find("metadata");
    if (const auto* value = all == nullptr ? nullptr : all->find(name); value != nullptr) {
      metadata.set(name, *value);
    }
  }
  json::Value scale = json::Value::empty_object();
  scale.set("kind", "Scale");
  scale.set("apiVersion", "autoscaling/v1");
  scale.set("metadata", std::move(metadata));
  scale["spec"] = json::Value::empty_object();
  // Zero is left out, as Go does.
  const auto replicas = number_at(object, paths.spec_replicas);
  if (replicas != 0) scale["spec"].set("replicas", replicas);
  scale["status"] = json::Value::empty_object();
  scale["status"].set("replicas", number_at(object, paths.status_replicas));
  if (auto selector = selector_text(find_at(object, paths.label_selector)); !selector.empty()) {
    scale["status"].set("selector", selector);
  }
  return scale;
}

Result<> set_scale(json::Value& object, const json::Value& scale, const ScalePaths& paths) {
  const FieldPath path = FieldPath("spec").child("replicas");
  const auto* spec = scale.find("spec");
  const auto* replicas = spec == nullptr ? nullptr : spec->find("replicas");
  if (replicas != nullptr && !replicas->is_int()) {
    return fail(invalid_error(scale_kind(), kube::name(scale),
                              {FieldError::type_invalid(path, *replicas, "must be an integer")}));
  }
  const std::int64_t wanted = replicas == nullptr ? 0 : replicas->as_int();
  if (wanted < 0) {
    return fail(invalid_error(scale_kind(), kube::name(scale),
                              {FieldError::invalid(path, wanted, "must be greater than or equal to 0")}));
  }
  json::Value* place = &object;
  for (const auto& name : paths.spec_replicas) {
    if (!place->is_object()) *place = json::Value::empty_object();
    place = &(*place)[name];
  }
  *place = wanted;
  return {};
}

Result<json::Value> Verbs::get_scale(const ServedPtr& resource, const kube::Key& key) const {
  const auto stored = storage_.get(resource->storage_type, key);
  const auto* paths = resource->behavior->scale();
  if (stored == nullptr || paths == nullptr) {
    return fail(object_not_found(resource->description.type.group_resource(), key.name));
  }
  return scale_of(served_value(*resource, *stored), *paths);
}

Result<WriteOutcome> Verbs::update_scale(Ctx& ctx, const ServedPtr& resource, const kube::Key& key,
                                         json::Value scale, const User& user, const WriteOptions& options) {
  const auto current = TRY(get_scale(resource, key));
  const auto* paths = resource->behavior->scale();
  json::Value object = served_value(*resource, *storage_.get(resource->storage_type, key));
  TRY(set_scale(object, scale, *paths));
  json::Value& metadata = metadata_of(object);
  if (const auto version = kube::resource_version(scale); !version.empty()) {
    metadata.set("resourceVersion", version);
  } else {
    metadata.set("resourceVersion", kube::resource_version(current));
  }
  if (const auto uid = kube::uid(scale); !uid.empty()) metadata.set("uid", uid);
  WriteOptions write = options;
  write.subresource = "scale";
  auto outcome = TRY(update(ctx, resource, key, std::move(object), user, write));
  outcome.object = scale_of(outcome.object, *paths);
  return outcome;
}

Result<WriteOutcome> Verbs::patch_scale(Ctx& ctx, const ServedPtr& resource, const kube::Key& key,
                                        PatchType type, json::Value patch, const User& user,
                                        const WriteOptions& options) {
  const auto* message = BuiltinFacts::get().message_of("autoscaling/v1", "Scale");
  // An applied Scale has one field that can be owned: laying it over the present one is the same.
  const auto shape = type == PatchType::kApply ? PatchType::kMerge : type;
  const bool wants_version = !kube::resource_version(patch).empty();
  for (int attempts = 1;; ++attempts) {
    json::Value current = TRY(get_scale(resource, key));
    json::Value scale = TRY(patched(std::move(current), shape, patch, message));
    auto outcome = update_scale(ctx, resource, key, std::move(scale), user, options);
    // Somebody else's change in between is no reason to refuse a patch that does not ask for a version.
    const bool again = !outcome && is(outcome.error(), Code::kConflict) && !wants_version;
    if (!again || attempts == kPatchAttempts) return outcome;
  }
}

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#include "apiserver/verbs/change.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "apiserver/verbs/api_errors.h"
#include "base/ids.h"
#include "base/time.h"
#include "json/print.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

const json::Value& or_null(const json::Value* value) {
  static const json::Value null;
  return value != nullptr ? *value : null;
}

/// managedFields without their times.
json::Value timeless(const json::Value* entries) {
  json::Value copy = or_null(entries);
  if (!copy.is_array()) return copy;
  for (json::Value& entry : copy.elements()) {
    if (entry.is_object()) entry.erase("time");
  }
  return copy;
}

void copy_member(const json::Value& from, json::Value& to, std::string_view name) {
  if (const auto* value = from.find(name); value != nullptr) {
    to.set(name, *value);
  } else if (to.is_object()) {
    to.erase(name);
  }
}

bool is_missing(const json::Value& metadata, std::string_view name) {
  const auto* value = metadata.find(name);
  return value == nullptr || value->is_null() || (value->is_string() && value->as_string().empty());
}

}  // namespace

json::Value& metadata_of(json::Value& object) {
  json::Value& metadata = object["metadata"];
  if (!metadata.is_object()) metadata = json::Value::empty_object();
  return metadata;
}

bool differs_in_content(const json::Value& a, const json::Value& b, bool ignore_status) {
  const auto counts = [&](std::string_view name) {
    return name != "metadata" && name != "apiVersion" && name != "kind" &&
           !(ignore_status && name == "status");
  };
  for (const auto& [name, value] : a.members()) {
    if (counts(name) && !(or_null(b.find(name)) == value)) return true;
  }
  return std::ranges::any_of(
      b.members(), [&](const auto& member) { return counts(member.key()) && !a.contains(member.key()); });
}

bool same_but_for_times(const json::Value& a, const json::Value& b) {
  if (differs_in_content(a, b, false)) return false;
  const json::Value& left = or_null(a.find("metadata"));
  const json::Value& right = or_null(b.find("metadata"));
  if (left.size() != right.size()) return false;
  for (const auto& [name, value] : left.members()) {
    const auto* other = right.find(name);
    if (other == nullptr) return false;
    if (name == "managedFields" ? !(timeless(&value) == timeless(other)) : !(value == *other)) return false;
  }
  return true;
}

bool may_go(const ServedResource& resource, const json::Value& object) {
  const json::Value& finalizers = or_null(or_null(object.find("metadata")).find("finalizers"));
  return finalizers.empty() && !resource.behavior->is_held(object);
}

Decision put_decision(const ServedResource& resource, json::Value served, Revision revision) {
  metadata_of(served).set("resourceVersion", std::to_string(revision));
  resource.behavior->to_stored(served);
  json::Value labels = or_null(metadata_of(served).find("labels"));
  return Decision::put(json::print(served), std::move(labels));
}

Decision remove_decision(const ServedResource& resource, json::Value served, Revision revision) {
  Decision decision = put_decision(resource, std::move(served), revision);
  decision.kind = Decision::Kind::kDelete;
  return decision;
}

WriteIdentity Change::identity() const {
  return {.manager = options_.field_manager,
          .api_version = resource_.description.type.api_version(),
          .subresource = options_.subresource,
          .now = std::chrono::floor<std::chrono::seconds>(now_)};
}

Result<> Change::check_kind(json::Value& object) const {
  const auto& type = resource_.description.type;
  if (!object.is_object()) return fail(bad_request("the body of the request is no object"));
  const std::string wanted = type.api_version();
  const std::string version(kube::api_version(object));
  const std::string kind(kube::kind(object));
  if (!kind.empty() && kind != type.kind) {
    const auto parsed = kube::GroupVersion::parse(version.empty() ? wanted : version);
    return fail(bad_request(fmt::format("{} in version \"{}\" cannot be handled as a {}: the kinds differ",
                                        kind, parsed ? parsed->version : version, type.kind)));
  }
  if (!version.empty() && version != wanted) {
    return fail(bad_request(fmt::format(
        "the API version in the data ({}) does not match the expected API version ({})", version, wanted)));
  }
  object.set("apiVersion", wanted);
  object.set("kind", type.kind);
  return {};
}

Result<> Change::check_identity(json::Value& object) const {
  const std::string name(kube::name(object));
  const std::string ns(kube::ns(object));
  if (name.empty()) {
    return fail(bad_request(fmt::format(
        "the name of the object ({} based on URL) was undeterminable: name must be provided", key_.name)));
  }
  if (name != key_.name) {
    return fail(bad_request(
        fmt::format("the name of the object ({}) does not match the name on the URL ({})", name, key_.name)));
  }
  if (!ns.empty() && !key_.ns.empty() && ns != key_.ns) {
    return fail(bad_request(fmt::format(
        "the namespace of the object ({}) does not match the namespace on the request ({})", ns, key_.ns)));
  }
  json::Value& metadata = metadata_of(object);
  if (key_.ns.empty()) {
    metadata.erase("namespace");
  } else {
    metadata.set("namespace", key_.ns);
  }
  return {};
}

Error Change::decoding_error(Source source, const std::string& sent, const std::string& text) const {
  if (source == Source::kPatch)
    return invalid_error({}, "", {FieldError::invalid(FieldPath("patch"), sent, text)});
  const auto& type = resource_.description.type;
  return bad_request(fmt::format("{} in version \"{}\" cannot be handled as a {}: {}", type.kind,
                                 type.version, type.kind, text));
}

void Change::warn(const std::vector<std::string>& texts) const {
  if (!options_.warn) return;
  for (const auto& text : texts) options_.warn(text);
}

Result<> Change::check_fields(const std::vector<std::string>& unknown, Source source,
                              const std::string& sent) const {
  if (options_.field_validation == FieldValidation::kIgnore) return {};
  std::vector<std::string> findings;
  for (const auto& field : options_.duplicate_fields) findings.push_back("duplicate field \"" + field + '"');
  for (const auto& field : unknown) findings.push_back("unknown field \"" + field + '"');
  if (findings.empty()) return {};
  if (options_.field_validation == FieldValidation::kWarn) {
    warn(findings);
    return {};
  }
  return fail(
      decoding_error(source, sent, fmt::format("strict decoding error: {}", fmt::join(findings, ", "))));
}

Result<json::Value> Change::read(json::Value object, Source source) const {
  // What Kubernetes quotes of a patch is its result.
  const std::string sent = source == Source::kPatch ? json::print(object) : "";
  auto read = resource_.behavior->read(std::move(object));
  if (!read) {
    if (!is(read.error(), Code::kBadRequest)) return fail(std::move(read).error());
    return fail(decoding_error(source, sent, read.error().message()));
  }
  TRY(check_fields(read->unknown_fields, source, sent));
  return std::move(read->object);
}

Result<> Change::admit(Admission::Change::Operation operation, const json::Value* object,
                       const json::Value* old) const {
  const Admission::Change change{.operation = operation,
                                 .resource = resource_,
                                 .subresource = options_.subresource,
                                 .key = key_,
                                 .user = user_,
                                 .object = object,
                                 .old = old,
                                 .dry_run = options_.dry_run};
  for (const auto& admission : admission_) TRY(admission->admit(change));
  return {};
}

Result<json::Value> Change::finish_create(json::Value object, bool owned) const {
  const ResourceBehavior& behavior = *resource_.behavior;
  const std::string sent_version(kube::resource_version(object));
  json::Value& metadata = metadata_of(object);
  for (const std::string_view name :
       {"deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation", "resourceVersion"}) {
    metadata.erase(name);
  }
  metadata.set("name", key_.name);
  metadata.set("uid", new_uuid());
  metadata.set("creationTimestamp", format_rfc3339(now_));
  if (!owned) {
    track_update(behavior.blank(), object, identity(), behavior.ownership(options_.subresource));
  }
  if (behavior.has_status_subresource()) {
    if (resource_.description.custom) {
      object.erase("status");
    } else {
      object.set("status", json::Value::empty_object());
    }
  }
  if (behavior.counts_generations()) metadata_of(object).set("generation", 1);
  behavior.prepare_create(object, now_);
  TRY(admit(Admission::Change::Operation::kCreate, &object, nullptr));
  if (const auto errors = behavior.validate_create(object); !errors.empty()) {
    return fail(invalid_error(resource_.description.type.group_kind(), key_.name, errors));
  }
  if (!sent_version.empty()) {
    return fail(plain_server_error("resourceVersion should not be set on objects to be created"));
  }
  warn(behavior.warnings(object, nullptr));
  return object;
}

Result<> Change::check_version(const json::Value& live, json::Value& metadata) const {
  const auto& type = resource_.description.type;
  const std::string live_version(kube::resource_version(live));
  const std::string version(metadata.find_string("resourceVersion").value_or(""));
  const std::string uid(metadata.find_string("uid").value_or(""));
  if (!uid.empty() && uid != kube::uid(live)) {
    return fail(
        object_conflict(type.group_resource(), key_.name,
                        fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}",
                                    uid, kube::uid(live))));
  }
  if (version.empty() || version == "0") {
    if (!resource_.behavior->allows_unconditional_update()) {
      // Kubernetes names the resource here, where it names the kind elsewhere.
      return fail(invalid_error({type.group, type.resource}, key_.name,
                                {FieldError::invalid(FieldPath("metadata").child("resourceVersion"), 0,
                                                     "must be specified for an update")}));
    }
    metadata.set("resourceVersion", live_version);
    return {};
  }
  if (version != live_version) {
    return fail(object_conflict(type.group_resource(), key_.name, kModifiedMeanwhile));
  }
  return {};
}

void Change::keep_other_half(const json::Value& live, json::Value& object) const {
  if (!resource_.behavior->has_status_subresource()) return;
  if (options_.subresource.empty()) {
    copy_member(live, object, "status");
    return;
  }
  if (options_.subresource != "status") return;
  json::Value merged = live;
  copy_member(object, merged, "status");
  json::Value& metadata = metadata_of(object);
  copy_member(metadata, metadata_of(merged), "managedFields");
  copy_member(metadata, metadata_of(merged), "resourceVersion");
  object = std::move(merged);
}

void Change::count_generation(const json::Value& live, json::Value& object) const {
  json::Value& metadata = metadata_of(object);
  const auto generation = kube::generation(live);
  if (generation != 0) metadata.set("generation", generation);
  const ResourceBehavior& behavior = *resource_.behavior;
  if (!behavior.counts_generations()) {
    if (generation == 0) metadata.erase("generation");
    return;
  }
  if (options_.subresource == "status" && behavior.has_status_subresource()) return;
  const bool annotations_differ =
      behavior.generations_count_annotations() &&
      !(or_null(or_null(live.find("metadata")).find("annotations")) == or_null(metadata.find("annotations")));
  if (annotations_differ || differs_in_content(live, object, behavior.has_status_subresource())) {
    metadata.set("generation", generation + 1);
  }
}

Result<json::Value> Change::finish_update(const json::Value& live, json::Value object, bool owned) const {
  const ResourceBehavior& behavior = *resource_.behavior;
  TRY(check_version(live, metadata_of(object)));
  const json::Value& old_metadata = or_null(live.find("metadata"));
  json::Value& metadata = metadata_of(object);
  for (const std::string_view name : {"uid", "creationTimestamp"}) {
    if (is_missing(metadata, name)) copy_member(old_metadata, metadata, name);
  }
  if (kube::is_deleting(live)) copy_member(old_metadata, metadata, "deletionTimestamp");
  if (!metadata.contains("deletionGracePeriodSeconds")) {
    copy_member(old_metadata, metadata, "deletionGracePeriodSeconds");
  }
  metadata.erase("selfLink");
  if (!owned) track_update(live, object, identity(), behavior.ownership(options_.subresource));
  keep_other_half(live, object);
  behavior.prepare_update(object, live, options_.subresource, now_);
  count_generation(live, object);
  TRY(admit(Admission::Change::Operation::kUpdate, &object, &live));
  if (const auto errors = behavior.validate_update(object, live, options_.subresource); !errors.empty()) {
    return fail(invalid_error(resource_.description.type.group_kind(), key_.name, errors));
  }
  warn(behavior.warnings(object, &live));
  return object;
}

Result<json::Value> Change::apply(const json::Value& live, const json::Value& config) const {
  auto applied = apply_object(live, config, identity(), resource_.behavior->ownership(options_.subresource),
                              options_.force ? Force::kYes : Force::kNo);
  // A config that does not fit its type: Kubernetes answers 500, with a text.
  if (!applied && is(applied.error(), Code::kInternal))
    return fail(plain_server_error(applied.error().message()));
  return applied;
}

}  // namespace klutch::apiserver

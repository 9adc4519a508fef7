// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "apiserver/kinds/checks.h"
#include "apiserver/kinds/fields.h"
#include "apiserver/kinds/kind_rules.h"
#include "base/strings.h"
#include "json/build.h"
#include "json/print.h"

// Leases, nodes, volumes, classes, webhooks: kinds that are mostly only stored.

namespace klutch::apiserver {
namespace {

using json::Value;

FieldErrors validate_lease(const Value& object) {
  FieldErrors errors;
  const FieldPath path("spec");
  const auto& spec = value_at(object, {"spec"});
  const auto seconds = number_at(spec, {"leaseDurationSeconds"});
  if (has_at(spec, {"leaseDurationSeconds"}) && seconds <= 0) {
    errors.push_back(
        FieldError::invalid(path.child("leaseDurationSeconds"), seconds, "must be greater than 0"));
  }
  check_not_negative(errors, spec, path, "leaseTransitions");
  if (!text_at(spec, {"preferredHolder"}).empty() && text_at(spec, {"strategy"}).empty()) {
    errors.push_back(FieldError::forbidden(path.child("preferredHolder"),
                                           "may only be specified if `strategy` is defined"));
  }
  return errors;
}

/// Fields of an alpha feature, which is off.
void drop_lease_strategy(Value& object) {
  auto& spec = object_in(object, "spec");
  spec.erase("strategy");
  spec.erase("preferredHolder");
}

FieldErrors validate_provisioner(const Value& object) {
  const auto name = text_at(object, {"provisioner"});
  FieldErrors errors;
  if (name.empty()) {
    errors.push_back(FieldError::required(FieldPath("provisioner")));
  } else {
    add_problems(errors, FieldPath("provisioner"), name, check_qualified_name(to_lower(name)));
  }
  return errors;
}

FieldErrors validate_storage_class_change(const Value& object, const Value& old) {
  FieldErrors errors;
  for (const std::string_view name : {"parameters", "provisioner", "reclaimPolicy"}) {
    if (value_at(object, {name}) == value_at(old, {name})) continue;
    errors.push_back(FieldError::forbidden(
        FieldPath(name), name == "parameters"    ? "updates to parameters are forbidden."
                         : name == "provisioner" ? "updates to provisioner are forbidden."
                                                 : "updates to reclaimPolicy are forbidden."));
  }
  check_immutable(errors, value_at(object, {"volumeBindingMode"}), value_at(old, {"volumeBindingMode"}),
                  FieldPath("volumeBindingMode"));
  return errors;
}

FieldErrors validate_priority_change(const Value& object, const Value& old) {
  FieldErrors errors;
  if (number_at(object, {"value"}) != number_at(old, {"value"})) {
    errors.push_back(FieldError::forbidden(FieldPath("value"), "may not be changed in an update."));
  }
  if (!(value_at(object, {"preemptionPolicy"}) == value_at(old, {"preemptionPolicy"}))) {
    errors.push_back(
        FieldError::forbidden(FieldPath("preemptionPolicy"), "may not be changed in an update."));
  }
  return errors;
}

FieldErrors validate_runtime_class(const Value& object) {
  FieldErrors errors;
  const auto handler = text_at(object, {"handler"});
  add_problems(errors, FieldPath("handler"), handler, check_dns1123_label(handler));
  return errors;
}

FieldErrors validate_budget(const Value& object) {
  FieldErrors errors;
  const FieldPath path("spec");
  const auto& spec = value_at(object, {"spec"});
  if (has_at(spec, {"minAvailable"}) && has_at(spec, {"maxUnavailable"})) {
    errors.push_back(FieldError::invalid_text(
        path,
        json::print(
            json::object({{"MinAvailable", value_at(spec, {"minAvailable"})},
                          {"Selector", value_at(spec, {"selector"})},
                          {"MaxUnavailable", value_at(spec, {"maxUnavailable"})},
                          {"UnhealthyPodEvictionPolicy", value_at(spec, {"unhealthyPodEvictionPolicy"})}})),
        "minAvailable and maxUnavailable cannot be both set"));
  }
  check_label_selector(errors, value_at(spec, {"selector"}), path.child("selector"));
  return errors;
}

FieldErrors validate_claim(const Value& object) {
  FieldErrors errors;
  const FieldPath path("spec");
  if (list_at(object, {"spec", "accessModes"}).empty()) {
    errors.push_back(FieldError::required(path.child("accessModes"), "at least 1 access mode is required"));
  }
  if (!has_at(object, {"spec", "resources", "requests", "storage"})) {
    errors.push_back(FieldError::required(path.child("resources").key("storage")));
  }
  return errors;
}

void prepare_pending(Value& object, Time /*now*/) {
  object.set("status", json::object({{"phase", "Pending"}}));
}

void check_webhook(FieldErrors& errors, const Value& webhook, const FieldPath& path) {
  const auto name = text_at(webhook, {"name"});
  if (name.empty()) {
    errors.push_back(FieldError::required(path.child("name")));
  } else {
    add_problems(errors, path.child("name"), name, check_dns1123_subdomain(name));
    if (std::ranges::count(name, '.') < 2) {
      errors.push_back(FieldError::invalid(
          path.child("name"), name, "should be a domain with at least three segments separated by dots"));
    }
  }
  const auto effects = text_at(webhook, {"sideEffects"});
  if (effects.empty()) {
    errors.push_back(
        FieldError::required(path.child("sideEffects"), "must specify one of None, NoneOnDryRun"));
  } else {
    check_supported(errors, path.child("sideEffects"), effects, {"None", "NoneOnDryRun"});
  }
  const auto timeout = number_at(webhook, {"timeoutSeconds"});
  if (timeout < 1 || timeout > 30) {
    errors.push_back(FieldError::invalid(path.child("timeoutSeconds"), timeout,
                                         "the timeout value must be between 1 and 30 seconds"));
  }
  const bool has_url = has_at(webhook, {"clientConfig", "url"});
  if (has_url == has_at(webhook, {"clientConfig", "service"})) {
    errors.push_back(
        FieldError::required(path.child("clientConfig"), "exactly one of url or service is required"));
  }
}

FieldErrors validate_webhooks(const Value& object) {
  FieldErrors errors;
  const auto webhooks = list_at(object, {"webhooks"});
  for (std::size_t i = 0; i < webhooks.size(); ++i) {
    const auto path = FieldPath("webhooks").index(i);
    check_webhook(errors, webhooks[i], path);
    if (list_at(webhooks[i], {"admissionReviewVersions"}).empty()) {
      errors.push_back(
          FieldError::required(path.child("admissionReviewVersions"), "must specify one of v1, v1beta1"));
    }
  }
  return errors;
}

FieldErrors validate_api_service(const Value& object) {
  FieldErrors errors;
  const auto& spec = value_at(object, {"spec"});
  const auto name = text_at(object, {"metadata", "name"});
  const std::string wanted =
      std::string(text_at(spec, {"version"})) + "." + std::string(text_at(spec, {"group"}));
  if (name != wanted) {
    errors.push_back(FieldError::invalid(FieldPath("metadata").child("name"), name,
                                         "must be `spec.version+\".\"+spec.group`: \"" + wanted + "\""));
  }
  const auto check_range = [&](std::string_view field, std::int64_t limit) {
    const auto number = number_at(spec, {field});
    if (number > 0 && number <= limit) return;
    errors.push_back(FieldError::invalid(FieldPath("spec").child(field), number,
                                         "must be positive and less than " + std::to_string(limit)));
  };
  check_range("groupPriorityMinimum", 20000);
  check_range("versionPriority", 1000);
  return errors;
}

const std::map<std::string_view, KindRules>& other_table() {
  static const std::map<std::string_view, KindRules> table = {
      {"leases.coordination.k8s.io",
       {.unconditional_update = false,
        .create_on_update = true,
        .bare_finalizers = true,
        .after_read = drop_lease_strategy,
        .validate = validate_lease}},
      {"nodes", {.selectable = {{"spec.unschedulable", {"spec", "unschedulable"}}}}},
      {"persistentvolumes", {.prepare_create = prepare_pending}},
      {"persistentvolumeclaims", {.prepare_create = prepare_pending, .validate_create = validate_claim}},
      {"storageclasses.storage.k8s.io",
       {.validate = validate_provisioner, .validate_change = validate_storage_class_change}},
      {"priorityclasses.scheduling.k8s.io",
       {.counts_generations = true, .validate_change = validate_priority_change}},
      {"runtimeclasses.node.k8s.io",
       {.unconditional_update = false, .create_on_update = true, .validate = validate_runtime_class}},
      {"poddisruptionbudgets.policy",
       {.counts_generations = true, .unconditional_update = false, .validate = validate_budget}},
      {"apiservices.apiregistration.k8s.io",
       {.name = NameRule::kPathSegment,
        .unconditional_update = false,
        .bare_finalizers = true,
        .validate = validate_api_service}},
      {"certificatesigningrequests.certificates.k8s.io",
       {.name = NameRule::kPathSegment, .selectable = {{"spec.signerName", {"spec", "signerName"}}}}},
  };
  return table;
}

}  // namespace

std::optional<KindRules> other_rules(std::string_view resource) {
  const auto found = other_table().find(resource);
  if (found != other_table().end()) return found->second;
  KindRules rules;
  if (resource.ends_with(".admissionregistration.k8s.io")) {
    rules.counts_generations = true;
    rules.unconditional_update = false;
    rules.bare_finalizers = true;
    if (resource.find("webhookconfigurations") != std::string_view::npos) rules.validate = validate_webhooks;
    return rules;
  }
  if (resource.ends_with(".storage.k8s.io")) {
    rules.unconditional_update = resource.starts_with("volumeattributesclasses");
    return rules;
  }
  return std::nullopt;
}

}  // namespace klutch::apiserver

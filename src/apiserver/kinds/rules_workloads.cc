// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <optional>
#include <string>

#include "apiserver/kinds/checks.h"
#include "apiserver/kinds/fields.h"
#include "apiserver/kinds/kind_rules.h"
#include "apiserver/kinds/pods.h"
#include "json/build.h"
#include "json/print.h"

// apps/v1 and ReplicationControllers.

namespace klutch::apiserver {
namespace {

using json::Value;

const ScalePaths kSelectorScale{{"spec", "replicas"}, {"status", "replicas"}, {"spec", "selector"}};

FieldPath workload_spec() {
  return FieldPath("spec");
}

bool is_empty_selector(const Value& selector) {
  return map_at(selector, {"matchLabels"}).empty() && list_at(selector, {"matchExpressions"}).empty();
}

void check_selector(FieldErrors& errors, const Value& spec, std::string_view kind) {
  const auto path = workload_spec().child("selector");
  const auto& selector = value_at(spec, {"selector"});
  if (!selector.is_object()) {
    errors.push_back(FieldError::required(path));
    return;
  }
  check_label_selector(errors, selector, path);
  if (is_empty_selector(selector)) {
    errors.push_back(
        FieldError::invalid_json(path, selector, "empty selector is invalid for " + std::string(kind)));
  }
}

void check_selected_labels(FieldErrors& errors, const Value& spec) {
  const auto& selector = value_at(spec, {"selector"});
  if (selector.is_object() && is_empty_selector(selector)) return;
  if (selector_matches(selector, map_at(spec, {"template", "metadata", "labels"}))) return;
  errors.push_back(FieldError::invalid_json(
      workload_spec().child("template").child("metadata").child("labels"),
      value_at(spec, {"template", "metadata", "labels"}), "`selector` does not match template `labels`"));
}

void check_lasting_template(FieldErrors& errors, const Value& spec, std::string_view kind,
                            const PodContext& context = {}) {
  const auto path = workload_spec().child("template");
  check_pod_template(errors, value_at(spec, {"template"}), path, context);
  check_supported(errors, path.child("spec").child("restartPolicy"),
                  text_at(spec, {"template", "spec", "restartPolicy"}), {"Always"});
  if (has_at(spec, {"template", "spec", "activeDeadlineSeconds"})) {
    errors.push_back(
        FieldError::forbidden(path.child("spec").child("activeDeadlineSeconds"),
                              "activeDeadlineSeconds in " + std::string(kind) + " is not Supported"));
  }
}

/// The number of a percentage; nothing: it is none.
std::optional<std::int64_t> percent_of(const Value& value) {
  if (!value.is_string() || !value.as_string().ends_with('%')) return std::nullopt;
  const auto digits = value.as_string().substr(0, value.as_string().size() - 1);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number < 0) return std::nullopt;
  return number;
}

void check_count(FieldErrors& errors, const Value& value, const FieldPath& path) {
  if (value.is_string() && !percent_of(value)) {
    errors.push_back(FieldError::invalid(
        path, value,
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', "
        "regex used for validation is '[0-9]+%')"));
  } else if (value.is_int() && value.as_int() < 0) {
    errors.push_back(FieldError::invalid(path, value, "must be greater than or equal to 0"));
  }
}

bool is_none(const Value& value) {
  return value.is_int() ? value.as_int() == 0 : percent_of(value) == 0;
}

void check_rolling_update(FieldErrors& errors, const Value& rolling, const FieldPath& path) {
  const auto& unavailable = value_at(rolling, {"maxUnavailable"});
  const auto& surge = value_at(rolling, {"maxSurge"});
  check_count(errors, unavailable, path.child("maxUnavailable"));
  check_count(errors, surge, path.child("maxSurge"));
  if (is_none(unavailable) && is_none(surge)) {
    errors.push_back(
        FieldError::invalid(path.child("maxUnavailable"), unavailable, "may not be 0 when `maxSurge` is 0"));
  }
  if (percent_of(unavailable).value_or(0) > 100) {
    errors.push_back(
        FieldError::invalid(path.child("maxUnavailable"), unavailable, "must not be greater than 100%"));
  }
}

/// As Go prints a strategy of a type that it does not know.
std::string print_strategy(std::string_view type) {
  return R"({"Type":)" + json::print(Value(type)) + R"(,"RollingUpdate":null})";
}

void check_deployment_strategy(FieldErrors& errors, const Value& spec) {
  const auto path = workload_spec().child("strategy");
  const auto& strategy = value_at(spec, {"strategy"});
  const auto type = text_at(strategy, {"type"});
  if (type == "Recreate") {
    if (!has_at(strategy, {"rollingUpdate"})) return;
    errors.push_back(FieldError::forbidden(path.child("rollingUpdate"),
                                           "may not be specified when strategy `type` is 'Recreate'"));
  } else if (type == "RollingUpdate") {
    check_rolling_update(errors, value_at(strategy, {"rollingUpdate"}), path.child("rollingUpdate"));
  } else {
    auto error = FieldError::not_supported(path, "", std::vector<std::string>());
    error.body =
        "Unsupported value: " + print_strategy(type) + R"(: supported values: "Recreate", "RollingUpdate")";
    errors.push_back(std::move(error));
  }
}

FieldErrors validate_deployment(const Value& object) {
  FieldErrors errors;
  const auto path = workload_spec();
  const auto& spec = value_at(object, {"spec"});
  check_not_negative(errors, spec, path, "replicas");
  check_selector(errors, spec, "deployment");
  check_selected_labels(errors, spec);
  check_lasting_template(errors, spec, "ReplicaSet");
  check_deployment_strategy(errors, spec);
  check_not_negative(errors, spec, path, "minReadySeconds");
  check_not_negative(errors, spec, path, "revisionHistoryLimit");
  check_not_negative(errors, spec, path, "progressDeadlineSeconds");
  const auto deadline = number_at(spec, {"progressDeadlineSeconds"});
  if (has_at(spec, {"progressDeadlineSeconds"}) && deadline <= number_at(spec, {"minReadySeconds"})) {
    errors.push_back(FieldError::invalid(path.child("progressDeadlineSeconds"), deadline,
                                         "must be greater than minReadySeconds"));
  }
  return errors;
}

FieldErrors validate_selector_change(const Value& object, const Value& old) {
  FieldErrors errors;
  check_immutable(errors, value_at(object, {"spec", "selector"}), value_at(old, {"spec", "selector"}),
                  workload_spec().child("selector"));
  return errors;
}

void check_counts(FieldErrors& errors, const Value& object, std::initializer_list<std::string_view> counts,
                  std::initializer_list<std::string_view> bounded) {
  const FieldPath path("status");
  const auto& status = value_at(object, {"status"});
  for (const auto name : counts) check_not_negative(errors, status, path, name);
  const auto replicas = number_at(status, {"replicas"});
  for (const auto name : bounded) {
    const auto number = number_at(status, {name});
    if (number <= replicas) continue;
    errors.push_back(FieldError::invalid(path.child(name), number, "cannot be greater than status.replicas"));
  }
  const auto available = number_at(status, {"availableReplicas"});
  if (available <= number_at(status, {"readyReplicas"})) return;
  errors.push_back(FieldError::invalid(path.child("availableReplicas"), available,
                                       "cannot be greater than readyReplicas"));
}

FieldErrors validate_deployment_status(const Value& object, const Value& /*old*/) {
  FieldErrors errors;
  check_counts(errors, object,
               {"observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas",
                "unavailableReplicas", "terminatingReplicas", "collisionCount"},
               {"updatedReplicas", "readyReplicas", "availableReplicas"});
  return errors;
}

FieldErrors validate_replica_set(const Value& object) {
  FieldErrors errors;
  const auto& spec = value_at(object, {"spec"});
  check_not_negative(errors, spec, workload_spec(), "replicas");
  check_not_negative(errors, spec, workload_spec(), "minReadySeconds");
  check_selector(errors, spec, "deployment");
  check_selected_labels(errors, spec);
  check_lasting_template(errors, spec, "ReplicaSet");
  return errors;
}

FieldErrors validate_replica_set_status(const Value& object, const Value& /*old*/) {
  FieldErrors errors;
  check_counts(errors, object,
               {"replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas",
                "observedGeneration", "terminatingReplicas"},
               {"fullyLabeledReplicas", "readyReplicas", "availableReplicas"});
  return errors;
}

FieldErrors validate_stateful_set(const Value& object) {
  FieldErrors errors;
  const auto path = workload_spec();
  const auto& spec = value_at(object, {"spec"});
  const auto policy = text_at(spec, {"podManagementPolicy"});
  if (policy != "OrderedReady" && policy != "Parallel") {
    errors.push_back(FieldError::invalid(path.child("podManagementPolicy"), policy,
                                         "must be 'OrderedReady' or 'Parallel'"));
  }
  const auto strategy = text_at(spec, {"updateStrategy", "type"});
  if (strategy != "RollingUpdate" && strategy != "OnDelete") {
    errors.push_back(FieldError::invalid_text(path.child("updateStrategy"), print_strategy(strategy),
                                              "must be 'RollingUpdate' or 'OnDelete'"));
  }
  check_not_negative(errors, spec, path, "replicas");
  check_not_negative(errors, spec, path, "minReadySeconds");
  const auto service = text_at(spec, {"serviceName"});
  if (!service.empty()) {
    add_problems(errors, path.child("serviceName"), service, check_dns1123_label(service));
  }
  check_selector(errors, spec, "statefulset");
  check_selected_labels(errors, spec);
  PodContext context;
  for (const auto& claim : list_at(spec, {"volumeClaimTemplates"})) {
    context.more_volumes.emplace(text_at(claim, {"metadata", "name"}));
  }
  check_lasting_template(errors, spec, "StatefulSet", context);
  return errors;
}

FieldErrors validate_stateful_set_change(const Value& object, const Value& old) {
  Value spec = value_at(object, {"spec"});
  const Value& before = value_at(old, {"spec"});
  for (const std::string_view name :
       {"replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy", "minReadySeconds"}) {
    copy_field(before, spec, name);
  }
  if (spec == before) return {};
  return {FieldError::forbidden(
      workload_spec(),
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
      "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
      "'minReadySeconds' are forbidden")};
}

constexpr std::string_view kTemplateGeneration = "deprecated.daemonset.template.generation";

Value& annotations_in(Value& object) {
  return object_in(object_in(object, "metadata"), "annotations");
}

void read_template_generation(Value& object) {
  set_empty(annotations_in(object), kTemplateGeneration, "0");
}

void prepare_daemon_set_update(Value& object, const Value& old) {
  std::int64_t generation = 0;
  const auto before = text_at(old, {"metadata", "annotations", kTemplateGeneration});
  std::from_chars(before.data(), before.data() + before.size(), generation);
  if (!(value_at(object, {"spec", "template"}) == value_at(old, {"spec", "template"}))) ++generation;
  annotations_in(object).set(kTemplateGeneration, std::to_string(generation));
}

FieldErrors validate_daemon_set(const Value& object) {
  FieldErrors errors;
  const auto path = workload_spec();
  const auto& spec = value_at(object, {"spec"});
  const auto& selector = value_at(spec, {"selector"});
  check_label_selector(errors, selector, path.child("selector"));
  check_selected_labels(errors, spec);
  if (selector.is_object() && is_empty_selector(selector)) {
    errors.push_back(FieldError::invalid_json(path.child("selector"), selector,
                                              "empty selector is invalid for daemonset"));
  }
  check_lasting_template(errors, spec, "DaemonSet");
  check_not_negative(errors, spec, path, "minReadySeconds");
  check_not_negative(errors, spec, path, "revisionHistoryLimit");
  return errors;
}

FieldErrors validate_replication_controller(const Value& object) {
  FieldErrors errors;
  const auto path = workload_spec();
  const auto& spec = value_at(object, {"spec"});
  check_not_negative(errors, spec, path, "minReadySeconds");
  const auto& selector = value_at(spec, {"selector"});
  if (selector.empty()) errors.push_back(FieldError::required(path.child("selector")));
  check_not_negative(errors, spec, path, "replicas");
  if (!has_at(spec, {"template"})) {
    errors.push_back(FieldError::required(path.child("template")));
    return errors;
  }
  const auto& labels = value_at(spec, {"template", "metadata", "labels"});
  const Value matching = json::object({{"matchLabels", selector}});
  if (!selector.empty() && !selector_matches(matching, map_at(labels, {}))) {
    errors.push_back(FieldError::invalid_json(path.child("template").child("metadata").child("labels"),
                                              labels, "`selector` does not match template `labels`"));
  }
  check_lasting_template(errors, spec, "ReplicationController");
  return errors;
}

}  // namespace

std::optional<KindRules> workload_rules(std::string_view resource) {
  KindRules rules;
  rules.counts_generations = true;
  rules.scale = &kSelectorScale;
  if (resource == "deployments.apps") {
    rules.annotations_count = true;
    rules.validate = validate_deployment;
    rules.validate_change = validate_selector_change;
    rules.validate_status = validate_deployment_status;
  } else if (resource == "replicasets.apps") {
    rules.validate = validate_replica_set;
    rules.validate_change = validate_selector_change;
    rules.validate_status = validate_replica_set_status;
    rules.selectable = {{"status.replicas", {"status", "replicas"}}};
  } else if (resource == "statefulsets.apps") {
    rules.validate = validate_stateful_set;
    rules.validate_change = validate_stateful_set_change;
  } else if (resource == "replicationcontrollers") {
    rules.validate = validate_replication_controller;
    rules.selectable = {{"status.replicas", {"status", "replicas"}}};
  } else if (resource == "daemonsets.apps") {
    rules.scale = nullptr;
    rules.after_read = read_template_generation;
    rules.prepare_create = [](Value& object, Time) { annotations_in(object).set(kTemplateGeneration, "1"); };
    rules.prepare_update = prepare_daemon_set_update;
    rules.validate = validate_daemon_set;
    rules.validate_change = validate_selector_change;
  } else {
    return std::nullopt;
  }
  return rules;
}

}  // namespace klutch::apiserver

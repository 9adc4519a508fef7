// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <string>

#include "apiserver/kinds/checks.h"
#include "apiserver/kinds/fields.h"
#include "apiserver/kinds/kind_rules.h"
#include "apiserver/kinds/pods.h"
#include "base/strings.h"
#include "json/build.h"
#include "kube/api/object.h"

// Pods, pod templates, jobs and cron jobs.

namespace klutch::apiserver {
namespace {

using json::Value;

Value toleration_of(std::string_view taint) {
  return json::object(
      {{"key", taint}, {"operator", "Exists"}, {"effect", "NoExecute"}, {"tolerationSeconds", 300}});
}

bool tolerates(const Value& spec, std::string_view taint) {
  return std::ranges::any_of(list_at(spec, {"tolerations"}), [&](const Value& each) {
    const auto key = text_at(each, {"key"});
    const auto effect = text_at(each, {"effect"});
    return (key == taint || key.empty()) && (effect == "NoExecute" || effect.empty());
  });
}

/// Also what the admission plugins DefaultTolerationSeconds and Priority do.
void prepare_pod(Value& object, Time /*now*/) {
  auto& spec = object_in(object, "spec");
  for (const std::string_view taint : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    if (tolerates(spec, taint)) continue;
    auto& tolerations = spec["tolerations"];
    if (!tolerations.is_array()) tolerations = Value::empty_array();
    tolerations.push_back(toleration_of(taint));
  }
  set_missing(spec, "priority", 0);
  set_missing(spec, "preemptionPolicy", "PreemptLowerPriority");
  object.set("status", json::object({{"phase", "Pending"}, {"qosClass", qos_class(spec)}}));
}

FieldErrors validate_pod(const Value& object) {
  FieldErrors errors;
  check_pod_spec(errors, value_at(object, {"spec"}), FieldPath("spec"));
  return errors;
}

void take_images(const Value& old, Value& spec, std::string_view list) {
  auto* containers = spec.find(list);
  const auto before = list_at(old, {list});
  if (containers == nullptr || !containers->is_array()) return;
  for (std::size_t i = 0; i < std::min(containers->size(), before.size()); ++i) {
    copy_field(before[i], containers->at(i), "image");
  }
}

FieldErrors validate_pod_change(const Value& object, const Value& old) {
  Value spec = value_at(object, {"spec"});
  const Value& before = value_at(old, {"spec"});
  FieldErrors errors;
  for (const std::string_view list : {"containers", "initContainers"}) {
    if (list_at(spec, {list}).size() != list_at(before, {list}).size()) {
      errors.push_back(FieldError::forbidden(FieldPath("spec").child(list),
                                             "pod updates may not add or remove containers"));
      return errors;
    }
    take_images(before, spec, list);
  }
  for (const std::string_view name : {"activeDeadlineSeconds", "tolerations", "schedulingGates"}) {
    copy_field(before, spec, name);
  }
  // A scheduler binds a pod by this.
  if (text_at(before, {"nodeName"}).empty()) copy_field(before, spec, "nodeName");
  if (spec == before) return errors;
  errors.push_back(FieldError::forbidden(
      FieldPath("spec"),
      "pod updates may not change fields other than "
      "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec."
      "tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it "
      "to be set to 1 if it was previously negative)"));
  return errors;
}

KindRules pod_rules() {
  KindRules rules;
  rules.counts_generations = true;
  rules.prepare_create = prepare_pod;
  rules.validate = validate_pod;
  rules.validate_change = validate_pod_change;
  rules.selectable = {
      {"spec.nodeName", {"spec", "nodeName"}},
      {"spec.restartPolicy", {"spec", "restartPolicy"}},
      {"spec.schedulerName", {"spec", "schedulerName"}},
      {"spec.serviceAccountName", {"spec", "serviceAccountName"}},
      {"spec.hostNetwork", {"spec", "hostNetwork"}},
      {"spec.host", {"spec", "nodeName"}},
      {"status.phase", {"status", "phase"}},
      {"status.podIP", {"status", "podIP"}},
      {"status.podIPs", {"status", "podIP"}},
      {"status.nominatedNodeName", {"status", "nominatedNodeName"}},
  };
  rules.select = [](const Value& object, std::string_view field) -> std::optional<std::string> {
    if (field != "spec.hostNetwork") return std::nullopt;
    return truth_at(object, {"spec", "hostNetwork"}) ? "true" : "false";
  };
  return rules;
}

FieldErrors validate_pod_template_kind(const Value& object) {
  FieldErrors errors;
  check_pod_template(errors, value_at(object, {"template"}), FieldPath("template"));
  return errors;
}

/// The pods of a job are found by labels that are made of its uid, unless it says how.
void generate_job_selector(Value& object, Time /*now*/) {
  if (truth_at(object, {"spec", "manualSelector"})) return;
  const std::string name(kube::name(object));
  const std::string uid(kube::uid(object));
  auto& spec = object_in(object, "spec");
  auto& labels = object_in(object_in(object_in(spec, "template"), "metadata"), "labels");
  set_missing(labels, "job-name", name);
  set_missing(labels, "batch.kubernetes.io/job-name", name);
  set_missing(labels, "controller-uid", uid);
  set_missing(labels, "batch.kubernetes.io/controller-uid", uid);
  auto& matching = object_in(object_in(object["spec"], "selector"), "matchLabels");
  set_missing(matching, "batch.kubernetes.io/controller-uid", uid);
}

void check_job_spec(FieldErrors& errors, const Value& spec, const FieldPath& path) {
  for (const std::string_view name :
       {"parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished",
        "backoffLimitPerIndex", "maxFailedIndexes"}) {
    check_not_negative(errors, spec, path, name);
  }
  const auto mode = text_at(spec, {"completionMode"});
  if (!mode.empty()) check_supported(errors, path.child("completionMode"), mode, {"NonIndexed", "Indexed"});
  if (mode == "Indexed" && !has_at(spec, {"completions"})) {
    errors.push_back(FieldError::required(path.child("completions"), "when completion mode is Indexed"));
  }
  check_pod_template(errors, value_at(spec, {"template"}), path.child("template"));
  const auto at = path.child("template").child("spec").child("restartPolicy");
  const auto policy = text_at(spec, {"template", "spec", "restartPolicy"});
  if (policy == "Always" || policy.empty()) {
    errors.push_back(FieldError::required(at, R"(valid values: "OnFailure", "Never")"));
  } else {
    check_supported(errors, at, policy, {"OnFailure", "Never"});
  }
}

FieldErrors validate_job(const Value& object) {
  FieldErrors errors;
  const FieldPath path("spec");
  const auto& spec = value_at(object, {"spec"});
  check_job_spec(errors, spec, path);
  const auto& selector = value_at(spec, {"selector"});
  if (!selector.is_object()) errors.push_back(FieldError::required(path.child("selector")));
  check_label_selector(errors, selector, path.child("selector"));
  const auto& labels = value_at(spec, {"template", "metadata", "labels"});
  if (!selector_matches(selector, map_at(labels, {}))) {
    errors.push_back(FieldError::invalid_json(path.child("template").child("metadata").child("labels"),
                                              labels, "`selector` does not match template `labels`"));
  }
  return errors;
}

FieldErrors validate_job_change(const Value& object, const Value& old) {
  FieldErrors errors;
  const FieldPath path("spec");
  for (const std::string_view name :
       {"completions", "selector", "template", "completionMode", "podFailurePolicy", "backoffLimitPerIndex",
        "managedBy", "successPolicy"}) {
    // Indexed jobs may be scaled, and suspended ones may get another template.
    if (name == "completions" && text_at(object, {"spec", "completionMode"}) == "Indexed") continue;
    if (name == "template" && truth_at(old, {"spec", "suspend"})) continue;
    check_immutable(errors, value_at(object, {"spec", name}), value_at(old, {"spec", name}),
                    path.child(name));
  }
  return errors;
}

void check_schedule(FieldErrors& errors, std::string_view schedule, const FieldPath& path) {
  if (schedule.empty()) {
    errors.push_back(FieldError::required(path));
    return;
  }
  if (schedule.starts_with('@')) return;
  std::vector<std::string_view> fields;
  for (const auto field : split(schedule, ' ')) {
    if (!field.empty()) fields.push_back(field);
  }
  if (fields.size() == 5) return;
  errors.push_back(FieldError::invalid(
      path, schedule,
      "expected exactly 5 fields, found " + std::to_string(fields.size()) + ": [" + join(fields, " ") + "]"));
}

FieldErrors validate_cron_job(const Value& object) {
  FieldErrors errors;
  const FieldPath path("spec");
  const auto& spec = value_at(object, {"spec"});
  check_schedule(errors, text_at(spec, {"schedule"}), path.child("schedule"));
  check_not_negative(errors, spec, path, "startingDeadlineSeconds");
  check_supported(errors, path.child("concurrencyPolicy"), text_at(spec, {"concurrencyPolicy"}),
                  {"Allow", "Forbid", "Replace"});
  check_job_spec(errors, value_at(spec, {"jobTemplate", "spec"}), path.child("jobTemplate").child("spec"));
  check_not_negative(errors, spec, path, "successfulJobsHistoryLimit");
  check_not_negative(errors, spec, path, "failedJobsHistoryLimit");
  return errors;
}

}  // namespace

std::optional<KindRules> job_rules(std::string_view resource) {
  if (resource == "pods") return pod_rules();
  KindRules rules;
  rules.counts_generations = true;
  if (resource == "podtemplates") {
    rules.validate = validate_pod_template_kind;
  } else if (resource == "jobs.batch") {
    rules.prepare_create = generate_job_selector;
    rules.validate = validate_job;
    rules.validate_change = validate_job_change;
    rules.selectable = {{"status.successful", {"status", "succeeded"}}};
  } else if (resource == "cronjobs.batch") {
    rules.validate = validate_cron_job;
  } else {
    return std::nullopt;
  }
  return rules;
}

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "apiserver/tables/cell_values.h"
#include "base/duration.h"
#include "base/strings.h"
#include "base/time.h"
#include "kube/api/object.h"

// apps, batch, autoscaling, policy, and the pod templates and controllers of the core group.

namespace klutch::apiserver {
namespace {

using Cells = std::vector<json::Value>;

std::string fraction(std::int64_t part, std::int64_t whole) {
  return std::to_string(part) + "/" + std::to_string(whole);
}

/// Appends containers, images and what selects their pods.
Cells with_pods(Cells cells, const json::Value& pod_spec, std::string selector) {
  cells.emplace_back(container_names(pod_spec));
  cells.emplace_back(container_images(pod_spec));
  cells.emplace_back(selector);
  return cells;
}

Cells deployment_cells(const json::Value& object, Time now) {
  auto cells =
      cells_of(name_of(object),
               fraction(number_at(object, "status.readyReplicas"), number_at(object, "spec.replicas")),
               number_at(object, "status.updatedReplicas"), number_at(object, "status.availableReplicas"),
               age_of(object, now));
  return with_pods(std::move(cells), value_at(object, "spec.template.spec"),
                   selector_text(value_at(object, "spec.selector"), ""));
}

Cells replica_counts(const json::Value& object, Time now) {
  return cells_of(name_of(object), number_at(object, "spec.replicas"), number_at(object, "status.replicas"),
                  number_at(object, "status.readyReplicas"), age_of(object, now));
}

Cells replica_set_cells(const json::Value& object, Time now) {
  return with_pods(replica_counts(object, now), value_at(object, "spec.template.spec"),
                   selector_text(value_at(object, "spec.selector"), "<none>"));
}

Cells replication_controller_cells(const json::Value& object, Time now) {
  return with_pods(replica_counts(object, now), value_at(object, "spec.template.spec"),
                   labels_text(value_at(object, "spec.selector")));
}

Cells stateful_set_cells(const json::Value& object, Time now) {
  const json::Value& pod_spec = value_at(object, "spec.template.spec");
  return cells_of(name_of(object),
                  fraction(number_at(object, "status.readyReplicas"), number_at(object, "spec.replicas")),
                  age_of(object, now), container_names(pod_spec), container_images(pod_spec));
}

Cells daemon_set_cells(const json::Value& object, Time now) {
  auto cells = cells_of(
      name_of(object), number_at(object, "status.desiredNumberScheduled"),
      number_at(object, "status.currentNumberScheduled"), number_at(object, "status.numberReady"),
      number_at(object, "status.updatedNumberScheduled"), number_at(object, "status.numberAvailable"),
      labels_text(value_at(object, "spec.template.spec.nodeSelector")), age_of(object, now));
  return with_pods(std::move(cells), value_at(object, "spec.template.spec"),
                   selector_text(value_at(object, "spec.selector"), "<none>"));
}

Cells controller_revision_cells(const json::Value& object, Time now) {
  std::string controller = "<none>";
  if (const auto owner = kube::controller_of(object)) {
    const auto version = kube::GroupVersion::parse(owner->api_version);
    const kube::GroupKind kind{version ? version->group : "", owner->kind};
    controller = to_lower(kind.to_string()) + "/" + owner->name;
  }
  return cells_of(name_of(object), controller, number_at(object, "revision"), age_of(object, now));
}

std::string job_status(const json::Value& job) {
  const auto has = [&](std::string_view type) {
    return std::ranges::any_of(list_at(job, "status.conditions"), [&](const json::Value& condition) {
      return text_at(condition, "type") == type && text_at(condition, "status") == "True";
    });
  };
  if (has("Complete")) return "Complete";
  if (has("Failed")) return "Failed";
  if (is_being_deleted(job)) return "Terminating";
  if (has("Suspended")) return "Suspended";
  if (has("FailureTarget")) return "FailureTarget";
  if (has("SuccessCriteriaMet")) return "SuccessCriteriaMet";
  return "Running";
}

std::string job_completions(const json::Value& job) {
  const auto succeeded = number_at(job, "status.succeeded");
  if (!value_at(job, "spec.completions").is_null()) {
    return fraction(succeeded, number_at(job, "spec.completions"));
  }
  const auto parallelism = number_at(job, "spec.parallelism");
  return fraction(succeeded, 1) + (parallelism > 1 ? " of " + std::to_string(parallelism) : "");
}

std::string job_duration(const json::Value& job, Time now) {
  const auto start = parse_rfc3339(text_at(job, "status.startTime"));
  if (!start) return {};
  const auto end = parse_rfc3339(text_at(job, "status.completionTime"));
  return format_age((end ? *end : now) - *start);
}

Cells job_cells(const json::Value& object, Time now) {
  auto cells = cells_of(name_of(object), job_status(object), job_completions(object),
                        job_duration(object, now), age_of(object, now));
  return with_pods(std::move(cells), value_at(object, "spec.template.spec"),
                   selector_text(value_at(object, "spec.selector"), "<none>"));
}

Cells cron_job_cells(const json::Value& object, Time now) {
  const json::Value& suspend = value_at(object, "spec.suspend");
  const bool ran = !value_at(object, "status.lastScheduleTime").is_null();
  const json::Value& job_spec = value_at(object, "spec.jobTemplate.spec");
  auto cells =
      cells_of(name_of(object), text_at(object, "spec.schedule"), text_or(object, "spec.timeZone", "<none>"),
               suspend.is_bool() ? (suspend.as_bool() ? "True" : "False") : "<unset>",
               list_at(object, "status.active").size(),
               ran ? since(object, "status.lastScheduleTime", now) : "<none>", age_of(object, now));
  return with_pods(std::move(cells), value_at(job_spec, "template.spec"),
                   selector_text(value_at(job_spec, "selector"), "<none>"));
}

Cells pod_template_cells(const json::Value& object, Time /*now*/) {
  const json::Value& pod_spec = value_at(object, "template.spec");
  return cells_of(name_of(object), container_names(pod_spec), container_images(pod_spec),
                  labels_text(value_at(object, "template.metadata.labels")));
}

/// A number or a percentage.
std::string int_or_text(const json::Value& value, std::string_view nothing) {
  if (value.is_int()) return std::to_string(value.as_int());
  return value.is_string() ? std::string(value.as_string()) : std::string(nothing);
}

Cells disruption_budget_cells(const json::Value& object, Time now) {
  return cells_of(name_of(object), int_or_text(value_at(object, "spec.minAvailable"), "N/A"),
                  int_or_text(value_at(object, "spec.maxUnavailable"), "N/A"),
                  number_at(object, "status.disruptionsAllowed"), age_of(object, now));
}

/// "50%/80%" of a resource; "1Gi/2Gi" where amounts are given.
std::string resource_metric(const json::Value& metric, const json::Value& current) {
  const auto name = text_at(metric, "name") + ": ";
  if (const auto target = text_at(metric, "target.averageValue"); !target.empty()) {
    return name + text_or(current, "current.averageValue", current.is_object() ? "0" : "<unknown>") + "/" +
           target;
  }
  const auto percent = [](const json::Value& value, std::string_view nothing) {
    return value.is_int() ? std::to_string(value.as_int()) + "%" : std::string(nothing);
  };
  return name + percent(value_at(current, "current.averageUtilization"), "<unknown>") + "/" +
         percent(value_at(metric, "target.averageUtilization"), "<auto>");
}

std::string value_metric(const json::Value& metric, const json::Value& current, bool averages_alone) {
  const auto average = text_at(metric, "target.averageValue");
  if (averages_alone || !average.empty()) {
    return text_or(current, "current.averageValue", "<unknown>") + "/" + average +
           (averages_alone ? "" : " (avg)");
  }
  return text_or(current, "current.value", "<unknown>") + "/" + text_at(metric, "target.value");
}

std::string metric_text(const json::Value& spec, const json::Value& status) {
  const auto type = text_at(spec, "type");
  if (type == "Resource") return resource_metric(value_at(spec, "resource"), value_at(status, "resource"));
  if (type == "ContainerResource") {
    return resource_metric(value_at(spec, "containerResource"), value_at(status, "containerResource"));
  }
  if (type == "Pods") return value_metric(value_at(spec, "pods"), value_at(status, "pods"), true);
  if (type == "Object") return value_metric(value_at(spec, "object"), value_at(status, "object"), false);
  if (type == "External") {
    return value_metric(value_at(spec, "external"), value_at(status, "external"), false);
  }
  return "<unknown type>";
}

std::string autoscaler_targets(const json::Value& object) {
  constexpr std::size_t kMost = 2;
  const auto specs = list_at(object, "spec.metrics");
  const auto statuses = list_at(object, "status.currentMetrics");
  const json::Value null;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < std::min(specs.size(), kMost); ++i) {
    texts.push_back(metric_text(specs[i], i < statuses.size() ? statuses[i] : null));
  }
  // autoscaling/v1 has one of them, written otherwise, and wants 80% if nothing is said.
  if (kube::api_version(object) == "autoscaling/v1") {
    const auto target = number_at(object, "spec.targetCPUUtilizationPercentage");
    const json::Value& current = value_at(object, "status.currentCPUUtilizationPercentage");
    texts.push_back("cpu: " + (current.is_int() ? std::to_string(current.as_int()) + "%" : "<unknown>") +
                    "/" + std::to_string(target == 0 ? 80 : target) + "%");
  }
  std::string text = none_if_empty(join(texts, ", "));
  return specs.size() > kMost ? text + " + " + std::to_string(specs.size() - kMost) + " more..." : text;
}

Cells autoscaler_cells(const json::Value& object, Time now) {
  const json::Value& target = value_at(object, "spec.scaleTargetRef");
  return cells_of(name_of(object), text_at(target, "kind") + "/" + text_at(target, "name"),
                  autoscaler_targets(object), int_or_text(value_at(object, "spec.minReplicas"), "<unset>"),
                  number_at(object, "spec.maxReplicas"), number_at(object, "status.currentReplicas"),
                  age_of(object, now));
}

Cells scale_cells(const json::Value& object, Time now) {
  return cells_of(name_of(object), number_at(object, "spec.replicas"), number_at(object, "status.replicas"),
                  age_of(object, now));
}

constexpr KindTable kWorkloadTables[] = {
    {"", "podtemplates", "Name!|Containers|Images|Pod Labels", pod_template_cells},
    {"", "replicationcontrollers",
     "Name!|Desired:integer|Current:integer|Ready:integer|Age|Containers*|Images*|Selector*",
     replication_controller_cells},
    {"apps", "controllerrevisions", "Name!|Controller|Revision|Age", controller_revision_cells},
    {"apps", "daemonsets",
     "Name!|Desired:integer|Current:integer|Ready:integer|Up-to-date:integer|Available:integer|Node Selector|"
     "Age|Containers*|Images*|Selector*",
     daemon_set_cells},
    {"apps", "deployments", "Name!|Ready|Up-to-date|Available|Age|Containers*|Images*|Selector*",
     deployment_cells},
    {"apps", "replicasets",
     "Name!|Desired:integer|Current:integer|Ready:integer|Age|Containers*|Images*|Selector*",
     replica_set_cells},
    {"apps", "statefulsets", "Name!|Ready|Age|Containers*|Images*", stateful_set_cells},
    {"autoscaling", "horizontalpodautoscalers", "Name!|Reference|Targets|MinPods|MaxPods|Replicas|Age",
     autoscaler_cells},
    {"autoscaling", "scales", "Name|Desired:integer|Available:integer|Age", scale_cells},
    {"batch", "cronjobs",
     "Name!|Schedule|Timezone|Suspend:boolean|Active:integer|Last Schedule|Age|Containers*|Images*|Selector*",
     cron_job_cells},
    {"batch", "jobs", "Name!|Status|Completions|Duration|Age|Containers*|Images*|Selector*", job_cells},
    {"policy", "poddisruptionbudgets", "Name!|Min Available|Max Unavailable|Allowed Disruptions:integer|Age",
     disruption_budget_cells},
};

}  // namespace

std::span<const KindTable> workload_tables() {
  return kWorkloadTables;
}

}  // namespace klutch::apiserver

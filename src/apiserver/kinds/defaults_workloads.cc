// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "apiserver/kinds/defaults.h"
#include "apiserver/kinds/fields.h"
#include "json/build.h"

// Defaults of apps/v1, batch/v1 and autoscaling/v2.

namespace klutch::apiserver {
namespace {

using json::Value;

void default_deployment(Value& object) {
  auto& spec = object_in(object, "spec");
  set_missing(spec, "replicas", 1);
  auto& strategy = object_in(spec, "strategy");
  set_empty(strategy, "type", "RollingUpdate");
  if (text_at(strategy, {"type"}) == "RollingUpdate") {
    auto& rolling = object_in(strategy, "rollingUpdate");
    set_missing(rolling, "maxUnavailable", "25%");
    set_missing(rolling, "maxSurge", "25%");
  }
  set_missing(spec, "revisionHistoryLimit", 10);
  set_missing(spec, "progressDeadlineSeconds", 600);
}

void default_daemon_set(Value& object) {
  auto& spec = object_in(object, "spec");
  auto& strategy = object_in(spec, "updateStrategy");
  set_empty(strategy, "type", "RollingUpdate");
  if (text_at(strategy, {"type"}) == "RollingUpdate") {
    auto& rolling = object_in(strategy, "rollingUpdate");
    set_missing(rolling, "maxUnavailable", 1);
    set_missing(rolling, "maxSurge", 0);
  }
  set_missing(spec, "revisionHistoryLimit", 10);
}

void default_stateful_set(Value& object) {
  auto& spec = object_in(object, "spec");
  set_empty(spec, "podManagementPolicy", "OrderedReady");
  auto& strategy = object_in(spec, "updateStrategy");
  if (text_at(strategy, {"type"}).empty()) {
    strategy.set("type", "RollingUpdate");
    object_in(strategy, "rollingUpdate");
  }
  if (text_at(strategy, {"type"}) == "RollingUpdate" && has_at(strategy, {"rollingUpdate"})) {
    set_missing(object_in(strategy, "rollingUpdate"), "partition", 0);
  }
  auto& retention = object_in(spec, "persistentVolumeClaimRetentionPolicy");
  set_empty(retention, "whenDeleted", "Retain");
  set_empty(retention, "whenScaled", "Retain");
  set_missing(spec, "replicas", 1);
  set_missing(spec, "revisionHistoryLimit", 10);
  auto* claims = spec.find("volumeClaimTemplates");
  if (claims == nullptr || !claims->is_array()) return;
  for (auto& claim : claims->elements()) {
    claim.set("kind", "PersistentVolumeClaim");
    claim.set("apiVersion", "v1");
  }
}

void default_replica_set(Value& object) {
  set_missing(object_in(object, "spec"), "replicas", 1);
}

void default_job(Value& object) {
  auto& spec = object_in(object, "spec");
  if (!has_at(spec, {"completions"}) && !has_at(spec, {"parallelism"})) spec.set("completions", 1);
  set_missing(spec, "parallelism", 1);
  const bool per_index = has_at(spec, {"backoffLimitPerIndex"});
  set_missing(spec, "backoffLimit", per_index ? std::numeric_limits<std::int32_t>::max() : 6);
  const Value labels = value_at(spec, {"template", "metadata", "labels"});
  if (labels.is_object() && map_at(object, {"metadata", "labels"}).empty()) {
    object_in(object, "metadata").set("labels", labels);
  }
  auto& job = object_in(object, "spec");
  set_missing(job, "completionMode", "NonIndexed");
  set_missing(job, "suspend", false);
  set_missing(job, "podReplacementPolicy",
              has_at(job, {"podFailurePolicy"}) ? "Failed" : "TerminatingOrFailed");
  set_missing(job, "manualSelector", false);
}

void default_cron_job(Value& object) {
  auto& spec = object_in(object, "spec");
  set_empty(spec, "concurrencyPolicy", "Allow");
  set_missing(spec, "suspend", false);
  set_missing(spec, "successfulJobsHistoryLimit", 3);
  set_missing(spec, "failedJobsHistoryLimit", 1);
}

void default_failure_condition(Value& pattern) {
  set_empty(pattern, "status", "True");
}

Value scaling_policy(std::string_view type, int value) {
  return json::object({{"type", type}, {"value", value}, {"periodSeconds", 15}});
}

void default_autoscaler(Value& object) {
  auto& spec = object_in(object, "spec");
  set_missing(spec, "minReplicas", 1);
  if (list_at(spec, {"metrics"}).empty()) {
    Value target = json::object({{"type", "Utilization"}, {"averageUtilization", 80}});
    Value cpu = json::object({{"name", "cpu"}, {"target", std::move(target)}});
    spec.set("metrics", json::array({json::object({{"type", "Resource"}, {"resource", std::move(cpu)}})}));
  }
  auto* behavior = spec.find("behavior");
  if (behavior == nullptr || !behavior->is_object()) return;
  auto& up = object_in(*behavior, "scaleUp");
  set_missing(up, "stabilizationWindowSeconds", 0);
  set_missing(up, "selectPolicy", "Max");
  set_missing(up, "policies", json::array({scaling_policy("Pods", 4), scaling_policy("Percent", 100)}));
  auto& down = object_in(*behavior, "scaleDown");
  set_missing(down, "selectPolicy", "Max");
  set_missing(down, "policies", json::array({scaling_policy("Percent", 100)}));
}

constexpr std::pair<std::string_view, MessageDefaults> kWorkloadDefaults[] = {
    {"apps.v1.DaemonSet", default_daemon_set},
    {"apps.v1.Deployment", default_deployment},
    {"apps.v1.ReplicaSet", default_replica_set},
    {"apps.v1.StatefulSet", default_stateful_set},
    {"autoscaling.v2.HorizontalPodAutoscaler", default_autoscaler},
    {"batch.v1.CronJob", default_cron_job},
    {"batch.v1.Job", default_job},
    {"batch.v1.PodFailurePolicyOnPodConditionsPattern", default_failure_condition},
};

}  // namespace

MessageDefaults workload_defaults(std::string_view message) {
  const auto* const found =
      std::ranges::find(kWorkloadDefaults, message, &std::pair<std::string_view, MessageDefaults>::first);
  return found == std::end(kWorkloadDefaults) ? nullptr : found->second;
}

}  // namespace klutch::apiserver

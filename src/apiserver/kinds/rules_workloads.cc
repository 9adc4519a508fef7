// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>

#include "apiserver/kinds/checks.h"
#include "apiserver/kinds/fields.h"
#include "apiserver/kinds/kind_rules.h"
#include "json/build.h"

// Deployments and the like, jobs, pods.

namespace klutch::apiserver {
namespace {

using json::Value;

const ScalePaths kSelectorScale{{"spec", "replicas"}, {"status", "replicas"}, {"spec", "selector"}};

void prepare_pod(Value& object, Time /*now*/) {
  object.set("status", json::object({{"phase", "Pending"}, {"qosClass", "BestEffort"}}));
}

KindRules pod_rules() {
  KindRules rules;
  rules.counts_generations = true;
  rules.prepare_create = prepare_pod;
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
  return rules;
}

}  // namespace

std::optional<KindRules> workload_rules(std::string_view resource) {
  KindRules rules;
  rules.counts_generations = true;
  if (resource == "pods") return pod_rules();
  if (resource == "deployments.apps" || resource == "replicasets.apps" || resource == "statefulsets.apps" ||
      resource == "replicationcontrollers") {
    rules.scale = &kSelectorScale;
    if (resource == "replicationcontrollers" || resource == "replicasets.apps") {
      rules.selectable = {{"status.replicas", {"status", "replicas"}}};
    }
    return rules;
  }
  if (resource == "daemonsets.apps" || resource == "jobs.batch" || resource == "cronjobs.batch" ||
      resource == "podtemplates") {
    if (resource == "jobs.batch") rules.selectable = {{"status.successful", {"status", "succeeded"}}};
    return rules;
  }
  return std::nullopt;
}

}  // namespace klutch::apiserver

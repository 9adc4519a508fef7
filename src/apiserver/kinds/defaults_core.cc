// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <utility>

#include "apiserver/kinds/defaults.h"
#include "apiserver/kinds/fields.h"
#include "json/build.h"

// Defaults of core/v1 apart from pods.

namespace klutch::apiserver {
namespace {

using json::Value;

void default_namespace(Value& object) {
  const std::string name(text_at(object, {"metadata", "name"}));
  if (!name.empty()) object_in(object["metadata"], "labels").set("kubernetes.io/metadata.name", name);
}

void default_namespace_status(Value& status) {
  set_empty(status, "phase", "Active");
}

void default_secret(Value& object) {
  set_empty(object, "type", "Opaque");
}

bool is_externally_accessible(const Value& spec) {
  const auto type = text_at(spec, {"type"});
  if (type == "LoadBalancer" || type == "NodePort") return true;
  return type == "ClusterIP" && !list_at(spec, {"externalIPs"}).empty();
}

void default_session_affinity(Value& spec) {
  set_empty(spec, "sessionAffinity", "None");
  const auto affinity = text_at(spec, {"sessionAffinity"});
  if (affinity == "None") spec.erase("sessionAffinityConfig");
  if (affinity == "ClientIP" && !has_at(spec, {"sessionAffinityConfig", "clientIP", "timeoutSeconds"})) {
    spec.set("sessionAffinityConfig",
             json::object({{"clientIP", json::object({{"timeoutSeconds", 10800}})}}));
  }
}

void default_service(Value& object) {
  auto& spec = object_in(object, "spec");
  default_session_affinity(spec);
  set_empty(spec, "type", "ClusterIP");
  if (auto* ports = spec.find("ports"); ports != nullptr && ports->is_array()) {
    for (auto& port : ports->elements()) {
      set_empty(port, "protocol", "TCP");
      const auto& target = value_at(port, {"targetPort"});
      const bool is_unset = target.is_null() || (target.is_int() && target.as_int() == 0) ||
                            (target.is_string() && target.as_string().empty());
      if (is_unset) port.set("targetPort", number_at(port, {"port"}));
    }
  }
  const std::string type(text_at(spec, {"type"}));
  if (is_externally_accessible(spec)) set_empty(spec, "externalTrafficPolicy", "Cluster");
  if (type == "NodePort" || type == "LoadBalancer" || type == "ClusterIP") {
    set_missing(spec, "internalTrafficPolicy", "Cluster");
  }
  if (type == "LoadBalancer") set_missing(spec, "allocateLoadBalancerNodePorts", true);
  auto* status = object.find("status");
  auto* balancer = status == nullptr || type != "LoadBalancer" ? nullptr : status->find("loadBalancer");
  auto* ingress = balancer == nullptr ? nullptr : balancer->find("ingress");
  if (ingress == nullptr || !ingress->is_array()) return;
  for (auto& each : ingress->elements()) {
    if (!text_at(each, {"ip"}).empty()) set_missing(each, "ipMode", "VIP");
  }
}

void default_endpoint_port(Value& port) {
  set_empty(port, "protocol", "TCP");
}

void default_persistent_volume(Value& object) {
  set_empty(object_in(object, "status"), "phase", "Pending");
  auto& spec = object_in(object, "spec");
  set_empty(spec, "persistentVolumeReclaimPolicy", "Retain");
  set_missing(spec, "volumeMode", "Filesystem");
}

void default_claim(Value& object) {
  set_empty(object_in(object, "status"), "phase", "Pending");
}

void default_claim_spec(Value& spec) {
  set_missing(spec, "volumeMode", "Filesystem");
}

void default_node_status(Value& status) {
  const auto* capacity = status.find("capacity");
  if (capacity == nullptr || capacity->is_null()) return;
  Value copy = *capacity;
  set_missing(status, "allocatable", std::move(copy));
}

void copy_missing(const Value& from, Value& to) {
  for (const auto& [key, value] : map_at(from, {})) set_missing(to, key, value);
}

void default_limit(Value& item) {
  if (text_at(item, {"type"}) != "Container") return;
  auto limits = item.take("default").value_or(Value::empty_object());
  auto requests = item.take("defaultRequest").value_or(Value::empty_object());
  copy_missing(value_at(item, {"max"}), limits);
  copy_missing(limits, requests);
  copy_missing(value_at(item, {"min"}), requests);
  if (!limits.empty()) item.set("default", std::move(limits));
  if (!requests.empty()) item.set("defaultRequest", std::move(requests));
}

void default_replication_controller(Value& object) {
  const Value labels = value_at(object, {"spec", "template", "metadata", "labels"});
  if (!labels.is_object()) return;
  if (map_at(object, {"spec", "selector"}).empty()) object_in(object, "spec").set("selector", labels);
  if (map_at(object, {"metadata", "labels"}).empty()) object_in(object, "metadata").set("labels", labels);
}

constexpr std::pair<std::string_view, MessageDefaults> kCoreDefaults[] = {
    {"core.v1.EndpointPort", default_endpoint_port},
    {"core.v1.LimitRangeItem", default_limit},
    {"core.v1.Namespace", default_namespace},
    {"core.v1.NamespaceStatus", default_namespace_status},
    {"core.v1.NodeStatus", default_node_status},
    {"core.v1.PersistentVolume", default_persistent_volume},
    {"core.v1.PersistentVolumeClaim", default_claim},
    {"core.v1.PersistentVolumeClaimSpec", default_claim_spec},
    {"core.v1.ReplicationController", default_replication_controller},
    {"core.v1.Secret", default_secret},
    {"core.v1.Service", default_service},
};

}  // namespace

MessageDefaults core_defaults(std::string_view message) {
  const auto* const found =
      std::ranges::find(kCoreDefaults, message, &std::pair<std::string_view, MessageDefaults>::first);
  return found == std::end(kCoreDefaults) ? nullptr : found->second;
}

}  // namespace klutch::apiserver

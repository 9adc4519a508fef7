// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <utility>

#include "apiserver/kinds/defaults.h"
#include "apiserver/kinds/fields.h"
#include "json/build.h"

// Defaults of access, networks, storage, scheduling and webhooks.

namespace klutch::apiserver {
namespace {

using json::Value;

constexpr std::string_view kAccessGroup = "rbac.authorization.k8s.io";

void default_role_binding(Value& object) {
  set_empty(object_in(object, "roleRef"), "apiGroup", kAccessGroup);
}

void default_subject(Value& subject) {
  const auto kind = text_at(subject, {"kind"});
  if (kind == "User" || kind == "Group") set_empty(subject, "apiGroup", kAccessGroup);
}

void default_policy_port(Value& port) {
  set_missing(port, "protocol", "TCP");
}

void default_network_policy(Value& object) {
  auto& spec = object_in(object, "spec");
  if (!list_at(spec, {"policyTypes"}).empty()) return;
  Value types = json::array({"Ingress"});
  if (!list_at(spec, {"egress"}).empty()) types.push_back("Egress");
  spec.set("policyTypes", std::move(types));
}

void default_ingress_class(Value& object) {
  auto* parameters = object_in(object, "spec").find("parameters");
  if (parameters != nullptr && parameters->is_object()) set_missing(*parameters, "scope", "Cluster");
}

void default_slice_port(Value& port) {
  set_missing(port, "name", "");
  set_missing(port, "protocol", "TCP");
}

void default_storage_class(Value& object) {
  set_missing(object, "reclaimPolicy", "Delete");
  set_missing(object, "volumeBindingMode", "Immediate");
}

void default_driver(Value& object) {
  auto& spec = object_in(object, "spec");
  set_missing(spec, "attachRequired", true);
  set_missing(spec, "podInfoOnMount", false);
  set_missing(spec, "storageCapacity", false);
  set_missing(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
  if (list_at(spec, {"volumeLifecycleModes"}).empty()) {
    spec.set("volumeLifecycleModes", json::array({"Persistent"}));
  }
  set_missing(spec, "requiresRepublish", false);
  set_missing(spec, "seLinuxMount", false);
}

void default_priority_class(Value& object) {
  set_missing(object, "preemptionPolicy", "PreemptLowerPriority");
}

void default_match(Value& match) {
  set_missing(match, "matchPolicy", "Equivalent");
  set_missing(match, "namespaceSelector", Value::empty_object());
  set_missing(match, "objectSelector", Value::empty_object());
}

void default_webhook(Value& webhook) {
  set_missing(webhook, "failurePolicy", "Fail");
  default_match(webhook);
  set_missing(webhook, "timeoutSeconds", 10);
}

void default_mutating_webhook(Value& webhook) {
  default_webhook(webhook);
  set_missing(webhook, "reinvocationPolicy", "Never");
}

void default_rule(Value& rule) {
  set_missing(rule, "scope", "*");
}

void default_service_reference(Value& reference) {
  set_missing(reference, "port", 443);
}

void default_policy(Value& spec) {
  set_missing(spec, "failurePolicy", "Fail");
}

constexpr std::pair<std::string_view, MessageDefaults> kOtherDefaults[] = {
    {"admissionregistration.v1.MatchResources", default_match},
    {"admissionregistration.v1.MutatingWebhook", default_mutating_webhook},
    {"admissionregistration.v1.Rule", default_rule},
    {"admissionregistration.v1.ServiceReference", default_service_reference},
    {"admissionregistration.v1.ValidatingAdmissionPolicySpec", default_policy},
    {"admissionregistration.v1.ValidatingWebhook", default_webhook},
    {"apiregistration.v1.ServiceReference", default_service_reference},
    {"discovery.v1.EndpointPort", default_slice_port},
    {"networking.v1.IngressClass", default_ingress_class},
    {"networking.v1.NetworkPolicy", default_network_policy},
    {"networking.v1.NetworkPolicyPort", default_policy_port},
    {"rbac.v1.ClusterRoleBinding", default_role_binding},
    {"rbac.v1.RoleBinding", default_role_binding},
    {"rbac.v1.Subject", default_subject},
    {"scheduling.v1.PriorityClass", default_priority_class},
    {"storage.v1.CSIDriver", default_driver},
    {"storage.v1.StorageClass", default_storage_class},
};

}  // namespace

MessageDefaults other_defaults(std::string_view message) {
  const auto* const found =
      std::ranges::find(kOtherDefaults, message, &std::pair<std::string_view, MessageDefaults>::first);
  return found == std::end(kOtherDefaults) ? nullptr : found->second;
}

}  // namespace klutch::apiserver

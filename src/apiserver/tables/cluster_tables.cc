// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "apiserver/tables/cell_values.h"
#include "base/duration.h"
#include "base/strings.h"

// What serves the cluster itself: rights, leases, admission, storage classes, certificates, APIs.

namespace klutch::apiserver {
namespace {

using Cells = std::vector<json::Value>;

/// The names of all subjects of a kind; service accounts with their namespaces.
std::string subjects_text(const json::Value& binding, std::string_view kind) {
  std::vector<std::string> names;
  for (const json::Value& subject : list_at(binding, "subjects")) {
    if (text_at(subject, "kind") != kind) continue;
    auto name = text_at(subject, "name");
    if (kind == "ServiceAccount") name.insert(0, text_at(subject, "namespace") + "/");
    names.push_back(std::move(name));
  }
  return join(names, ", ");
}

Cells binding_cells(const json::Value& object, Time now) {
  return cells_of(name_of(object), text_at(object, "roleRef.kind") + "/" + text_at(object, "roleRef.name"),
                  age_of(object, now), subjects_text(object, "User"), subjects_text(object, "Group"),
                  subjects_text(object, "ServiceAccount"));
}

Cells lease_cells(const json::Value& object, Time now) {
  return cells_of(name_of(object), text_at(object, "spec.holderIdentity"), age_of(object, now));
}

Cells webhook_cells(const json::Value& object, Time now) {
  return cells_of(name_of(object), list_at(object, "webhooks").size(), age_of(object, now));
}

Cells policy_cells(const json::Value& object, Time now) {
  const json::Value& kind = value_at(object, "spec.paramKind");
  return cells_of(name_of(object), list_at(object, "spec.validations").size(),
                  kind.is_object() ? text_at(kind, "apiVersion") + "/" + text_at(kind, "kind") : "<unset>",
                  age_of(object, now));
}

Cells policy_binding_cells(const json::Value& object, Time now) {
  std::string param = "<unset>";
  if (const auto name = text_at(object, "spec.paramRef.name"); !name.empty()) {
    param = text_or(object, "spec.paramRef.namespace", "*") + "/" + name;
  }
  return cells_of(name_of(object), text_at(object, "spec.policyName"), param, age_of(object, now));
}

Cells storage_class_cells(const json::Value& object, Time now) {
  auto name = name_of(object);
  const json::Value& annotations = value_at(object, "metadata.annotations");
  for (const char* annotation :
       {"storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"}) {
    if (annotations.find_string(annotation) != "true") continue;
    name += " (default)";
    break;
  }
  return cells_of(name, text_at(object, "provisioner"), text_or(object, "reclaimPolicy", "Delete"),
                  text_or(object, "volumeBindingMode", "Immediate"), truth_at(object, "allowVolumeExpansion"),
                  age_of(object, now));
}

Cells volume_attributes_class_cells(const json::Value& object, Time now) {
  return cells_of(name_of(object), text_at(object, "driverName"), age_of(object, now));
}

Cells volume_attachment_cells(const json::Value& object, Time now) {
  return cells_of(name_of(object), text_at(object, "spec.attacher"),
                  text_at(object, "spec.source.persistentVolumeName"), text_at(object, "spec.nodeName"),
                  truth_at(object, "status.attached"), age_of(object, now));
}

Cells csi_node_cells(const json::Value& object, Time now) {
  return cells_of(name_of(object), list_at(object, "spec.drivers").size(), age_of(object, now));
}

Cells csi_driver_cells(const json::Value& object, Time now) {
  const json::Value& attach = value_at(object, "spec.attachRequired");
  std::vector<std::string> modes;
  for (const json::Value& mode : list_at(object, "spec.volumeLifecycleModes")) {
    if (mode.is_string()) modes.emplace_back(mode.as_string());
  }
  std::vector<std::string> audiences;
  for (const json::Value& request : list_at(object, "spec.tokenRequests")) {
    audiences.push_back(text_at(request, "audience"));
  }
  const bool has_requests = value_at(object, "spec.tokenRequests").is_array();
  return cells_of(name_of(object), !attach.is_bool() || attach.as_bool(),
                  truth_at(object, "spec.podInfoOnMount"), truth_at(object, "spec.storageCapacity"),
                  has_requests ? join(audiences, ",") : "<unset>", truth_at(object, "spec.requiresRepublish"),
                  none_if_empty(join(modes, ",")), age_of(object, now));
}

Cells csi_capacity_cells(const json::Value& object, Time /*now*/) {
  return cells_of(name_of(object), text_at(object, "storageClassName"),
                  text_or(object, "capacity", "<unset>"));
}

Cells priority_class_cells(const json::Value& object, Time now) {
  return cells_of(name_of(object), number_at(object, "value"), truth_at(object, "globalDefault"),
                  age_of(object, now), text_at(object, "preemptionPolicy"));
}

Cells runtime_class_cells(const json::Value& object, Time now) {
  return cells_of(name_of(object), text_at(object, "handler"), age_of(object, now));
}

std::string request_condition(const json::Value& object) {
  bool approved = false;
  bool denied = false;
  bool failed = false;
  for (const json::Value& condition : list_at(object, "status.conditions")) {
    const auto type = text_at(condition, "type");
    approved = approved || type == "Approved";
    denied = denied || type == "Denied";
    failed = failed || type == "Failed";
  }
  std::string text = denied ? "Denied" : approved ? "Approved" : "Pending";
  if (failed) text += ",Failed";
  if (!text_at(object, "status.certificate").empty()) text += ",Issued";
  return text;
}

Cells signing_request_cells(const json::Value& object, Time now) {
  const json::Value& seconds = value_at(object, "spec.expirationSeconds");
  return cells_of(name_of(object), age_of(object, now), text_or(object, "spec.signerName", "<none>"),
                  text_at(object, "spec.username"),
                  seconds.is_int()
                      ? format_age(std::chrono::seconds(number_at(object, "spec.expirationSeconds")))
                      : "<none>",
                  request_condition(object));
}

Cells api_service_cells(const json::Value& object, Time now) {
  const json::Value& service = value_at(object, "spec.service");
  std::string available = "Unknown";
  for (const json::Value& condition : list_at(object, "status.conditions")) {
    if (text_at(condition, "type") != "Available") continue;
    available = text_at(condition, "status");
    const auto reason = text_at(condition, "reason");
    if (available != "True" && !reason.empty()) available += " (" + reason + ")";
    break;
  }
  return cells_of(
      name_of(object),
      service.is_object() ? text_at(service, "namespace") + "/" + text_at(service, "name") : "Local",
      available, age_of(object, now));
}

constexpr std::string_view kBindingColumns = "Name!|Role|Age|Users*|Groups*|ServiceAccounts*";

constexpr KindTable kClusterTables[] = {
    {"admissionregistration.k8s.io", "mutatingwebhookconfigurations", "Name!|Webhooks:integer|Age",
     webhook_cells},
    {"admissionregistration.k8s.io", "validatingadmissionpolicies", "Name!|Validations:integer|ParamKind|Age",
     policy_cells},
    {"admissionregistration.k8s.io", "validatingadmissionpolicybindings", "Name!|PolicyName|ParamRef|Age",
     policy_binding_cells},
    {"admissionregistration.k8s.io", "validatingwebhookconfigurations", "Name!|Webhooks:integer|Age",
     webhook_cells},
    {"apiregistration.k8s.io", "apiservices", "Name!|Service|Available|Age", api_service_cells},
    {"certificates.k8s.io", "certificatesigningrequests",
     "Name!|Age|SignerName|Requestor|RequestedDuration|Condition", signing_request_cells},
    {"coordination.k8s.io", "leases", "Name!|Holder|Age", lease_cells},
    {"node.k8s.io", "runtimeclasses", "Name!|Handler|Age", runtime_class_cells},
    {"rbac.authorization.k8s.io", "clusterrolebindings", kBindingColumns, binding_cells},
    {"rbac.authorization.k8s.io", "rolebindings", kBindingColumns, binding_cells},
    {"scheduling.k8s.io", "priorityclasses",
     "Name!|Value:integer|Global-Default:boolean|Age|PreemptionPolicy", priority_class_cells},
    {"storage.k8s.io", "csidrivers",
     "Name!|AttachRequired:boolean|PodInfoOnMount:boolean|StorageCapacity:boolean|TokenRequests|"
     "RequiresRepublish:boolean|Modes|Age",
     csi_driver_cells},
    {"storage.k8s.io", "csinodes", "Name!|Drivers:integer|Age", csi_node_cells},
    {"storage.k8s.io", "csistoragecapacities", "Name!|StorageClassName|Capacity", csi_capacity_cells},
    {"storage.k8s.io", "storageclasses",
     "Name!|Provisioner|ReclaimPolicy|VolumeBindingMode|AllowVolumeExpansion|Age", storage_class_cells},
    {"storage.k8s.io", "volumeattachments", "Name!|Attacher!|PV|Node|Attached:boolean|Age",
     volume_attachment_cells},
    {"storage.k8s.io", "volumeattributesclasses", "Name!|DriverName|Age", volume_attributes_class_cells},
};

}  // namespace

std::span<const KindTable> cluster_tables() {
  return kClusterTables;
}

}  // namespace klutch::apiserver

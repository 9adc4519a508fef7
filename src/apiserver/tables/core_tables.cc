// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <set>

#include "apiserver/tables/cell_values.h"
#include "base/strings.h"

// The core group and events, without pods.

namespace klutch::apiserver {
namespace {

using Cells = std::vector<json::Value>;

Cells namespace_cells(const json::Value& object, Time now) {
  return cells_of(name_of(object), text_at(object, "status.phase"), age_of(object, now));
}

Cells config_map_cells(const json::Value& object, Time now) {
  const auto count = value_at(object, "data").size() + value_at(object, "binaryData").size();
  return cells_of(name_of(object), count, age_of(object, now));
}

Cells secret_cells(const json::Value& object, Time now) {
  return cells_of(name_of(object), text_at(object, "type"), value_at(object, "data").size(),
                  age_of(object, now));
}

Cells service_account_cells(const json::Value& object, Time now) {
  return cells_of(name_of(object), list_at(object, "secrets").size(), age_of(object, now));
}

/// Of events in both of their groups: the names of the fields that differ.
struct EventFields {
  std::string_view object;
  std::string_view message;
  std::string_view first;
  std::string_view last;
  std::string_view count;
  std::string_view source;
  std::string_view reporter;
};

std::string event_source(const json::Value& event, const EventFields& fields) {
  const json::Value& source = value_at(event, fields.source);
  const auto component = text_or(source, "component", text_at(event, fields.reporter));
  const auto instance = text_or(source, "host", text_at(event, "reportingInstance"));
  return instance.empty() ? component : component + ", " + instance;
}

Cells event_row(const json::Value& event, Time now, const EventFields& fields) {
  const bool has_first = !value_at(event, fields.first).is_null();
  const auto first = since(event, has_first ? fields.first : "eventTime", now);
  auto last = value_at(event, fields.last).is_null() ? first : since(event, fields.last, now);
  auto count = number_at(event, fields.count);
  if (value_at(event, "series").is_object()) {
    last = since(event, "series.lastObservedTime", now);
    count = number_at(event, "series.count");
  } else if (count == 0) {
    count = 1;
  }
  const json::Value& object = value_at(event, fields.object);
  auto target = to_lower(text_at(object, "kind"));
  if (const auto name = text_at(object, "name"); !name.empty()) target += "/" + name;
  return cells_of(last, text_at(event, "type"), text_at(event, "reason"), target,
                  text_at(object, "fieldPath"), event_source(event, fields),
                  trim(text_at(event, fields.message)), first, count, name_of(event));
}

Cells event_cells(const json::Value& event, Time now) {
  return event_row(event, now,
                   {"involvedObject", "message", "firstTimestamp", "lastTimestamp", "count", "source",
                    "reportingComponent"});
}

Cells new_event_cells(const json::Value& event, Time now) {
  return event_row(event, now,
                   {"regarding", "note", "deprecatedFirstTimestamp", "deprecatedLastTimestamp",
                    "deprecatedCount", "deprecatedSource", "reportingController"});
}

std::string node_status(const json::Value& node) {
  std::string status;
  for (const json::Value& condition : list_at(node, "status.conditions")) {
    if (text_at(condition, "type") != "Ready") continue;
    status = text_at(condition, "status") == "True" ? "Ready" : "NotReady";
  }
  if (status.empty()) status = "Unknown";
  return truth_at(node, "spec.unschedulable") ? status + ",SchedulingDisabled" : status;
}

std::string node_roles(const json::Value& node) {
  constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
  std::set<std::string> roles;
  const json::Value& labels = value_at(node, "metadata.labels");
  if (!labels.is_object()) return "<none>";
  for (const auto& [name, value] : labels.members()) {
    if (name.starts_with(kPrefix) && name != kPrefix) roles.emplace(name.substr(kPrefix.size()));
    if (name == "kubernetes.io/role" && value.is_string() && value != json::Value("")) {
      roles.emplace(value.as_string());
    }
  }
  return none_if_empty(join(roles, ","));
}

std::string node_address(const json::Value& node, std::string_view type) {
  for (const json::Value& address : list_at(node, "status.addresses")) {
    if (text_at(address, "type") == type) return text_at(address, "address");
  }
  return "<none>";
}

Cells node_cells(const json::Value& node, Time now) {
  const json::Value& info = value_at(node, "status.nodeInfo");
  return cells_of(name_of(node), node_status(node), node_roles(node), age_of(node, now),
                  text_at(info, "kubeletVersion"), node_address(node, "InternalIP"),
                  node_address(node, "ExternalIP"), text_or(info, "osImage", "<unknown>"),
                  text_or(info, "kernelVersion", "<unknown>"),
                  text_or(info, "containerRuntimeVersion", "<unknown>"));
}

/// "RWO,ROX": each mode once, in a fixed order.
std::string access_modes(const json::Value& object, std::string_view path) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kModes = {
      {{"ReadWriteOnce", "RWO"},
       {"ReadOnlyMany", "ROX"},
       {"ReadWriteMany", "RWX"},
       {"ReadWriteOncePod", "RWOP"}}};
  std::vector<std::string_view> modes;
  for (const auto& [name, text] : kModes) {
    const auto modes_given = list_at(object, path);
    if (std::ranges::find(modes_given, json::Value(name)) != modes_given.end()) modes.push_back(text);
  }
  return join(modes, ",");
}

std::string storage_class(const json::Value& object) {
  const json::Value& annotations = value_at(object, "metadata.annotations");
  const auto old = annotations.find_string("volume.beta.kubernetes.io/storage-class");
  return old ? std::string(*old) : text_at(object, "spec.storageClassName");
}

std::string volume_phase(const json::Value& object) {
  return is_being_deleted(object) ? "Terminating" : text_at(object, "status.phase");
}

Cells volume_cells(const json::Value& object, Time now) {
  const json::Value& claim = value_at(object, "spec.claimRef");
  return cells_of(name_of(object), text_or(object, "spec.capacity.storage", "0"),
                  access_modes(object, "spec.accessModes"),
                  text_at(object, "spec.persistentVolumeReclaimPolicy"), volume_phase(object),
                  claim.is_object() ? text_at(claim, "namespace") + "/" + text_at(claim, "name") : "",
                  storage_class(object), text_or(object, "spec.volumeAttributesClassName", "<unset>"),
                  text_at(object, "status.reason"), age_of(object, now),
                  text_or(object, "spec.volumeMode", "<unset>"));
}

Cells claim_cells(const json::Value& object, Time now) {
  const auto volume = text_at(object, "spec.volumeName");
  const bool bound = !volume.empty();
  return cells_of(name_of(object), volume_phase(object), volume,
                  bound ? text_or(object, "status.capacity.storage", "0") : "",
                  bound ? access_modes(object, "status.accessModes") : "", storage_class(object),
                  text_or(object, "spec.volumeAttributesClassName", "<unset>"), age_of(object, now),
                  text_or(object, "spec.volumeMode", "<unset>"));
}

Cells quota_cells(const json::Value& object, Time now) {
  std::vector<std::string> names;
  const json::Value& hard = value_at(object, "status.hard");
  if (hard.is_object()) {
    for (const auto& member : hard.members()) names.emplace_back(member.key());
  }
  std::ranges::sort(names);
  std::vector<std::string> requests;
  std::vector<std::string> limits;
  const json::Value& used = value_at(object, "status.used");
  for (const std::string& name : names) {
    auto& column = name.starts_with("limits.") ? limits : requests;
    column.push_back(name + ": " + std::string(used.find_string(name).value_or("0")) + "/" +
                     std::string(hard.find_string(name).value_or("0")));
  }
  return cells_of(name_of(object), join(requests, ", "), join(limits, ", "), age_of(object, now));
}

constexpr std::string_view kEventColumns =
    "Last Seen|Type|Reason|Object|Subobject*|Source*|Message|First Seen*|Count*|Name!*";

constexpr KindTable kCoreTables[] = {
    {"", "configmaps", "Name!|Data|Age", config_map_cells},
    {"", "events", kEventColumns, event_cells},
    {"events.k8s.io", "events", kEventColumns, new_event_cells},
    {"", "namespaces", "Name!|Status|Age", namespace_cells},
    {"", "nodes",
     "Name!|Status|Roles|Age|Version|Internal-IP*|External-IP*|OS-Image*|Kernel-Version*|Container-Runtime*",
     node_cells},
    {"", "persistentvolumeclaims",
     "Name!|Status|Volume|Capacity|Access Modes|StorageClass|VolumeAttributesClass|Age|VolumeMode*",
     claim_cells},
    {"", "persistentvolumes",
     "Name!|Capacity|Access Modes|Reclaim Policy|Status|Claim|StorageClass|VolumeAttributesClass|Reason|Age|"
     "VolumeMode*",
     volume_cells},
    {"", "pods", "Name!|Ready|Status|Restarts|Age|IP*|Node*|Nominated Node*|Readiness Gates*", pod_cells},
    {"", "resourcequotas", "Name!|Request|Limit|Age", quota_cells},
    {"", "secrets", "Name!|Type|Data|Age", secret_cells},
    {"", "serviceaccounts", "Name!|Secrets|Age", service_account_cells},
};

}  // namespace

std::span<const KindTable> core_tables() {
  return kCoreTables;
}

}  // namespace klutch::apiserver

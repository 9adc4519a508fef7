// SPDX-License-Identifier: Apache-2.0
#include "apiserver/kinds/pods.h"

#include <algorithm>
#include <limits>

#include "apiserver/builtin/quantity.h"
#include "apiserver/kinds/checks.h"
#include "apiserver/kinds/fields.h"
#include "base/strings.h"

namespace klutch::apiserver {
namespace {

using json::Value;
using Names = std::set<std::string, std::less<>>;

/// What a kind of volume cannot do without.
void check_volume_source(FieldErrors& errors, std::string_view kind, const Value& source,
                         const FieldPath& path) {
  const std::string_view field = kind == "secret"                  ? "secretName"
                                 : kind == "configMap"             ? "name"
                                 : kind == "persistentVolumeClaim" ? "claimName"
                                 : kind == "hostPath"              ? "path"
                                 : kind == "csi"                   ? "driver"
                                                                   : "";
  if (field.empty() || !text_at(source, {field}).empty()) return;
  errors.push_back(FieldError::required(path.child(field)));
}

/// The names of the good ones.
Names check_volumes(FieldErrors& errors, const Value& spec, const FieldPath& path) {
  Names names;
  const auto volumes = list_at(spec, {"volumes"});
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    const auto at = path.child("volumes").index(i);
    FieldErrors found;
    int sources = 0;
    for (const auto& [kind, source] : map_at(volumes[i], {})) {
      if (kind == "name" || source.is_null()) continue;
      if (++sources > 1) {
        found.push_back(FieldError::forbidden(at.child(kind), "may not specify more than 1 volume type"));
      } else {
        check_volume_source(found, kind, source, at.child(kind));
      }
    }
    const auto name = text_at(volumes[i], {"name"});
    if (name.empty()) {
      found.push_back(FieldError::required(at.child("name")));
    } else {
      add_problems(found, at.child("name"), name, check_dns1123_label(name));
    }
    if (names.contains(name)) found.push_back(FieldError::duplicate(at.child("name"), name));
    if (found.empty()) names.emplace(name);
    append(errors, std::move(found));
  }
  return names;
}

void check_containers(FieldErrors& errors, const Value& spec, const FieldPath& path, const Names& volumes) {
  std::set<std::string_view> names;
  const auto containers = list_at(spec, {"containers"});
  if (containers.empty()) errors.push_back(FieldError::required(path.child("containers")));
  const auto check_name = [&](const Value& container, const FieldPath& at) {
    const auto name = text_at(container, {"name"});
    if (names.insert(name).second || name.empty()) return;
    errors.push_back(FieldError::duplicate(at.child("name"), name));
  };
  for (std::size_t i = 0; i < containers.size(); ++i) {
    const auto at = path.child("containers").index(i);
    check_container(errors, containers[i], at, volumes);
    check_name(containers[i], at);
    check_probes(errors, containers[i], at);
  }
  const auto first = list_at(spec, {"initContainers"});
  for (std::size_t i = 0; i < first.size(); ++i) {
    const auto at = path.child("initContainers").index(i);
    check_container(errors, first[i], at, volumes);
    check_name(first[i], at);
    if (text_at(first[i], {"restartPolicy"}) == "Always") {
      check_probes(errors, first[i], at);
      continue;
    }
    for (const std::string_view name : {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"}) {
      if (!has_at(first[i], {name})) continue;
      errors.push_back(FieldError::forbidden(
          at.child(name), "may not be set for init containers without restartPolicy=Always"));
    }
  }
}

void check_pod_name(FieldErrors& errors, const Value& spec, const FieldPath& path, std::string_view field,
                    Problems (*check)(std::string_view)) {
  const auto name = text_at(spec, {field});
  if (!name.empty()) add_problems(errors, path.child(field), name, check(name));
}

}  // namespace

void check_pod_spec(FieldErrors& errors, const Value& spec, const FieldPath& path,
                    const PodContext& context) {
  auto volumes = check_volumes(errors, spec, path);
  volumes.insert(context.more_volumes.begin(), context.more_volumes.end());
  check_containers(errors, spec, path, volumes);
  check_supported(errors, path.child("restartPolicy"), text_at(spec, {"restartPolicy"}),
                  {"Always", "OnFailure", "Never"});
  check_supported(errors, path.child("dnsPolicy"), text_at(spec, {"dnsPolicy"}),
                  {"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"});
  check_labels(errors, map_at(spec, {"nodeSelector"}), path.child("nodeSelector"));
  check_pod_name(errors, spec, path, "serviceAccountName", check_dns1123_subdomain);
  check_pod_name(errors, spec, path, "nodeName", check_dns1123_subdomain);
  const auto deadline = number_at(spec, {"activeDeadlineSeconds"});
  constexpr std::int64_t kMax = std::numeric_limits<std::int32_t>::max();
  if (has_at(spec, {"activeDeadlineSeconds"}) && (deadline < 1 || deadline > kMax)) {
    errors.push_back(FieldError::invalid(path.child("activeDeadlineSeconds"), deadline,
                                         "must be between 1 and 2147483647, inclusive"));
  }
  check_pod_name(errors, spec, path, "hostname", check_dns1123_label);
  check_pod_name(errors, spec, path, "subdomain", check_dns1123_label);
  check_pod_name(errors, spec, path, "priorityClassName", check_dns1123_subdomain);
  check_pod_name(errors, spec, path, "runtimeClassName", check_dns1123_subdomain);
}

void check_pod_template(FieldErrors& errors, const Value& pod_template, const FieldPath& path,
                        const PodContext& context) {
  check_labels(errors, map_at(pod_template, {"metadata", "labels"}), path.child("labels"));
  for (const auto& [key, value] : map_at(pod_template, {"metadata", "annotations"})) {
    add_problems(errors, path.child("annotations"), key, check_qualified_name(to_lower(key)));
  }
  check_pod_spec(errors, value_at(pod_template, {"spec"}), path.child("spec"), context);
  if (!list_at(pod_template, {"spec", "ephemeralContainers"}).empty()) {
    errors.push_back(FieldError::forbidden(path.child("spec").child("ephemeralContainers"),
                                           "ephemeral containers not allowed in pod template"));
  }
}

std::string_view qos_class(const Value& spec) {
  bool any = false;
  bool all = true;
  for (const std::string_view list : {"containers", "initContainers"}) {
    for (const auto& container : list_at(spec, {list})) {
      const auto& limits = value_at(container, {"resources", "limits"});
      const auto& requests = value_at(container, {"resources", "requests"});
      for (const std::string_view name : {"cpu", "memory"}) {
        const bool limited = has_at(limits, {name});
        const bool requested = has_at(requests, {name});
        any = any || limited || requested;
        all = all && limited && (!requested || value_at(limits, {name}) == value_at(requests, {name}));
      }
    }
  }
  return !any ? "BestEffort" : all ? "Guaranteed" : "Burstable";
}

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "apiserver/schema/field_error.h"
#include "json/value.h"

// What may stand in pods and pod templates (k8s.io/kubernetes 1.34, ValidatePodSpec), as far as people write
// it: containers, ports, environment, volumes and mounts, probes, resources, policies. Security contexts,
// affinity and what is rarer are not looked into. Pure; private to this library.

namespace klutch::apiserver {

struct PodContext {
  /// Volumes that mounts may name besides those of the pod.
  std::set<std::string, std::less<>> more_volumes = {};
};

void check_pod_spec(FieldErrors& errors, const json::Value& spec, const FieldPath& path,
                    const PodContext& context = {});
void check_pod_template(FieldErrors& errors, const json::Value& pod_template, const FieldPath& path,
                        const PodContext& context = {});

/// One of the containers of a pod. Names are checked against others by the caller.
void check_container(FieldErrors& errors, const json::Value& container, const FieldPath& path,
                     const std::set<std::string, std::less<>>& volumes);
void check_probes(FieldErrors& errors, const json::Value& container, const FieldPath& path);
/// Limits and requests.
void check_resources(FieldErrors& errors, const json::Value& resources, const FieldPath& path);

/// "Guaranteed", "Burstable" or "BestEffort".
std::string_view qos_class(const json::Value& spec);

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/registry/registry.h"
#include "json/value.h"

// What discovery says, as JSON: the types of meta.k8s.io/v1 (APIVersions, APIGroupList, APIGroup,
// APIResourceList) and APIGroupDiscoveryList of apidiscovery.k8s.io. Pure functions of what a Registry holds.

namespace klutch::apiserver {

/// Groups as API servers list them, without the core group: those of Kubernetes by their priorities, then
/// others by name. Refers to `groups`.
std::vector<const Registry::Group*> listed_groups(const std::vector<Registry::Group>& groups);

/// `/api`. `authority`: host and port that the client reached us by; empty: unknown.
json::Value api_versions(std::string_view authority);
/// `/apis`
json::Value api_group_list(const std::vector<Registry::Group>& groups);
/// `/apis/{group}`
json::Value api_group(const Registry::Group& group);
/// `/api/v1`, `/apis/{group}/{version}`
json::Value api_resource_list(std::string_view group, const Registry::Version& version);
/// `/api` (`core`) and `/apis` aggregated; `version` is "v2" or "v2beta1".
json::Value group_discovery_list(const std::vector<Registry::Group>& groups, bool core,
                                 std::string_view version);

/// `/`: everything above and `others`, sorted.
json::Value path_list(const std::vector<Registry::Group>& groups, const std::vector<std::string>& others);

/// `/version`
json::Value server_version();

}  // namespace klutch::apiserver

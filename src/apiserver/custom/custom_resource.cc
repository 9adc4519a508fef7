// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/custom_resource.h"

#include <memory>
#include <utility>

#include "apiserver/custom/custom_behavior.h"
#include "apiserver/custom/custom_table.h"
#include "apiserver/custom/served_definition.h"

namespace klutch::apiserver {
namespace {

std::vector<SubresourceDescription> subresources_of(const ServedVersion& version,
                                                    const kube::ResourceType& type) {
  const std::vector<std::string> verbs = {"get", "patch", "update"};
  std::vector<SubresourceDescription> all;
  if (version.has_status) {
    all.push_back({.name = "status", .api_version = type.api_version(), .kind = type.kind, .verbs = verbs});
  }
  if (version.scale) {
    all.push_back({.name = "scale", .api_version = "autoscaling/v1", .kind = "Scale", .verbs = verbs});
  }
  return all;
}

}  // namespace

std::vector<ServedPtr> custom_resources_of(const StoredPtr& definition, SchemaPool& pool) {
  const auto shared = ServedDefinition::read(definition, pool);
  if (shared == nullptr) return {};
  std::vector<ServedPtr> all;
  for (std::size_t i = 0; i < shared->versions().size(); ++i) {
    const ServedVersion& version = shared->versions()[i];
    if (!version.served) continue;
    auto served = std::make_shared<ServedResource>();
    served->description = shared->description();
    served->description.type.version = version.name;
    served->description.subresources = subresources_of(version, served->description.type);
    served->description.deprecation_warning = version.deprecation_warning;
    served->storage_type = served->description.type.group_resource().to_string();
    served->stored_api_version = shared->api_version(shared->storage_version());
    served->behavior = std::make_shared<CustomBehavior>(shared, i);
    served->table = std::make_shared<CustomTable>(shared, i);
    all.push_back(std::move(served));
  }
  return all;
}

}  // namespace klutch::apiserver

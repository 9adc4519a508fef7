// SPDX-License-Identifier: Apache-2.0
#include "apiserver/verbs/object_quota.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "apiserver/builtin/quantity.h"
#include "apiserver/verbs/api_errors.h"

namespace klutch::apiserver {
namespace {

/// Core resources that quotas also know by their plain name.
constexpr std::string_view kPlainNames[] = {"configmaps",     "persistentvolumeclaims", "pods",    "secrets",
                                            "resourcequotas", "replicationcontrollers", "services"};

/// Under which names a quota counts this resource, sorted.
std::vector<std::string> names_in_quotas(const kube::ResourceType& type) {
  std::vector<std::string> names = {"count/" + type.to_string()};
  const bool is_plain =
      type.group.empty() && std::ranges::find(kPlainNames, type.resource) != std::end(kPlainNames);
  if (is_plain) names.push_back(type.resource);
  std::ranges::sort(names);
  return names;
}

/// "count/secrets=1,secrets=1"
void add_entry(std::string& list, std::string_view name, std::string_view number) {
  if (!list.empty()) list += ',';
  list.append(name).append("=").append(number);
}

}  // namespace

Result<> ObjectQuota::admit(const Change& change) const {
  const auto& type = change.resource.description.type;
  if (change.operation != Change::Operation::kCreate || !change.subresource.empty() || !type.namespaced) {
    return {};
  }
  if (storage_.count("resourcequotas", change.key.ns) == 0) return {};
  const auto quotas = storage_.list("resourcequotas", {.ns = change.key.ns});
  if (!quotas) return {};
  const auto names = names_in_quotas(type);
  const auto used = static_cast<std::int64_t>(storage_.count_latest(change.resource.storage_type, change.key.ns));
  for (const auto& stored : quotas->objects) {
    const auto quota = stored->to_value();
    const auto* spec = quota.find("spec");
    const auto* hard = spec == nullptr ? nullptr : spec->find("hard");
    if (hard == nullptr) continue;
    std::string requested;
    std::string counted;
    std::string limited;
    for (const auto& name : names) {
      const auto limit = Quantity::parse(hard->find_string(name).value_or(""));
      if (!limit || limit->compare(Quantity(used + 1)) >= 0) continue;
      add_entry(requested, name, "1");
      add_entry(counted, name, std::to_string(used));
      add_entry(limited, name, limit->to_string());
    }
    if (requested.empty()) continue;
    return fail(object_forbidden(type.group_resource(), change.key.name,
                                 fmt::format("exceeded quota: {}, requested: {}, used: {}, limited: {}",
                                             stored->key().name, requested, counted, limited)));
  }
  return {};
}

}  // namespace klutch::apiserver

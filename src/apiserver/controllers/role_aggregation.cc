// SPDX-License-Identifier: Apache-2.0
#include "apiserver/controllers/role_aggregation.h"

#include <algorithm>
#include <utility>

#include "kube/api/object.h"
#include "kube/api/selector.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kClusterRoles = "clusterroles.rbac.authorization.k8s.io";

Result<std::vector<kube::LabelSelector>> selectors_of(const json::Value& rule) {
  std::vector<kube::LabelSelector> selectors;
  const auto* list = rule.find_array("clusterRoleSelectors");
  if (list == nullptr) return selectors;
  for (const auto& each : list->elements()) selectors.push_back(TRY(kube::LabelSelector::from_json(each)));
  return selectors;
}

}  // namespace

void RoleAggregation::begin(const ControllerAccess& access, const Enqueue& enqueue) {
  for (const auto& role : access.list(kClusterRoles)) {
    if (!role.contains("aggregationRule")) continue;
    aggregates_.emplace(kube::name(role));
    enqueue(std::string(kube::name(role)));
  }
}

void RoleAggregation::observe(std::string_view type, const StoreEvent& event, const Enqueue& enqueue) {
  if (type != kClusterRoles) return;
  const std::string& changed = event.after->key().name;
  if (event.deleted) {
    aggregates_.erase(changed);
  } else if (event.after->bytes().find("\"aggregationRule\"") != std::string_view::npos) {
    aggregates_.insert(changed);
  }
  for (const auto& role : aggregates_) enqueue(role);
}

Result<std::optional<Duration>> RoleAggregation::reconcile(Ctx& ctx, ControllerAccess& access,
                                                           const std::string& key) {
  auto role = access.get(kClusterRoles, {"", key});
  const auto* rule = role ? role->find_object("aggregationRule") : nullptr;
  if (rule == nullptr) return kUntilChange;
  const auto selectors = TRY(selectors_of(*rule));
  json::Value rules = json::Value::empty_array();
  for (const auto& other : access.list(kClusterRoles)) {  // sorted by name
    const bool selected = std::ranges::any_of(
        selectors, [&](const kube::LabelSelector& selector) { return selector.matches(other); });
    const auto* more = other.find_array("rules");
    if (!selected || more == nullptr || kube::name(other) == key) continue;
    for (const auto& each : more->elements()) {
      if (std::ranges::find(rules.elements(), each) == rules.elements().end()) rules.push_back(each);
    }
  }
  const auto* present = role->find("rules");
  if (present != nullptr && *present == rules) return kUntilChange;
  role->set("rules", std::move(rules));
  TRY(access.update(ctx, kClusterRoles, *std::move(role)));
  return kUntilChange;
}

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#include "apiserver/server/served_builtins.h"

#include <utility>

#include "apiserver/access/escalation_check.h"
#include "apiserver/access/reviews.h"
#include "apiserver/custom/definition.h"
#include "apiserver/kinds/builtin_resources.h"
#include "apiserver/kinds/service_addresses.h"
#include "apiserver/tables/tables.h"
#include "apiserver/verbs/namespace_lifecycle.h"
#include "apiserver/verbs/object_quota.h"
#include "json/build.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

/// Evicting a pod is deleting it: there are no disruption budgets to respect without pods that run.
Action eviction(Registry& registry, Verbs& verbs) {
  return [&registry, &verbs](Ctx& ctx, const ActionRequest& asked,
                             const json::Value& /*review*/) -> Result<json::Value> {
    const auto pods = registry.find("", "v1", "pods");
    TRY(verbs.remove(ctx, pods, asked.key, asked.user, {.dry_run = asked.dry_run}));
    return json::object({{"kind", "Status"},
                         {"apiVersion", "v1"},
                         {"metadata", json::object()},
                         {"status", "Success"},
                         {"code", 201}});
  };
}

}  // namespace

std::vector<ServedPtr> served_builtins(const BuiltinParts& parts) {
  BuiltinOptions options;
  options.actions = review_actions(parts.access, parts.authenticator, parts.clock);
  options.actions["serviceaccounts/token"] = token_request_action(parts.storage, parts.tokens, parts.clock);
  options.actions["pods/eviction"] = eviction(parts.registry, parts.verbs);
  options.definitions = definition_behavior(parts.schemas);
  options.table = builtin_table;
  options.addresses = std::make_shared<StoredServiceAddresses>(parts.storage);
  return builtin_resources(options);
}

std::vector<std::shared_ptr<const Admission>> server_admission(Storage& storage, const Access& access) {
  return {std::make_shared<NamespaceLifecycle>(storage), std::make_shared<EscalationCheck>(access),
          std::make_shared<ObjectQuota>(storage)};
}

}  // namespace klutch::apiserver

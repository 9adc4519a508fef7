// SPDX-License-Identifier: Apache-2.0
#include "apiserver/access/escalation_check.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "apiserver/auth/bootstrap_policy.h"
#include "apiserver/verbs/api_errors.h"
#include "json/value.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

using json::Value;

/// Members of metadata that the garbage collector writes, and the server itself.
constexpr std::array<std::string_view, 6> kCollectorFields = {
    "finalizers", "generation", "managedFields", "ownerReferences", "resourceVersion", "selfLink"};

Value without_collector_fields(const Value& object) {
  Value copy = object;
  if (Value* metadata = copy.find("metadata"); metadata != nullptr && metadata->is_object()) {
    metadata->erase_if([](const json::Member& member) {
      return std::ranges::find(kCollectorFields, member.key()) != kCollectorFields.end();
    });
  }
  return copy;
}

/// What frees an object for its deletion grants nothing.
bool changes_only_collector_fields(const Value& object, const Value* old) {
  return old != nullptr && without_collector_fields(object) == without_collector_fields(*old);
}

bool gathers_others(const Value* role) {
  const Value* rule = role == nullptr ? nullptr : role->find_object("aggregationRule");
  const Value* selectors = rule == nullptr ? nullptr : rule->find_array("clusterRoleSelectors");
  return selectors != nullptr && !selectors->empty();
}

const PolicyRules& full_authority() {
  static const PolicyRules rules = {{.verbs = {"*"}, .api_groups = {"*"}, .resources = {"*"}},
                                    {.verbs = {"*"}, .non_resource_urls = {"*"}}};
  return rules;
}

RequestAttributes special_verb(std::string verb, std::string resource, const std::string& ns,
                               std::string name) {
  return {.is_resource = true,
          .verb = std::move(verb),
          .group = std::string(kRbacGroup),
          .version = "*",
          .ns = ns,
          .resource = std::move(resource),
          .name = std::move(name)};
}

}  // namespace

Result<> EscalationCheck::admit(const Change& change) const {
  const auto& type = change.resource.description.type;
  if (type.group != kRbacGroup || change.object == nullptr) return {};
  if (change.user.in_group(kMastersGroup)) return {};
  if (type.resource == "roles" || type.resource == "clusterroles") return admit_role(change);
  if (type.resource == "rolebindings" || type.resource == "clusterrolebindings") return admit_binding(change);
  return {};
}

Result<> EscalationCheck::admit_role(const Change& change) const {
  const auto& type = change.resource.description.type;
  // A role that is being created has no name for those who are allowed to escalate by name.
  const std::string name = change.old == nullptr ? "" : change.key.name;
  if (access_.decide(change.user, special_verb("escalate", type.resource, change.key.ns, name)).allowed) {
    return {};
  }
  if (changes_only_collector_fields(*change.object, change.old)) return {};
  TRY(require_held(change, policy_rules_of(*change.object)));
  if (!gathers_others(change.object) && !gathers_others(change.old)) return {};
  const auto held = rules_for(access_.objects(), change.user, change.key.ns);
  if (missing_rules(held, full_authority()).empty()) return {};
  return fail(object_forbidden(type.group_resource(), change.key.name,
                               "must have cluster-admin privileges to use the aggregationRule"));
}

Result<> EscalationCheck::admit_binding(const Change& change) const {
  if (changes_only_collector_fields(*change.object, change.old)) return {};
  const Binding binding = Binding::from_json(*change.object);
  const bool is_role = binding.role_kind == "Role";
  const std::string& ns = change.key.ns;
  const std::string resource = is_role ? "roles" : "clusterroles";
  if (access_.decide(change.user, special_verb("bind", resource, ns, binding.role_name)).allowed) return {};
  const auto rules = access_.objects().rules_of_role(is_role ? ns : "", binding.role_name);
  if (rules == nullptr) {
    // So says kube-apiserver: it names the resource of the request.
    return fail(object_not_found(change.resource.description.type.group_resource(), binding.role_name));
  }
  return require_held(change, *rules);
}

Result<> EscalationCheck::require_held(const Change& change, const PolicyRules& wanted) const {
  const auto missing = missing_rules(rules_for(access_.objects(), change.user, change.key.ns), wanted);
  if (missing.empty()) return {};
  const auto type = change.resource.description.type.group_resource();
  auto message = escalation_message(change.user, missing);
  std::string lost;
  for (const auto& role : missing_roles(access_.objects(), change.user, change.key.ns)) {
    lost += (lost.empty() ? "" : " ") + object_not_found(type, role.name).message();
  }
  if (!lost.empty()) message += "; resolution errors: [" + lost + "]";
  return fail(object_forbidden(type, change.key.name, message));
}

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/bootstrap_policy.h"

#include <algorithm>
#include <utility>

#include "apiserver/auth/rbac.h"
#include "base/check.h"
#include "base/strings.h"
#include "json/build.h"
#include "kube/api/object.h"

namespace klutch::embedded {
extern const std::string_view kBootstrapPolicy;
}  // namespace klutch::embedded

namespace klutch::apiserver {
namespace {

using json::Value;

constexpr std::string_view kAutoUpdate = "rbac.authorization.kubernetes.io/autoupdate";
constexpr std::string_view kAggregate = "rbac.authorization.k8s.io/aggregate-to-";
constexpr std::string_view kPolicyVersion = "rbac.authorization.k8s.io/v1";

Value blank_policy_object(std::string_view kind, const kube::Key& key) {
  auto metadata = json::object({{"name", key.name}});
  if (!key.ns.empty()) metadata.set("namespace", key.ns);
  metadata.set("labels", json::object({{"kubernetes.io/bootstrapping", "rbac-defaults"}}));
  metadata.set("annotations", json::object({{kAutoUpdate, "true"}}));
  return json::object({{"apiVersion", kPolicyVersion}, {"kind", kind}, {"metadata", std::move(metadata)}});
}

/// Reads bootstrap_policy.txt; a line that it does not understand is a mistake of ours, so it aborts.
class PolicyReader {
 public:
  std::vector<BootstrapObject> read(std::string_view text) {
    for (const auto line : split(text, '\n')) {
      if (!line.empty() && !line.starts_with('#')) read_line(split(trim(line), ' '));
    }
    return std::move(objects_);
  }

 private:
  using PolicyWords = std::vector<std::string_view>;

  static std::string_view word(const PolicyWords& words, std::string_view name) {
    for (const auto candidate : words) {
      const auto pair = split_once(candidate, "=");
      if (pair && pair->first == name) return pair->second;
    }
    return {};
  }

  static std::vector<std::string> list(const PolicyWords& words, std::string_view name) {
    std::vector<std::string> texts;
    const auto value = word(words, name);
    if (value.empty()) return texts;
    for (const auto text : split(value, ',')) {
      texts.emplace_back(name == "groups" && text == "core" ? "" : text);
    }
    return texts;
  }

  void read_line(const PolicyWords& words) {
    if (words[0] == "role") return add_role(words);
    if (words[0] == "binding") return add_binding(words);
    CHECK(words[0] == "rule" && !objects_.empty());
    const PolicyRule rule{.verbs = list(words, "verbs"),
                          .api_groups = list(words, "groups"),
                          .resources = list(words, "resources"),
                          .resource_names = list(words, "names"),
                          .non_resource_urls = list(words, "urls")};
    objects_.back().object["rules"].push_back(rule.to_json());
  }

  void add_role(const PolicyWords& words) {
    const kube::Key key{std::string(word(words, "namespace")), std::string(words[1])};
    const bool cluster_wide = key.ns.empty();
    auto role = blank_policy_object(cluster_wide ? "ClusterRole" : "Role", key);
    if (const auto joins = word(words, "joins"); !joins.empty()) {
      kube::set_label(role, std::string(kAggregate) + std::string(joins), "true");
    }
    if (const auto collects = word(words, "collects"); !collects.empty()) {
      auto labels = json::object({{std::string(kAggregate) + std::string(collects), "true"}});
      auto selector = json::object({{"matchLabels", std::move(labels)}});
      role.set("aggregationRule",
               json::object({{"clusterRoleSelectors", json::array({std::move(selector)})}}));
    }
    role.set("rules", Value::empty_array());
    objects_.push_back({cluster_wide ? kClusterRolesType : kRolesType, key, std::move(role)});
  }

  void add_binding(const PolicyWords& words) {
    const kube::Key key{"", std::string(words[1])};
    auto binding = blank_policy_object("ClusterRoleBinding", key);
    binding.set(
        "roleRef",
        json::object({{"apiGroup", kRbacGroup}, {"kind", "ClusterRole"}, {"name", word(words, "role")}}));
    for (const auto group : split(word(words, "to"), ',')) {
      binding["subjects"].push_back(
          json::object({{"apiGroup", kRbacGroup}, {"kind", "Group"}, {"name", group}}));
    }
    objects_.push_back({kClusterRoleBindingsType, key, std::move(binding)});
  }

  std::vector<BootstrapObject> objects_;
};

/// Adds to the list `path` of `object` what it lacks of the one of `wanted`. True if it lacked anything.
bool add_missing_items(Value& list, const Value* wanted) {
  bool changed = false;
  if (wanted == nullptr) return false;
  for (const auto& item : wanted->elements()) {
    if (list.is_array() && std::ranges::find(list.elements(), item) != list.elements().end()) continue;
    if (!list.is_array()) list = Value::empty_array();
    list.push_back(item);
    changed = true;
  }
  return changed;
}

bool add_missing_metadata(Value& object, const Value& wanted) {
  bool changed = false;
  const Value* metadata = wanted.find("metadata");
  for (const auto& [key, value] : metadata->find("labels")->members()) {
    if (!kube::label(object, key)) changed = kube::set_label(object, key, value.as_string()) || changed;
  }
  for (const auto& [key, value] : metadata->find("annotations")->members()) {
    if (!kube::annotation(object, key))
      changed = kube::set_annotation(object, key, value.as_string()) || changed;
  }
  return changed;
}

bool repair_role(Value& role, const Value& wanted) {
  bool changed = add_missing_metadata(role, wanted);
  const auto missing = missing_rules(policy_rules_of(role), policy_rules_of(wanted));
  for (const auto& rule : missing) {
    if (role.find_array("rules") == nullptr) role.set("rules", Value::empty_array());
    role["rules"].push_back(rule.to_json());
    changed = true;
  }
  const Value* aggregation = wanted.find("aggregationRule");
  if (aggregation == nullptr) return role.erase("aggregationRule") || changed;
  if (role.find_object("aggregationRule") == nullptr) role.set("aggregationRule", Value::empty_object());
  return add_missing_items(role["aggregationRule"]["clusterRoleSelectors"],
                           aggregation->find("clusterRoleSelectors")) ||
         changed;
}

bool repair_binding(Value& binding, const Value& wanted) {
  const bool changed = add_missing_metadata(binding, wanted);
  return add_missing_items(binding["subjects"], wanted.find("subjects")) || changed;
}

std::optional<BootstrapRepair> repair_of(const BootstrapObject& wanted, std::optional<Value> found) {
  using Kind = BootstrapRepair::Kind;
  if (!found || !found->is_object()) return BootstrapRepair{Kind::kCreate, &wanted, wanted.object};
  if (kube::annotation(*found, kAutoUpdate) == "false") return std::nullopt;
  const Value* role = wanted.object.find("roleRef");
  if (role == nullptr) {
    if (!repair_role(*found, wanted.object)) return std::nullopt;
  } else {
    const Value* bound = found->find("roleRef");
    if (bound == nullptr || !(*bound == *role))
      return BootstrapRepair{Kind::kReplace, &wanted, wanted.object};
    if (!repair_binding(*found, wanted.object)) return std::nullopt;
  }
  return BootstrapRepair{Kind::kUpdate, &wanted, *std::move(found)};
}

}  // namespace

const User& server_user() {
  static const User user{.name = "system:apiserver",
                         .groups = {std::string(kMastersGroup), std::string(kAuthenticatedGroup)}};
  return user;
}

const std::vector<BootstrapObject>& bootstrap_policy() {
  static const std::vector<BootstrapObject> policy = PolicyReader().read(embedded::kBootstrapPolicy);
  return policy;
}

std::vector<BootstrapRepair> bootstrap_repairs(const FindObject& find) {
  std::vector<BootstrapRepair> repairs;
  for (const auto& wanted : bootstrap_policy()) {
    if (auto repair = repair_of(wanted, find(wanted.type, wanted.key))) repairs.push_back(*std::move(repair));
  }
  return repairs;
}

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/bootstrap_policy.h"

#include <gtest/gtest.h>

#include <map>

#include "apiserver/auth/rbac.h"
#include "json/build.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

using Kind = BootstrapRepair::Kind;
using Name = std::pair<std::string, std::string>;  // type, namespace/name

/// A store as a map.
struct Objects {
  std::map<Name, json::Value> stored = {};

  std::vector<BootstrapRepair> repairs() const {
    return bootstrap_repairs(
        [this](std::string_view type, const kube::Key& key) -> std::optional<json::Value> {
          const auto found = stored.find({std::string(type), key.to_string()});
          return found == stored.end() ? std::nullopt : std::optional(found->second);
        });
  }
  void apply(const std::vector<BootstrapRepair>& repairs) {
    for (const auto& repair : repairs)
      at(repair.wanted->type, repair.wanted->key.to_string()) = repair.object;
  }
  json::Value& at(std::string_view type, const std::string& name) {
    return stored[{std::string(type), name}];
  }
};

Objects complete() {
  Objects objects;
  objects.apply(objects.repairs());
  return objects;
}

TEST(BootstrapPolicy, HasWhatClientsLookFor) {
  auto objects = complete();
  EXPECT_EQ(objects.stored.size(), bootstrap_policy().size());
  const auto& admin = objects.at(kClusterRolesType, "cluster-admin");
  EXPECT_EQ(kube::label(admin, "kubernetes.io/bootstrapping"), "rbac-defaults");
  EXPECT_EQ(kube::annotation(admin, "rbac.authorization.kubernetes.io/autoupdate"), "true");
  EXPECT_EQ(policy_rules_of(admin), (PolicyRules{{.verbs = {"*"}, .api_groups = {"*"}, .resources = {"*"}},
                                                 {.verbs = {"*"}, .non_resource_urls = {"*"}}}));
  EXPECT_EQ(
      *objects.at(kClusterRoleBindingsType, "cluster-admin").find("subjects"),
      json::array({json::object({{"apiGroup", kRbacGroup}, {"kind", "Group"}, {"name", "system:masters"}})}));
  EXPECT_EQ(
      *objects.at(kClusterRolesType, "edit").find("aggregationRule"),
      json::object({{"clusterRoleSelectors",
                     json::array({json::object(
                         {{"matchLabels",
                           json::object({{"rbac.authorization.k8s.io/aggregate-to-edit", "true"}})}})})}}));
  EXPECT_EQ(kube::label(objects.at(kClusterRolesType, "view"), "rbac.authorization.k8s.io/aggregate-to-edit"),
            "true");
  const auto reader =
      policy_rules_of(objects.at(kRolesType, "kube-system/extension-apiserver-authentication-reader"));
  ASSERT_EQ(reader.size(), 1U);
  EXPECT_EQ(reader[0].api_groups, std::vector<std::string>{""});
  EXPECT_EQ(reader[0].resource_names, std::vector<std::string>{"extension-apiserver-authentication"});
}

TEST(BootstrapPolicy, BindsOnlyToRolesThatItHas) {
  const auto objects = complete();
  for (const auto& wanted : bootstrap_policy()) {
    const auto* role = wanted.object.find("roleRef");
    if (role == nullptr) continue;
    EXPECT_TRUE(
        objects.stored.contains({std::string(kClusterRolesType), std::string(*role->find_string("name"))}))
        << wanted.key.name;
  }
}

TEST(BootstrapPolicy, NeedsNoRepairOnceItIsThere) {
  EXPECT_TRUE(complete().repairs().empty());
}

TEST(BootstrapPolicy, AddsWhatIsMissingAndKeepsWhatUsersAdded) {
  auto objects = complete();
  auto& discovery = objects.at(kClusterRolesType, "system:discovery");
  const PolicyRule own{.verbs = {"get"}, .non_resource_urls = {"/own"}};
  discovery.set("rules", json::array({own.to_json()}));
  discovery.find("metadata")->set("labels", json::object({{"mine", "yes"}}));
  auto& binding = objects.at(kClusterRoleBindingsType, "system:public-info-viewer");
  binding.set("subjects", json::array());

  const auto repairs = objects.repairs();
  ASSERT_EQ(repairs.size(), 2U);
  EXPECT_EQ(repairs[0].kind, Kind::kUpdate);
  EXPECT_EQ(repairs[0].wanted->key.name, "system:discovery");
  const auto rules = policy_rules_of(repairs[0].object);
  EXPECT_EQ(rules.front(), own);
  EXPECT_TRUE(missing_rules(rules, policy_rules_of(repairs[0].wanted->object)).empty());
  EXPECT_EQ(kube::label(repairs[0].object, "mine"), "yes");
  EXPECT_EQ(kube::label(repairs[0].object, "kubernetes.io/bootstrapping"), "rbac-defaults");
  EXPECT_EQ(repairs[1].object.find("subjects")->size(), 2U);
  objects.apply(repairs);
  EXPECT_TRUE(objects.repairs().empty());
}

TEST(BootstrapPolicy, LeavesAloneWhatOptedOut) {
  auto objects = complete();
  auto& role = objects.at(kClusterRolesType, "system:discovery");
  kube::set_annotation(role, "rbac.authorization.kubernetes.io/autoupdate", "false");
  role.set("rules", json::array());
  EXPECT_TRUE(objects.repairs().empty());
}

TEST(BootstrapPolicy, ReplacesABindingToAnotherRole) {
  auto objects = complete();
  objects.at(kClusterRoleBindingsType, "system:basic-user").find("roleRef")->set("name", "cluster-admin");
  const auto repairs = objects.repairs();
  ASSERT_EQ(repairs.size(), 1U);
  EXPECT_EQ(repairs[0].kind, Kind::kReplace);
  EXPECT_EQ(*repairs[0].object.find("roleRef")->find_string("name"), "system:basic-user");
}

TEST(BootstrapPolicy, GathersAggregatedRolesAgainAndUngathersOthers) {
  auto objects = complete();
  objects.at(kClusterRolesType, "view").erase("aggregationRule");
  objects.at(kClusterRolesType, "system:basic-user")
      .set("aggregationRule", json::object({{"clusterRoleSelectors", json::array()}}));
  const auto repairs = objects.repairs();
  ASSERT_EQ(repairs.size(), 2U);
  EXPECT_EQ(repairs[0].wanted->key.name, "system:basic-user");
  EXPECT_FALSE(repairs[0].object.contains("aggregationRule"));
  EXPECT_TRUE(repairs[1].object.contains("aggregationRule"));
}

TEST(ServerUser, MayDoAnything) {
  EXPECT_TRUE(server_user().in_group(kMastersGroup));
}

}  // namespace
}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
// What klutch-apiserver does by itself, seen through its API.
#include "apiserver_setup.h"
#include "async/task_group.h"
#include "crypto/base64.h"

namespace klutch::testing {
namespace {

kube::Object config_map(const std::string& ns, const std::string& name) {
  return json::object({{"metadata", json::object({{"namespace", ns}, {"name", name}})}});
}

kube::Object owned_by(kube::Object object, const kube::Object& owner, bool blocks = false) {
  object["metadata"]["ownerReferences"] = json::array({json::object({{"apiVersion", "v1"},
                                                                     {"kind", "ConfigMap"},
                                                                     {"name", kube::name(owner)},
                                                                     {"uid", kube::uid(owner)},
                                                                     {"blockOwnerDeletion", blocks}})});
  return object;
}

kube::Object new_namespace(const std::string& name) {
  return json::object({{"metadata", json::object({{"name", name}})}});
}

IO_FIBER_TEST(ApiServerControllers, EveryNamespaceHasAnAccountAndTheRootCa) {
  ApiBench bench(ctx);
  ASSERT_TRUE(bench.client->create(ctx, kNamespaces, new_namespace("a")));
  for (const std::string ns : {"default", "kube-system", "a"}) {
    EXPECT_TRUE(eventually(
        ctx, [&] { return bench.client->get(ctx, kServiceAccounts, {ns, "default"}).has_value(); }));
    EXPECT_TRUE(eventually(
        ctx, [&] { return bench.client->get(ctx, kConfigMaps, {ns, "kube-root-ca.crt"}).has_value(); }));
  }
  // Repaired when deleted or changed.
  ASSERT_TRUE(bench.client->remove(ctx, kServiceAccounts, {"a", "default"}));
  EXPECT_TRUE(eventually(
      ctx, [&] { return bench.client->get(ctx, kServiceAccounts, {"a", "default"}).has_value(); }));
  const kube::Key ca = {"a", "kube-root-ca.crt"};
  ASSERT_TRUE(bench.client->patch(ctx, kConfigMaps, ca, kube::PatchType::kMerge,
                                  json::object({{"data", json::object({{"ca.crt", "forged"}})}})));
  EXPECT_TRUE(eventually(ctx, [&] {
    const auto found = bench.client->get(ctx, kConfigMaps, ca);
    return found && found->find("data")->find_string("ca.crt")->starts_with("-----BEGIN CERTIFICATE");
  }));
}

IO_FIBER_TEST(ApiServerControllers, ANamespaceEndsWithEverythingInIt) {
  ApiBench bench(ctx);
  auto& client = *bench.client;
  ASSERT_TRUE(client.create(ctx, kNamespaces, new_namespace("a")));
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(client.create(ctx, kConfigMaps, config_map("a", "c" + std::to_string(i))));
  }
  auto held = config_map("a", "held");
  held["metadata"]["finalizers"] = json::array({"ex.io/hold"});
  ASSERT_TRUE(client.create(ctx, kConfigMaps, held));

  ASSERT_TRUE(client.remove(ctx, kNamespaces, {"", "a"}));
  const auto late = client.create(ctx, kConfigMaps, config_map("a", "late"));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Code::kForbidden);
  // What holds it is in its conditions.
  EXPECT_TRUE(eventually(ctx, [&] {
    const auto found = client.get(ctx, kNamespaces, {"", "a"});
    const auto text = found ? json::print(*found) : "";
    return text.find(
               "Some content in the namespace has finalizers remaining: ex.io/hold in 1 resource "
               "instances") != std::string::npos;
  }));
  ASSERT_TRUE(client.patch(ctx, kConfigMaps, {"a", "held"}, kube::PatchType::kMerge,
                           json::object({{"metadata", json::object({{"finalizers", nullptr}})}})));
  EXPECT_TRUE(eventually(ctx, [&] { return is_gone(ctx, client, kNamespaces, {"", "a"}); }));
  EXPECT_TRUE(client.list(ctx, kConfigMaps, {.ns = "a"})->items.empty());
}

IO_FIBER_TEST(ApiServerControllers, SomeNamespacesStay) {
  ApiBench bench(ctx);
  for (const std::string name : {"default", "kube-system", "kube-public"}) {
    const auto removed = bench.client->remove(ctx, kNamespaces, {"", name});
    ASSERT_FALSE(removed) << name;
    EXPECT_EQ(removed.error().code(), Code::kForbidden);
    EXPECT_NE(removed.error().message().find("this namespace may not be deleted"), std::string::npos);
  }
}

IO_FIBER_TEST(GarbageCollection, DeletesDependentsInTheBackground) {
  ApiBench bench(ctx);
  auto& client = *bench.client;
  const auto owner = *client.create(ctx, kConfigMaps, config_map("default", "owner"));
  const auto child = *client.create(ctx, kConfigMaps, owned_by(config_map("default", "child"), owner));
  ASSERT_TRUE(client.create(ctx, kConfigMaps, owned_by(config_map("default", "grandchild"), child)));
  ASSERT_TRUE(client.remove(ctx, kConfigMaps, {"default", "owner"}));
  EXPECT_TRUE(eventually(ctx, [&] { return is_gone(ctx, client, kConfigMaps, {"default", "child"}); }));
  EXPECT_TRUE(eventually(ctx, [&] { return is_gone(ctx, client, kConfigMaps, {"default", "grandchild"}); }));
}

IO_FIBER_TEST(GarbageCollection, InTheForegroundTheOwnerGoesLast) {
  ApiBench bench(ctx);
  auto& client = *bench.client;
  const auto owner = *client.create(ctx, kConfigMaps, config_map("default", "owner"));
  auto child = owned_by(config_map("default", "child"), owner, true);
  child["metadata"]["finalizers"] = json::array({"ex.io/hold"});
  ASSERT_TRUE(client.create(ctx, kConfigMaps, child));
  ASSERT_TRUE(
      client.remove(ctx, kConfigMaps, {"default", "owner"}, {.propagation = kube::Propagation::kForeground}));
  EXPECT_TRUE(eventually(ctx, [&] {
    const auto found = client.get(ctx, kConfigMaps, {"default", "child"});
    return found && kube::is_deleting(*found);
  }));
  EXPECT_TRUE(client.get(ctx, kConfigMaps, {"default", "owner"}));
  ASSERT_TRUE(client.patch(ctx, kConfigMaps, {"default", "child"}, kube::PatchType::kMerge,
                           json::object({{"metadata", json::object({{"finalizers", nullptr}})}})));
  EXPECT_TRUE(eventually(ctx, [&] { return is_gone(ctx, client, kConfigMaps, {"default", "owner"}); }));
}

IO_FIBER_TEST(GarbageCollection, OrphansStayWithoutTheirOwner) {
  ApiBench bench(ctx);
  auto& client = *bench.client;
  const auto owner = *client.create(ctx, kConfigMaps, config_map("default", "owner"));
  ASSERT_TRUE(client.create(ctx, kConfigMaps, owned_by(config_map("default", "child"), owner)));
  ASSERT_TRUE(
      client.remove(ctx, kConfigMaps, {"default", "owner"}, {.propagation = kube::Propagation::kOrphan}));
  EXPECT_TRUE(eventually(ctx, [&] { return is_gone(ctx, client, kConfigMaps, {"default", "owner"}); }));
  const auto child = client.get(ctx, kConfigMaps, {"default", "child"});
  ASSERT_TRUE(child);
  EXPECT_TRUE(kube::owner_references(*child).empty());
}

IO_FIBER_TEST(GarbageCollection, WhatHasAnotherOwnerOnlyLosesTheReference) {
  ApiBench bench(ctx);
  auto& client = *bench.client;
  const auto one = *client.create(ctx, kConfigMaps, config_map("default", "one"));
  const auto two = *client.create(ctx, kConfigMaps, config_map("default", "two"));
  auto child = owned_by(config_map("default", "child"), one);
  child["metadata"]["ownerReferences"].push_back(
      owned_by(config_map("default", "x"), two).find("metadata")->find("ownerReferences")->at(0));
  ASSERT_TRUE(client.create(ctx, kConfigMaps, child));
  ASSERT_TRUE(client.remove(ctx, kConfigMaps, {"default", "one"}));
  EXPECT_TRUE(eventually(ctx, [&] {
    const auto found = client.get(ctx, kConfigMaps, {"default", "child"});
    return found && kube::owner_references(*found).size() == 1;
  }));
}

IO_FIBER_TEST(GarbageCollection, AnOwnerThatNeverWasIsGone_AndAnUnknownKindKeeps) {
  ApiBench bench(ctx);
  auto& client = *bench.client;
  auto dangling = owned_by(config_map("default", "dangling"), config_map("default", "nobody"));
  dangling["metadata"]["ownerReferences"].at(0)["uid"] = "3d6e3d2c-0000-4000-8000-000000000000";
  auto unknown = dangling;
  unknown["metadata"]["name"] = "unknown";
  unknown["metadata"]["ownerReferences"].at(0)["kind"] = "Unheard";
  ASSERT_TRUE(client.create(ctx, kConfigMaps, unknown));
  ASSERT_TRUE(client.create(ctx, kConfigMaps, dangling));
  EXPECT_TRUE(eventually(ctx, [&] { return is_gone(ctx, client, kConfigMaps, {"default", "dangling"}); }));
  EXPECT_TRUE(client.get(ctx, kConfigMaps, {"default", "unknown"}));
}

IO_FIBER_TEST(TokenSecrets, AreFilledAndEndWithTheirAccount) {
  ApiBench bench(ctx);
  auto& client = *bench.client;
  ASSERT_TRUE(client.create(ctx, kServiceAccounts, config_map("default", "robot")));
  auto secret = config_map("default", "robot-token");
  secret["type"] = "kubernetes.io/service-account-token";
  kube::set_annotation(secret, "kubernetes.io/service-account.name", "robot");
  ASSERT_TRUE(client.create(ctx, kSecrets, secret));
  std::string token;
  ASSERT_TRUE(eventually(ctx, [&] {
    const auto found = client.get(ctx, kSecrets, {"default", "robot-token"});
    const auto* data = found ? found->find_object("data") : nullptr;
    if (data == nullptr || !data->contains("token")) return false;
    token = crypto::base64_decode(*data->find_string("token")).value();
    return data->contains("ca.crt") && data->contains("namespace");
  }));
  // The token says who its bearer is, until the account is gone.
  const auto robot = bench.make_client(ctx, {.token = Secret(token)});
  const kube::ResourceType reviews{"authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview",
                                   false};
  const auto review = robot->create(ctx, reviews, json::object());
  ASSERT_TRUE(review) << review.error().message();
  EXPECT_EQ(review->find("status")->find("userInfo")->find_string("username"),
            "system:serviceaccount:default:robot");
  ASSERT_TRUE(client.remove(ctx, kServiceAccounts, {"default", "robot"}));
  EXPECT_EQ(robot->create(ctx, reviews, json::object()).error().code(), Code::kUnauthenticated);
  EXPECT_TRUE(eventually(ctx, [&] { return is_gone(ctx, client, kSecrets, {"default", "robot-token"}); }));
}

IO_FIBER_TEST(Quotas, CountObjectsAndRefuseWhatIsBeyondHoweverFast) {
  ApiBench bench(ctx);
  auto& client = *bench.client;
  const kube::ResourceType quotas{"", "v1", "resourcequotas", "ResourceQuota"};
  ASSERT_TRUE(client.create(ctx, kNamespaces, new_namespace("a")));
  ASSERT_TRUE(
      eventually(ctx, [&] { return client.get(ctx, kConfigMaps, {"a", "kube-root-ca.crt"}).has_value(); }));
  ASSERT_TRUE(client.create(
      ctx, quotas, yaml("{metadata: {name: few, namespace: a}, spec: {hard: {configmaps: '5', cpu: '1'}}}")));
  async::TaskGroup tasks(ctx);
  int made = 0;
  int refused = 0;
  for (int i = 0; i < 32; ++i) {
    tasks.spawn("create", [&, i](Ctx& task) -> Result<> {
      const auto created = client.create(task, kConfigMaps, config_map("a", "c" + std::to_string(i)));
      if (created) {
        ++made;
      } else if (created.error().message().find(
                     "exceeded quota: few, requested: configmaps=1, used: configmaps=5") !=
                 std::string::npos) {
        ++refused;
      }
      return {};
    });
  }
  ASSERT_TRUE(tasks.wait(ctx));
  EXPECT_EQ(made, 4);
  EXPECT_EQ(refused, 28);
  EXPECT_TRUE(eventually(ctx, [&] {
    const auto found = client.get(ctx, quotas, {"a", "few"});
    const auto* used = found ? found->find("status")->find("used") : nullptr;
    return used != nullptr && *used == yaml("{configmaps: '5', cpu: '0'}");
  }));
}

IO_FIBER_TEST(RoleAggregation, GathersTheRulesOfSelectedRoles) {
  ApiBench bench(ctx);
  auto& client = *bench.client;
  ASSERT_TRUE(client.create(ctx, kClusterRoles, yaml(R"(
metadata: {name: whole}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {part-of: whole}}]}
)")));
  ASSERT_TRUE(client.create(ctx, kClusterRoles, yaml(R"(
metadata: {name: part, labels: {part-of: whole}}
rules: [{apiGroups: [ex.io], resources: [widgets], verbs: [get]}]
)")));
  const auto rules = [&] {
    const auto found = client.get(ctx, kClusterRoles, {"", "whole"});
    const auto* list = found ? found->find_array("rules") : nullptr;
    return list == nullptr ? 0 : list->size();
  };
  EXPECT_TRUE(eventually(ctx, [&] { return rules() == 1; }));
  ASSERT_TRUE(client.remove(ctx, kClusterRoles, {"", "part"}));
  EXPECT_TRUE(eventually(ctx, [&] { return rules() == 0; }));
}

}  // namespace
}  // namespace klutch::testing

// SPDX-License-Identifier: Apache-2.0
#include "apiserver/builtin/facts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace klutch::apiserver {
namespace {

TEST(BuiltinFacts, KnowResourcesAndWhatTheyCanDo) {
  const auto* deployments = BuiltinFacts::get().find_resource("apps", "v1", "deployments");
  ASSERT_NE(deployments, nullptr);
  EXPECT_EQ(deployments->type, (kube::ResourceType{"apps", "v1", "deployments", "Deployment", true}));
  EXPECT_EQ(deployments->singular, "deployment");
  EXPECT_EQ(deployments->short_names, std::vector<std::string_view>{"deploy"});
  EXPECT_EQ(deployments->categories, std::vector<std::string_view>{"all"});
  EXPECT_EQ(deployments->verbs.size(), 8U);
  ASSERT_EQ(deployments->subresources.size(), 2U);
  EXPECT_EQ(deployments->subresources[0].name, "scale");
  EXPECT_EQ(deployments->subresources[0].api_version, "autoscaling/v1");
  EXPECT_EQ(deployments->subresources[0].kind, "Scale");
  EXPECT_FALSE(BuiltinFacts::get().find_resource("", "v1", "namespaces")->type.namespaced);
  EXPECT_EQ(BuiltinFacts::get().find_resource("apps", "v2", "deployments"), nullptr);
}

TEST(BuiltinFacts, KnowHowListsAreMerged) {
  const auto* ports = BuiltinFacts::get().find_message("core.v1.ServiceSpec")->find("ports");
  ASSERT_NE(ports, nullptr);
  EXPECT_EQ(ports->number, 1U);
  EXPECT_EQ(ports->shape, FieldFacts::Shape::kList);
  EXPECT_EQ(ports->list_type, FieldFacts::ListType::kMap);
  EXPECT_EQ(ports->list_keys, (std::vector<std::string_view>{"port", "protocol"}));
  EXPECT_TRUE(ports->patch_merge);
  EXPECT_EQ(ports->merge_key, "port");
  EXPECT_EQ(ports->message->find("protocol")->default_value, "\"TCP\"");
  const auto* strategy = BuiltinFacts::get().find_message("apps.v1.DeploymentSpec")->find("strategy");
  EXPECT_TRUE(strategy->patch_retains_keys);
  EXPECT_FALSE(strategy->patch_merge);
}

TEST(BuiltinFacts, FindFieldsOfInlinedMessages) {
  const auto* volume = BuiltinFacts::get().find_message("core.v1.Volume");
  EXPECT_NE(volume->find("emptyDir"), nullptr);
  EXPECT_EQ(volume->find("volumeSource"), nullptr) << "JSON has no such field";
  EXPECT_NE(
      BuiltinFacts::get().find_message("apiextensions.v1.JSONSchemaProps")->find("x-kubernetes-list-type"),
      nullptr);
}

TEST(BuiltinFacts, FindMessagesByKindAlsoOfRequests) {
  EXPECT_EQ(BuiltinFacts::get().message_of("rbac.authorization.k8s.io/v1", "Role")->name, "rbac.v1.Role");
  EXPECT_EQ(BuiltinFacts::get().message_of("v1", "DeleteOptions")->name, "meta.v1.DeleteOptions");
  EXPECT_EQ(BuiltinFacts::get().message_of("apps/v1", "DeleteOptions")->name, "meta.v1.DeleteOptions");
  EXPECT_EQ(BuiltinFacts::get().message_of("ex.io/v1", "Widget"), nullptr);
}

/// Follows every type from every resource: nothing may be missing, and only the special ones have no fields.
TEST(BuiltinFacts, AreComplete) {
  std::set<const MessageFacts*> seen;
  std::vector<const MessageFacts*> open;
  for (const auto& resource : BuiltinFacts::get().resources()) {
    ASSERT_NE(resource.message, nullptr) << resource.type.resource;
    open.push_back(resource.message);
  }
  std::set<std::string_view> special;
  while (!open.empty()) {
    const auto* message = open.back();
    open.pop_back();
    if (!seen.insert(message).second) continue;
    if (message->special) special.insert(message->name);
    std::set<std::uint32_t> numbers;
    for (const auto& field : message->fields) {
      EXPECT_TRUE(numbers.insert(field.number).second) << message->name << " " << field.name;
      if (field.message != nullptr) open.push_back(field.message);
    }
  }
  EXPECT_GT(seen.size(), 350U);
  EXPECT_TRUE(special.contains("meta.v1.Time"));
  EXPECT_LE(special.size(), 16U) << "a message that nobody describes is taken for a special one";
}

}  // namespace
}  // namespace klutch::apiserver

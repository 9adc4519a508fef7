// SPDX-License-Identifier: Apache-2.0
#include "kube/api/resource.h"

#include <gtest/gtest.h>

#include <unordered_set>

namespace klutch::kube {
namespace {

const ResourceType kSecretType{"", "v1", "secrets", "Secret"};
const ResourceType kDeploymentType{"apps", "v1", "deployments", "Deployment"};

TEST(GroupVersion, ReadsBackWhatItPrints) {
  for (const auto& [text, value] :
       {std::pair{"v1", GroupVersion{"", "v1"}}, std::pair{"apps/v1", GroupVersion{"apps", "v1"}},
        std::pair{"ex.io/v1alpha1", GroupVersion{"ex.io", "v1alpha1"}}}) {
    const auto parsed = GroupVersion::parse(text);
    ASSERT_TRUE(parsed.has_value()) << text;
    EXPECT_EQ(*parsed, value);
    EXPECT_EQ(parsed->to_string(), text);
  }
}

TEST(GroupVersion, RefusesEmptyPartsAndASecondSlash) {
  for (const auto* text : {"", "/", "/v1", "apps/", "apps/v1/x", "a//b"}) {
    const auto parsed = GroupVersion::parse(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().code(), Code::kInvalid);
  }
}

TEST(GroupResource, TakesAllAfterTheFirstPointAsTheGroup) {
  EXPECT_EQ(*GroupResource::parse("secrets"), (GroupResource{"", "secrets"}));
  EXPECT_EQ(*GroupResource::parse("widgets.ex.io"), (GroupResource{"ex.io", "widgets"}));
  EXPECT_EQ((GroupResource{"ex.io", "widgets"}).to_string(), "widgets.ex.io");
  EXPECT_EQ((GroupResource{"", "secrets"}).to_string(), "secrets");
}

TEST(GroupResource, RefusesAnEmptyResource) {
  for (const auto* text : {"", ".apps", "."}) {
    const auto parsed = GroupResource::parse(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().code(), Code::kInvalid);
  }
}

TEST(ResourceType, NamesItselfAsKubernetesDoes) {
  EXPECT_EQ(kSecretType.api_version(), "v1");
  EXPECT_EQ(kSecretType.to_string(), "secrets");
  EXPECT_EQ(kSecretType.group_kind().to_string(), "Secret");
  EXPECT_EQ(kDeploymentType.api_version(), "apps/v1");
  EXPECT_EQ(kDeploymentType.to_string(), "deployments.apps");
  EXPECT_EQ(kDeploymentType.group_kind().to_string(), "Deployment.apps");
  EXPECT_EQ(kDeploymentType.group_version(), (GroupVersion{"apps", "v1"}));
  EXPECT_EQ(kDeploymentType.group_resource(), (GroupResource{"apps", "deployments"}));
  EXPECT_TRUE(kDeploymentType.namespaced);
}

TEST(Key, ReadsBackWhatItPrints) {
  EXPECT_EQ(*Key::parse("web"), (Key{"", "web"}));
  EXPECT_EQ(*Key::parse("default/web"), (Key{"default", "web"}));
  EXPECT_EQ((Key{"", "web"}).to_string(), "web");
  EXPECT_EQ((Key{"default", "web"}).to_string(), "default/web");
}

TEST(Key, RefusesEmptyPartsAndASecondSlash) {
  for (const auto* text : {"", "/", "/web", "default/", "a/b/c"}) {
    const auto parsed = Key::parse(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().code(), Code::kInvalid);
  }
}

TEST(Key, NamesTheTextItRefuses) {
  EXPECT_NE(Key::parse("a/b/c").error().message().find("\"a/b/c\""), std::string::npos);
}

TEST(Key, OrdersByNamespaceFirst) {
  EXPECT_LT((Key{"a", "z"}), (Key{"b", "a"}));
  EXPECT_LT((Key{"a", "a"}), (Key{"a", "b"}));
  EXPECT_LT((Key{"", "z"}), (Key{"a", "a"}));
}

TEST(Key, HashesNamespaceAndNameApart) {
  std::unordered_set<std::size_t> hashes;
  const std::hash<Key> hash;
  for (const auto& key : {Key{"a", "b"}, Key{"b", "a"}, Key{"", "ab"}, Key{"ab", ""}, Key{"a", "a"},
                          Key{"b", "b"}, Key{"", ""}}) {
    hashes.insert(hash(key));
  }
  EXPECT_EQ(hashes.size(), 7U);
  EXPECT_EQ(hash(Key{"a", "b"}), hash(Key{"a", "b"}));
}

}  // namespace
}  // namespace klutch::kube

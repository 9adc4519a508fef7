// SPDX-License-Identifier: Apache-2.0
#include "apiserver/registry/registry.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

TEST(VersionOrder, IsThatOfKubernetes) {
  std::vector<std::string> versions = {"foo10", "v11alpha2", "v10beta3", "v1",  "v12alpha1",
                                       "v2",    "foo1",      "v3beta1",  "v10", "v11beta2"};
  std::ranges::sort(versions, is_preferred_version);
  EXPECT_EQ(versions, (std::vector<std::string>{"v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1",
                                                "v12alpha1", "v11alpha2", "foo1", "foo10"}));
}

ServedPtr served(std::string group, std::string version, std::string resource) {
  auto result = std::make_shared<ServedResource>();
  result->description.type = {group, version, resource, "Kind"};
  result->storage_type = kube::GroupResource{group, resource}.to_string();
  result->stored_api_version = kube::GroupVersion{group, "v1"}.to_string();
  return result;
}

/// A definition that is served as soon as it says so.
std::vector<ServedPtr> read_definition(const StoredPtr& definition) {
  const json::Value value = definition->to_value();
  if (!value.find_bool("served").value_or(false)) return {};
  return {served("ex.io", "v1beta1", "widgets"), served("ex.io", "v1", "widgets")};
}

void put(Ctx& ctx, Storage& storage, bool is_served) {
  const auto decide = [&](const StoredObject*, Revision) -> Result<Decision> {
    return Decision::put(is_served ? R"({"served":true})" : "{}", {});
  };
  ASSERT_TRUE(storage.write(ctx, kDefinitionsType, {"", "widgets.ex.io"}, decide));
}

FIBER_TEST(Registry, ServesADefinitionFromTheMomentThatItIsStored) {
  auto storage = *Storage::open(ctx, make_ephemeral_backend());
  Registry registry(*storage, {served("", "v1", "secrets")}, read_definition);
  EXPECT_NE(registry.find("", "v1", "secrets"), nullptr);
  EXPECT_EQ(registry.find("ex.io", "v1", "widgets"), nullptr);
  const auto before = registry.generation();

  put(ctx, *storage, true);
  EXPECT_NE(registry.find("ex.io", "v1", "widgets"), nullptr);
  EXPECT_GT(registry.generation(), before);
  ASSERT_EQ(registry.groups().size(), 2U);
  EXPECT_EQ(registry.groups()[1].versions.front().version, "v1");
  EXPECT_EQ(registry.find_stored("widgets.ex.io")->description.type.version, "v1");

  put(ctx, *storage, false);
  EXPECT_EQ(registry.find("ex.io", "v1", "widgets"), nullptr);
  storage->stop(ctx);
}

FIBER_TEST(Registry, LoadsAnewWhenHistoryIsLost) {
  auto storage = *Storage::open(ctx, make_ephemeral_backend());
  Registry registry(*storage, {}, read_definition);
  EXPECT_EQ(registry.find("ex.io", "v1", "widgets"), nullptr);
  put(ctx, *storage, true);
  storage->compact();
  EXPECT_NE(registry.find("ex.io", "v1", "widgets"), nullptr);
  storage->stop(ctx);
}

FIBER_TEST(Registry, DoesNotLetADefinitionReplaceABuiltinResource) {
  auto storage = *Storage::open(ctx, make_ephemeral_backend());
  const auto builtin = served("ex.io", "v1", "widgets");
  Registry registry(*storage, {builtin}, read_definition);
  put(ctx, *storage, true);
  EXPECT_EQ(registry.find("ex.io", "v1", "widgets"), builtin);
  EXPECT_NE(registry.find("ex.io", "v1beta1", "widgets"), nullptr);
  storage->stop(ctx);
}

}  // namespace
}  // namespace klutch::apiserver

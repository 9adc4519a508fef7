// SPDX-License-Identifier: Apache-2.0
// What kube/api promises of its requests and selectors, against an API server: the one in memory or the real
// one.
#include <algorithm>
#include <set>

#include "base/strings.h"
#include "kube_client_setup.h"
#include "testing/table.h"

namespace klutch::kube {
namespace {

const ResourceType& kMaps = ConfigMap::type();

std::set<std::string> names_of(const Result<ObjectList>& list) {
  std::set<std::string> names;
  EXPECT_TRUE(list) << list.error().message();
  if (!list) return names;
  for (const auto& item : list->items) names.emplace(name(item));
  return names;
}

/// Of the config maps in the test's namespace: the server puts one of its own there.
std::set<std::string> names_left(Ctx& ctx, const Setup& cluster, const LabelSelector& labels = {}) {
  auto names = names_of(cluster->list_page(ctx, kMaps, {.ns = cluster.ns, .labels = labels}));
  names.erase("kube-root-ca.crt");
  return names;
}

IO_FIBER_TEST(KubeApi, NoNameReachesAnythingElse) {
  const Setup cluster(ctx);
  for (const auto* name : {"a", "b"}) {
    ASSERT_TRUE(cluster->create(ctx, kMaps, config_map(cluster.ns, name)));
  }
  const auto patch = json::object({{"data", json::object({{"key", "hurt"}})}});
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("../a"),
        std::string("../configmaps/a"), std::string("a/../b"), std::string("/a"), std::string("a/"),
        std::string("%61"), std::string("a?x=y"), std::string("a#b"), std::string("a;b"), std::string("a\nb"),
        std::string("\0", 1)}) {
    const Key key{cluster.ns, name};
    EXPECT_FALSE(cluster->get(ctx, kMaps, key)) << quote(name);
    EXPECT_FALSE(cluster->patch(ctx, kMaps, key, PatchType::kMerge, patch)) << quote(name);
    EXPECT_FALSE(cluster->update(ctx, kMaps, config_map(cluster.ns, name, "hurt"))) << quote(name);
    const auto removed = cluster->remove(ctx, kMaps, key);
    EXPECT_FALSE(removed && *removed) << quote(name);
    const auto in_ns = cluster->list_page(ctx, kMaps, {.ns = name.empty() ? "." : name});
    EXPECT_TRUE(!in_ns || in_ns->items.empty()) << quote(name);
  }
  EXPECT_EQ(names_left(ctx, cluster), (std::set<std::string>{"a", "b"}));
  for (const auto* name : {"a", "b"}) {
    const auto object = cluster->get(ctx, kMaps, {cluster.ns, name});
    ASSERT_TRUE(object);
    EXPECT_EQ(ConfigMap(*object).data("key"), "one");
  }
}

IO_FIBER_TEST(KubeApi, SelectingNothingSelectsNothingOnTheServer) {
  const Setup cluster(ctx);
  auto labelled = config_map(cluster.ns, "a");
  set_label(labelled, "nothing", "x");
  ASSERT_TRUE(cluster->create(ctx, kMaps, labelled));
  ASSERT_TRUE(cluster->create(ctx, kMaps, config_map(cluster.ns, "b")));
  const auto nothing = LabelSelector::nothing();
  EXPECT_TRUE(names_left(ctx, cluster, nothing).empty());
  ASSERT_TRUE(cluster->remove_all(ctx, kMaps, {.ns = cluster.ns, .labels = nothing}));
  EXPECT_EQ(names_left(ctx, cluster), (std::set<std::string>{"a", "b"}));
}

IO_FIBER_TEST(KubeApi, SelectorsSelectTheSameHereAndOnTheServer) {
  const Setup cluster(ctx);
  std::vector<Object> objects;
  for (const auto* labels :
       {R"({})", R"({"a":"b"})", R"({"a":"c","b":""})", R"({"a":"","in":"in"})", R"({"b":"b","notin":"5"})",
        R"({"a":"5","b":"6"})", R"({"a":"06","ex.io/a":"b"})", R"({"ex.io/a":"c","c":"d","x":"foo"})"}) {
    auto object = config_map(cluster.ns, "m" + std::to_string(objects.size()));
    object["metadata"]["labels"] = json::parse(labels).value();
    ASSERT_TRUE(cluster->create(ctx, kMaps, object));
    objects.push_back(std::move(object));
  }
  std::size_t compared = 0;
  for (const auto& row : testing::read_table("src/kube/api/testdata/label_selectors.tsv", 3)) {
    if (row[1] == "error" || ++compared > 150) continue;
    const auto selector = LabelSelector::parse(json::parse(row[0])->as_string()).value();
    std::set<std::string> expected;
    for (const auto& object : objects) {
      if (selector.matches(object)) expected.emplace(name(object));
    }
    EXPECT_EQ(names_left(ctx, cluster, selector), expected) << row[0];
  }
  EXPECT_GT(compared, 150U);
  for (const auto* text : {"metadata.name=m1", "metadata.name!=m1", "metadata.name==m1,metadata.name!=m2",
                           "metadata.name=m1,metadata.name=m2", R"(metadata.name=m\,1)"}) {
    const auto selector = FieldSelector::parse(text).value();
    std::set<std::string> expected;
    for (const auto& object : objects) {
      if (selector.matches(object)) expected.emplace(name(object));
    }
    auto names = names_of(cluster->list_page(ctx, kMaps, {.ns = cluster.ns, .fields = selector}));
    names.erase("kube-root-ca.crt");
    EXPECT_EQ(names, expected) << text;
  }
}

}  // namespace
}  // namespace klutch::kube

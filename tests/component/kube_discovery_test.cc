// SPDX-License-Identifier: Apache-2.0
// Discovery and the REST mapper against an API server, the one in memory or the real one.
#include "kube/client/rest_mapper.h"
#include "kube_client_setup.h"

namespace klutch::kube {
namespace {

IO_FIBER_TEST(KubeDiscovery, FindsWhatTheServerServes) {
  const Setup cluster(ctx);
  Discovery discovery(cluster.client());
  const auto catalog = discovery.load(ctx);
  ASSERT_TRUE(catalog) << catalog.error().message();
  EXPECT_TRUE((*catalog)->failures.empty());
  const auto* secrets = (*catalog)->find({"", "v1"}, "secrets");
  ASSERT_NE(secrets, nullptr);
  EXPECT_EQ(secrets->type, Secret::type());
  EXPECT_EQ(secrets->singular, "secret");
  EXPECT_TRUE(secrets->has_verb("watch"));
  const auto* namespaces = (*catalog)->find({"", "v1"}, "namespaces");
  ASSERT_NE(namespaces, nullptr);
  EXPECT_FALSE(namespaces->type.namespaced);
  EXPECT_NE((*catalog)->find({"coordination.k8s.io", "v1"}, "leases"), nullptr);
  EXPECT_EQ((*catalog)->groups.front().name, "");
}

/// Refuses aggregated discovery, as servers before 1.26 do.
class OldServer final : public Client {
 public:
  explicit OldServer(Client& client) : client_(client) {}
  Result<Object> send(Ctx& ctx, const Request& request) override {
    auto plain = request;
    plain.accept = "application/json";
    return client_.send(ctx, plain);
  }
  Result<std::unique_ptr<WatchStream>> open(Ctx& ctx, const Request& request) override {
    return client_.open(ctx, request);
  }

 private:
  Client& client_;
};

IO_FIBER_TEST(KubeDiscovery, BothWaysFindTheSame) {
  Setup cluster(ctx);
  cluster.ensure_widgets();
  OldServer old(cluster.client());
  // The two are not updated in one moment after a new type.
  for (;;) {
    const auto aggregated = Discovery(cluster.client()).load(ctx).value();
    const auto legacy = Discovery(old).load(ctx).value();
    const auto all = [](const ApiCatalog& catalog) {
      std::vector<std::string> lines;
      for (const auto& group : catalog.groups) {
        for (const auto& version : group.versions) {
          for (const auto& resource : version.resources) {
            auto line = resource.type.api_version() + " " + resource.type.resource + " " +
                        resource.type.kind + " " + resource.singular +
                        (resource.type.namespaced ? " namespaced" : "");
            for (const auto& name : resource.short_names) line += " " + name;
            for (const auto& sub : resource.subresources) line += " /" + sub.name + " " + sub.kind;
            lines.push_back(line);
          }
        }
      }
      std::sort(lines.begin(), lines.end());
      return lines;
    };
    const auto left = all(*aggregated);
    const auto right = all(*legacy);
    if (left != right && ctx.remaining() > std::chrono::seconds(10)) {
      ASSERT_TRUE(ctx.sleep(std::chrono::milliseconds(200)));
      continue;
    }
    EXPECT_EQ(left, right);
    break;
  }
}

IO_FIBER_TEST(KubeDiscovery, WhatDidNotChangeIsNotSentAgain) {
  SKIP_UNLESS_REAL("has no ETags");
  const Setup cluster(ctx);
  Discovery discovery(cluster.client());
  // A type that another test has just made may still be on its way.
  auto before = discovery.load(ctx).value();
  for (;;) {
    const auto after = discovery.load(ctx).value();
    if (after == before) break;
    before = after;
    ASSERT_TRUE(ctx.sleep(std::chrono::milliseconds(300)));
  }
}

IO_FIBER_TEST(KubeDiscovery, TheMapperLearnsANewType) {
  const Setup cluster(ctx);
  RestMapper mapper(cluster.client(), {.reload_interval = std::chrono::milliseconds(100)});
  EXPECT_EQ(mapper.by_argument(ctx, "configmap").value(), ConfigMap::type());
  EXPECT_EQ(mapper.by_argument(ctx, "Secret").value(), Secret::type());
  EXPECT_EQ(mapper.by_kind(ctx, GroupKind{"coordination.k8s.io", "Lease"}).value(), Lease::type());

  const auto suffix = random_suffix();
  const auto plural = "gadgets" + suffix;
  EXPECT_EQ(code_of(mapper.by_argument(ctx, plural)), Code::kNotFound);
  const auto made =
      cluster->create(ctx, CustomResourceDefinition::type(), definition(plural, "Gadget" + suffix));
  ASSERT_TRUE(made) << made.error().message();
  auto type = mapper.by_argument(ctx, plural + ".ex.io");
  while (!type && is(type.error(), Code::kNotFound)) {
    ASSERT_TRUE(ctx.sleep(std::chrono::milliseconds(100)));
    type = mapper.by_argument(ctx, plural + ".ex.io");
  }
  ASSERT_TRUE(type) << type.error().message();
  EXPECT_EQ(*type, (ResourceType{"ex.io", "v1", plural, "Gadget" + suffix}));
  EXPECT_EQ(mapper.by_kind(ctx, GroupVersion{"ex.io", "v1"}, "Gadget" + suffix).value(), *type);
  EXPECT_TRUE(cluster->list(ctx, *type, {.ns = cluster.ns})->items.empty());
  EXPECT_TRUE(cluster->remove(ctx, CustomResourceDefinition::type(), {"", plural + ".ex.io"}).value());
}

}  // namespace
}  // namespace klutch::kube

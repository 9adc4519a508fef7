// SPDX-License-Identifier: Apache-2.0
// The example program's controller against an API server.
#include "../../examples/kube_controller/config_mirror.h"
#include "kube_controller_setup.h"

namespace klutch::kube {
namespace {

struct Mirrored {
  explicit Mirrored(Ctx& ctx)
      : cluster(ctx),
        client(cluster.client()),
        events(ctx, client, {.component = "config-mirror"}),
        mgr(ctx) {
    to = cluster.ns + "-copies";
    EXPECT_TRUE(cluster->create(ctx, Namespace(to)));
    mgr.add_cluster(ctx, "cluster", client);
    mirror::register_config_mirror(mgr, {client, events});
    mgr.start();
  }
  ConfigMap create_source(const std::string& name) {
    ConfigMap source(config_map(cluster.ns, name));
    set_label(source.object(), mirror::kTo, to);
    auto created = cluster->create(cluster.ctx, source);
    EXPECT_TRUE(created) << created.error().message();
    return created.value();
  }
  std::string copied(const std::string& name) {
    const auto copy = cluster->find<ConfigMap>(cluster.ctx, {to, name}).value();
    return copy ? std::string(copy->data("key").value_or("")) : "no copy";
  }
  Result<Object> patch(const Key& key, json::Value patch) {
    return cluster->patch(cluster.ctx, ConfigMap::type(), key, PatchType::kMerge, patch);
  }
  void stop(Ctx& ctx) {
    mgr.stop(ctx);
    events.stop(ctx);
  }

  Setup cluster;
  WatchedClient client;
  EventRecorder events;
  Manager mgr;
  std::string to;
};

IO_FIBER_TEST(KubeExample, CopiesFollowTheirSourceAndAreRepaired) {
  Mirrored m(ctx);
  m.create_source("a");
  EXPECT_TRUE(eventually(ctx, [&] { return m.copied("a") == "one"; }));
  ASSERT_TRUE(m.patch({m.cluster.ns, "a"}, json::object({{"data", json::object({{"key", "two"}})}})));
  EXPECT_TRUE(eventually(ctx, [&] { return m.copied("a") == "two"; }));
  ASSERT_TRUE(m.patch({m.to, "a"}, json::object({{"data", json::object({{"key", "wrong"}})}})));
  EXPECT_TRUE(eventually(ctx, [&] { return m.copied("a") == "two"; }));
  ASSERT_TRUE(m.cluster->remove<ConfigMap>(ctx, {m.to, "a"}));
  EXPECT_TRUE(eventually(ctx, [&] { return m.copied("a") == "two"; }));
  m.stop(ctx);
}

IO_FIBER_TEST(KubeExample, ACopyGoesWithItsSourceOrTheLabel) {
  Mirrored m(ctx);
  for (const char* name : {"a", "b"}) m.create_source(name);
  EXPECT_TRUE(eventually(ctx, [&] { return m.copied("a") == "one" && m.copied("b") == "one"; }));
  ASSERT_TRUE(m.cluster->remove<ConfigMap>(ctx, {m.cluster.ns, "a"}));
  EXPECT_TRUE(eventually(ctx, [&] { return m.copied("a") == "no copy"; }));
  EXPECT_TRUE(eventually(
      ctx, [&] { return !m.cluster->find<ConfigMap>(ctx, {m.cluster.ns, "a"}).value().has_value(); }));
  ASSERT_TRUE(
      m.patch({m.cluster.ns, "b"}, json::object({{"metadata", json::object({{"labels", nullptr}})}})));
  EXPECT_TRUE(eventually(ctx, [&] { return m.copied("b") == "no copy"; }));
  EXPECT_TRUE(eventually(ctx, [&] {
    const auto source = m.cluster->get<ConfigMap>(ctx, {m.cluster.ns, "b"});
    return !has_finalizer(source->object(), mirror::kFinalizer);
  }));
  m.stop(ctx);
}

IO_FIBER_TEST(KubeExample, AConfigMapOfSomebodyElseIsLeftAloneAndTheUserIsTold) {
  Mirrored m(ctx);
  ASSERT_TRUE(m.cluster->create(ctx, ConfigMap(config_map(m.to, "a", "theirs"))));
  m.create_source("a");
  EXPECT_TRUE(eventually(ctx, [&] {
    const auto events = m.cluster->list<Event>(ctx, {.ns = m.cluster.ns}).value();
    return events.size() == 1 && events[0].object().find_string("reason") == "NameTaken";
  }));
  EXPECT_EQ(m.copied("a"), "theirs");
  ASSERT_TRUE(m.cluster->remove<ConfigMap>(ctx, {m.cluster.ns, "a"}));
  EXPECT_TRUE(eventually(
      ctx, [&] { return !m.cluster->find<ConfigMap>(ctx, {m.cluster.ns, "a"}).value().has_value(); }));
  EXPECT_EQ(m.copied("a"), "theirs");
  m.stop(ctx);
}

}  // namespace
}  // namespace klutch::kube

// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/manager.h"

#include <memory>

#include "async/task_group.h"
#include "json/build.h"
#include "kube/api/kinds.h"
#include "kube/runtime/fake_kube_testing.h"
#include "kube/runtime/finalizer.h"
#include "obs/health.h"
#include "obs/metrics.h"
#include "testing/fiber_test.h"

namespace klutch::kube {
namespace {

using namespace std::chrono_literals;

const ResourceType kBindingType{"klutch.example", "v1", "bindings", "Binding", /*namespaced=*/false};
const Key kBindingKey{"", "cluster"};
const Key kSource{"tenant", "kubeconfig"};
const Key kTarget{"app", "kubeconfig"};

class Binding : public Resource {
 public:
  using Resource::Resource;
  static const ResourceType& type() { return kBindingType; }
  [[nodiscard]] Key kubeconfig_key() const { return kSource; }
};

/// As in the sketch of a reconciler: mirrors a Secret of the provider cluster.
class BindingReconciler final : public Reconciler<Binding> {
 public:
  struct Deps {
    Client& provider;
    Client& consumer;
  };
  explicit BindingReconciler(Deps deps) : deps_(deps) {}

  Result<Outcome> reconcile(Ctx& ctx, Binding& binding) override {
    TRY(sync_kubeconfig(ctx, binding));
    return requeue_after(1h);
  }

 private:
  Result<> sync_kubeconfig(Ctx& ctx, Binding& binding) {
    const auto source = TRY(deps_.provider.find<Secret>(ctx, binding.kubeconfig_key()));
    if (!source) {
      binding.conditions().set_false("SecretValid", "ProviderSecretNotFound");
      return {};
    }
    const auto target = source->copy_as(kTarget);
    if (auto created = deps_.consumer.create(ctx, target); !created) {
      if (!is(created.error(), Code::kAlreadyExists)) return fail(created.error());
    }
    binding.conditions().set_true("SecretValid");
    return {};
  }

  Deps deps_;
};

/// Counts calls.
template <class T>
class Counting final : public Reconciler<T> {
 public:
  explicit Counting(int& calls) : calls_(calls) {}
  Result<Outcome> reconcile(Ctx&, T&) override {
    ++calls_;
    return done();
  }

 private:
  int& calls_;
};

ConfigMap config(const std::string& name) {
  return ConfigMap(Key{"default", name});
}

void put(FakeKube& server, const ConfigMap& object) {
  server.put(ConfigMap::type(), object.object());
}

void settle(Ctx& ctx, Duration duration = 5s) {
  EXPECT_TRUE(ctx.sleep(duration).has_value());
}

FIBER_TEST(Manager, RunsAReconcilerAcrossTwoClusters) {
  FakeKube provider, consumer;
  Manager mgr(ctx);
  mgr.add_cluster(ctx, "provider", provider);
  mgr.add_cluster(ctx, "consumer", consumer);
  provider.put(kBindingType,
               Binding(json::object({{"metadata", json::object({{"name", "cluster"}})}})).object());
  mgr.controller<Binding>("binding")
      .watches<Secret>(mgr.cluster("provider"), enqueue_singleton(kBindingKey), {.ns = "tenant"})
      .run(std::make_unique<BindingReconciler>(BindingReconciler::Deps{provider, consumer}));
  mgr.start();
  ASSERT_TRUE(mgr.wait_until_working(ctx).has_value());
  settle(ctx);
  Binding stored(provider.at(kBindingType, kBindingKey));
  EXPECT_TRUE(stored.conditions().is_false("SecretValid"));
  Secret secret(kSource);
  secret.set_data("kubeconfig", "apiVersion: v1");
  provider.put(Secret::type(), secret.object());
  settle(ctx);
  stored = Binding(provider.at(kBindingType, kBindingKey));
  EXPECT_TRUE(stored.conditions().is_true("SecretValid"));
  EXPECT_EQ(Secret(consumer.at(Secret::type(), kTarget)).data("kubeconfig"), "apiVersion: v1");
  mgr.stop(ctx);
}

FIBER_TEST(Manager, AClusterThatCannotBeReachedHoldsUpOnlyThoseWhoNeedIt) {
  FakeKube here, away;
  bool reachable = false;
  away.before = [&](Ctx&, const Request&) -> Result<> {
    if (!reachable) return fail(Code::kUnavailable, "no route to host");
    return {};
  };
  Manager mgr(ctx);
  mgr.add_cluster(ctx, "here", here);
  mgr.add_cluster(ctx, "away", away);
  put(here, config("a"));
  int local = 0, remote = 0;
  mgr.controller<ConfigMap>("local").run(std::make_unique<Counting<ConfigMap>>(local));
  mgr.controller<ConfigMap>("remote")
      .watches<Secret>(mgr.cluster("away"), enqueue_same_key())
      .run(std::make_unique<Counting<ConfigMap>>(remote));
  mgr.start();
  settle(ctx, 10min);
  EXPECT_EQ(local, 1);
  EXPECT_EQ(remote, 0);
  EXPECT_EQ(mgr.working(), 1U);
  auto limited = ctx.with_timeout(1s);
  const auto waited = mgr.wait_until_working(limited);
  ASSERT_FALSE(waited.has_value());
  EXPECT_EQ(waited.error().code(), Code::kTimeout);
  EXPECT_NE(waited.error().message().find("remote"), std::string::npos);
  reachable = true;
  settle(ctx, 2min);
  EXPECT_EQ(remote, 1);
  mgr.stop(ctx);
}

FIBER_TEST(Manager, ControllersAndClustersCanComeLater) {
  FakeKube first, second;
  Manager mgr(ctx);
  mgr.add_cluster(ctx, "first", first);
  mgr.start();
  settle(ctx);
  auto& added = mgr.add_cluster(ctx, "second", second);
  put(second, config("a"));
  int calls = 0;
  mgr.controller<ConfigMap>("late").in(added).run(std::make_unique<Counting<ConfigMap>>(calls));
  settle(ctx);
  EXPECT_EQ(calls, 1);
  mgr.enqueue("late", {"default", "a"});
  mgr.enqueue("nobody", {"default", "a"});
  settle(ctx);
  EXPECT_EQ(calls, 2);
  mgr.stop(ctx);
}

FIBER_TEST(Manager, AnUnstructuredControllerTakesItsTypeAtRunTime) {
  FakeKube server;
  Manager mgr(ctx);
  mgr.add_cluster(ctx, "only", server);
  put(server, config("a"));
  int calls = 0;
  mgr.controller("sync", ConfigMap::type()).run(std::make_unique<Counting<Object>>(calls));
  mgr.start();
  settle(ctx);
  EXPECT_EQ(calls, 1);
  mgr.stop(ctx);
}

FIBER_TEST(Manager, SelectsWhichObjectsAControllerSees) {
  FakeKube server;
  Manager mgr(ctx);
  mgr.add_cluster(ctx, "only", server);
  auto chosen = config("a");
  set_label(chosen.object(), "sync", "yes");
  put(server, chosen);
  put(server, config("b"));
  int calls = 0;
  mgr.controller<ConfigMap>("chosen")
      .selecting({.ns = "default", .labels = LabelSelector::exactly("sync", "yes")})
      .run(std::make_unique<Counting<ConfigMap>>(calls));
  mgr.start();
  settle(ctx);
  EXPECT_EQ(calls, 1);
  mgr.stop(ctx);
}

FIBER_TEST(Manager, OwnersAreReconciledWhenWhatTheyOwnChanges) {
  FakeKube server;
  Manager mgr(ctx);
  mgr.add_cluster(ctx, "only", server);
  const auto owner = server.put(ConfigMap::type(), config("owner").object());
  int calls = 0;
  mgr.controller<ConfigMap>("owner")
      .selecting({.fields = FieldSelector::exactly("metadata.name", "owner")})
      .owns<Secret>()
      .when(not_only_status())
      .options({.workers = 2})
      .run(std::make_unique<Counting<ConfigMap>>(calls));
  mgr.start();
  settle(ctx);
  EXPECT_EQ(calls, 1);
  Secret part(Key{"default", "part"});
  ASSERT_TRUE(set_owner(part.object(), owner, /*controller=*/true).has_value());
  server.put(Secret::type(), part.object());
  server.put(Secret::type(), Secret(Key{"default", "stranger"}).object());
  settle(ctx);
  EXPECT_EQ(calls, 2);
  mgr.stop(ctx);
}

FIBER_TEST(Manager, RunEndsInOrderWhenCancelled) {
  FakeKube server;
  put(server, config("a"));
  struct Slow final : Reconciler<ConfigMap> {
    Result<Outcome> reconcile(Ctx& task, ConfigMap& object) override {
      TRY(task.sleep(5s));
      object.set_data("done", "yes");
      return done();
    }
  };
  async::TaskGroup tasks(ctx);
  Result<> ended = fail(Code::kInternal, "not yet");
  tasks.spawn("manager", [&](Ctx& task) -> Result<> {
    Manager mgr(task);
    mgr.add_cluster(task, "only", server);
    mgr.controller<ConfigMap>("slow").run(std::make_unique<Slow>());
    ended = mgr.run(task);
    return {};
  });
  settle(ctx, 2s);
  tasks.stop(ctx);
  EXPECT_TRUE(ended.has_value());
  EXPECT_EQ(ConfigMap(server.at(ConfigMap::type(), {"default", "a"})).data("done"), "yes");
}

FIBER_TEST(Manager, NestedManagersShareACacheAndLeaveNothingBehind) {
  FakeKube server;
  put(server, config("a"));
  obs::Registry metrics;
  Manager outer(ctx, {.metrics = &metrics});
  auto& cluster = outer.add_cluster(ctx, "shared", server);
  outer.start();
  const auto fibers_before = ctx.loop().fiber_count();
  for (int i = 0; i < 100; ++i) {
    int calls = 0;
    Manager inner(ctx, {.name = "binding", .metrics = &metrics});
    inner.share_cluster(cluster);
    inner.controller<ConfigMap>("sync").run(std::make_unique<Counting<ConfigMap>>(calls));
    inner.start();
    settle(ctx);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(cluster.cache().size(), 1U);
    inner.stop(ctx);
    EXPECT_EQ(cluster.cache().size(), 0U);
    settle(ctx);
  }
  EXPECT_LE(ctx.loop().fiber_count(), fibers_before + 1) << "the cache keeps one of its own";
  const auto gauge = [&](const char* name) {
    return metrics.gauge({.name = name, .help = "", .labels = {"controller"}}).with({"sync"}).value();
  };
  EXPECT_EQ(gauge("controller_runtime_active_workers"), 0);
  EXPECT_EQ(gauge("controller_runtime_max_concurrent_reconciles"), 0);
  outer.stop(ctx);
}

FIBER_TEST(Manager, TellsWhetherItIsReady) {
  FakeKube server;
  server.before = [](Ctx& task, const Request&) { return task.sleep(10s); };
  obs::HealthChecks health;
  Manager mgr(ctx, {.name = "konnector", .health = &health});
  mgr.add_cluster(ctx, "only", server);
  int calls = 0;
  mgr.controller<ConfigMap>("a").run(std::make_unique<Counting<ConfigMap>>(calls));
  mgr.start();
  settle(ctx, 1s);
  EXPECT_FALSE(health.run(obs::Probe::kReady).healthy);
  EXPECT_TRUE(health.run(obs::Probe::kLive).healthy);
  settle(ctx, 1min);
  EXPECT_TRUE(health.run(obs::Probe::kReady).healthy);
  mgr.stop(ctx);
  EXPECT_EQ(health.run_one(obs::Probe::kReady, "konnector").http_status, 404);
}

FIBER_TEST(Manager, CountsUnderTheNamesThatDashboardsKnow) {
  FakeKube server;
  for (const char* name : {"a", "b", "c"}) put(server, config(name));
  obs::Registry metrics;
  Manager mgr(ctx, {.metrics = &metrics});
  mgr.add_cluster(ctx, "only", server);
  struct Labels final : Reconciler<ConfigMap> {
    Result<Outcome> reconcile(Ctx&, ConfigMap& object) override {
      if (object.name() == "c") return fail(Code::kTerminal, "never");
      set_label(object.object(), "seen", "yes");
      return done();
    }
  };
  mgr.controller<ConfigMap>("labels").run(std::make_unique<Labels>());
  mgr.start();
  settle(ctx);
  const auto text = obs::render(metrics);
  for (const char* line : {
           R"(controller_runtime_reconcile_total{controller="labels",result="success"} 4)",
           R"(controller_runtime_reconcile_total{controller="labels",result="terminal"} 1)",
           R"(controller_runtime_reconcile_errors_total{controller="labels"} 1)",
           R"(controller_runtime_terminal_reconcile_errors_total{controller="labels"} 1)",
           R"(controller_runtime_max_concurrent_reconciles{controller="labels"} 1)",
           R"(controller_runtime_reconcile_time_seconds_count{controller="labels"} 5)",
           R"(klutch_controller_writes_total{controller="labels"} 2)",
           R"(workqueue_depth{controller="labels",name="labels"} 0)",
           R"(workqueue_adds_total{controller="labels",name="labels"} 5)",
       }) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
  mgr.stop(ctx);
}

}  // namespace
}  // namespace klutch::kube

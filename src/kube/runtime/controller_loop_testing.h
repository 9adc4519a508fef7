// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/task_group.h"
#include "json/build.h"
#include "kube/runtime/controller_loop.h"
#include "kube/runtime/fake_informer_testing.h"
#include "kube/runtime/fake_kube_testing.h"
#include "obs/metrics.h"

// A controller of widgets with everything around it, for tests: a server, a cache that follows it at once or
// when told to, and a reconciler made of two functions.

namespace klutch::kube::testing {

inline const ResourceType kWidget{"example.com", "v1", "widgets", "Widget"};

inline Key widget_key(const std::string& name) {
  return {"default", name};
}

inline Object widget(const std::string& name) {
  return json::object({{"metadata", json::object({{"namespace", "default"}, {"name", name}})},
                       {"spec", json::object({{"size", 1}})}});
}

/// Calls functions, and counts what must not happen: two calls at once for one object.
class ScriptedReconciler final : public Reconciler<Object> {
 public:
  using Reconcile = std::function<Result<Outcome>(Ctx&, Object&)>;

  Reconcile on_reconcile = [](Ctx&, Object&) -> Result<Outcome> { return done(); };
  std::function<Result<Outcome>(Ctx&, const Key&)> on_forget = [](Ctx&, const Key&) -> Result<Outcome> {
    return done();
  };
  std::vector<std::string> reconciled = {};  ///< names, in order
  std::vector<std::string> forgotten = {};
  std::size_t overlaps = 0;
  std::size_t most_at_once = 0;

  Result<Outcome> reconcile(Ctx& ctx, Object& object) override {
    const std::string called(name(object));
    reconciled.push_back(called);
    if (!active_.insert(called).second) ++overlaps;
    most_at_once = std::max(most_at_once, active_.size());
    struct Leave {
      std::set<std::string>& active;
      const std::string& name;
      ~Leave() { active.erase(name); }
    } leave{active_, called};
    return on_reconcile(ctx, object);
  }
  Result<Outcome> forget(Ctx& ctx, const Key& key) override {
    forgotten.push_back(key.name);
    return on_forget(ctx, key);
  }
  [[nodiscard]] std::size_t calls() const noexcept { return reconciled.size(); }

 private:
  std::set<std::string> active_;
};

struct Fixture {
  explicit Fixture(Ctx& ctx, ControllerOptions options = {}, std::vector<Predicate> predicates = {})
      : tasks(ctx, async::TaskGroup::OnError::kKeepGoing) {
    auto owned = std::make_unique<ScriptedReconciler>();
    reconciler = owned.get();
    options.backoff_first = std::chrono::seconds(1);
    loop = std::make_unique<ControllerLoop>(ctx.loop(),
                                            ControllerParts{.name = "widget",
                                                            .type = kWidget,
                                                            .predicates = std::move(predicates),
                                                            .options = options,
                                                            .reconciler = std::move(owned)},
                                            server, &metrics);
    server.after_write = [this](Ctx&, const Request& request) -> Result<> {
      if (follow) sync_cache(request.key);
      return {};
    };
  }

  /// The cache gets to know what the server has of this object.
  void sync_cache(const Key& key) {
    if (server.has(kWidget, key)) {
      informer->see(server.at(kWidget, key));
    } else {
      informer->see_deleted(key);
    }
  }
  /// Stored on the server and seen by the cache.
  void put(Object object) {
    const auto stored = server.put(kWidget, std::move(object));
    informer->see(stored);
  }
  void erase(const std::string& name) {
    server.erase(kWidget, widget_key(name));
    sync_cache(widget_key(name));
  }

  void start(std::vector<ControllerSource> watched = {}) {
    tasks.spawn("controller", [this, watched = std::move(watched)](Ctx& task) {
      return loop->run(task, {"provider", informer, {}}, watched);
    });
  }
  /// Starts with a synced cache and lets things happen for a while.
  void run_for(Ctx& ctx, Duration duration) {
    if (tasks.running() == 0) {
      informer->set_synced();
      start();
    }
    EXPECT_TRUE(ctx.sleep(duration).has_value());
  }
  void stop(Ctx& ctx) {
    tasks.stop(ctx);
    EXPECT_EQ(reconciler->overlaps, 0U);
  }

  [[nodiscard]] double results(std::string_view result) {
    return metrics
        .counter(
            {.name = "controller_runtime_reconcile_total", .help = "", .labels = {"controller", "result"}})
        .with({"widget", result})
        .value();
  }

  FakeKube server;
  std::shared_ptr<FakeInformer> informer = std::make_shared<FakeInformer>(kWidget);
  bool follow = true;  ///< the cache sees every write at once
  obs::Registry metrics;
  ScriptedReconciler* reconciler = nullptr;
  std::unique_ptr<ControllerLoop> loop;
  async::TaskGroup tasks;
};

}  // namespace klutch::kube::testing

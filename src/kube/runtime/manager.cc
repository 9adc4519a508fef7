// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/manager.h"

#include <algorithm>
#include <vector>

#include "async/event.h"
#include "async/task_group.h"
#include "base/check.h"
#include "kube/runtime/controller_loop.h"
#include "obs/health.h"
#include "obs/log.h"
#include "obs/log_context.h"

namespace klutch::kube {
namespace {

const obs::Logger& manager_log() {
  static const obs::Logger log("kube.manager");
  return log;
}

/// A controller and what its informers will be.
struct Running {
  Running(async::Loop& loop, ControllerParts parts, Client& client, obs::Registry* metrics)
      : control(loop, std::move(parts), client, metrics) {}

  [[nodiscard]] static ControllerSource source_of(const WatchSetup& setup) {
    return {setup.cluster->name(), setup.cluster->cache().informer(setup.type, setup.informer), setup.mapper};
  }

  Result<> run(Ctx& ctx) {
    std::vector<ControllerSource> watched;
    for (const auto& setup : watches) watched.push_back(source_of(setup));
    return control.run(ctx, source_of(own), std::move(watched));
  }

  ControllerLoop control;
  WatchSetup own = {};
  std::vector<WatchSetup> watches = {};
};

}  // namespace

struct Manager::State {
  State(const Ctx& owner, ManagerOptions given)
      : options(std::move(given)), loop(owner.loop()), tasks(owner, async::TaskGroup::OnError::kKeepGoing) {}

  void start(Running& controller) {
    tasks.spawn("controller " + controller.control.name(), [&controller](Ctx& task) -> Result<> {
      auto ended = controller.run(task);
      if (ended || task.cancelled()) return {};
      manager_log().error("controller ended",
                          {{"controller", controller.control.name()}, {"error", ended.error()}});
      return ended;
    });
  }

  [[nodiscard]] Running* find_idle() const {
    const auto idle = std::find_if(controllers.begin(), controllers.end(), [](const auto& controller) {
      return !controller->control.working().is_set();
    });
    return idle == controllers.end() ? nullptr : idle->get();
  }

  ManagerOptions options;
  async::Loop& loop;
  std::vector<std::unique_ptr<Cluster>> owned;
  std::vector<Cluster*> clusters;  // in the order they came
  std::vector<std::unique_ptr<Running>> controllers;
  bool started = false;
  async::TaskGroup tasks;
};

Manager::Manager(const Ctx& owner, ManagerOptions options)
    : state_(std::make_unique<State>(owner, std::move(options))) {}

Manager::~Manager() {
  CHECK(!state_->started);
}

Cluster& Manager::add_cluster(const Ctx& owner, std::string name, Client& client, CacheOptions options) {
  if (options.metrics == nullptr) options.metrics = state_->options.metrics;
  if (options.cluster.empty()) options.cluster = name;
  state_->owned.push_back(std::make_unique<Cluster>(owner, std::move(name), client, std::move(options)));
  return share_cluster(*state_->owned.back());
}

Cluster& Manager::share_cluster(Cluster& cluster) {
  for (const auto* known : state_->clusters) CHECK(known->name() != cluster.name());
  state_->clusters.push_back(&cluster);
  return cluster;
}

Cluster& Manager::cluster(std::string_view name) const {
  const auto found = std::find_if(state_->clusters.begin(), state_->clusters.end(),
                                  [&](const Cluster* known) { return known->name() == name; });
  CHECK(found != state_->clusters.end());
  return **found;
}

void detail::add_controller(Manager& manager, ControllerSetup setup) {
  auto& state = *manager.state_;
  CHECK(setup.reconciler != nullptr && !state.clusters.empty());
  for (const auto& other : state.controllers) CHECK(other->control.name() != setup.name);
  Cluster& home = setup.cluster != nullptr ? *setup.cluster : *state.clusters.front();
  auto controller = std::make_unique<Running>(state.loop,
                                              ControllerParts{.name = std::move(setup.name),
                                                              .type = setup.type,
                                                              .predicates = std::move(setup.predicates),
                                                              .options = std::move(setup.options),
                                                              .reconciler = std::move(setup.reconciler)},
                                              home.client(), state.options.metrics);
  controller->own = {&home, std::move(setup.type), std::move(setup.informer), {}};
  controller->watches = std::move(setup.watches);
  for (auto& watch : controller->watches) {
    if (watch.cluster == nullptr) watch.cluster = &home;
  }
  state.controllers.push_back(std::move(controller));
  if (state.started) state.start(*state.controllers.back());
}

void Manager::enqueue(std::string_view controller, const Key& key) {
  for (const auto& known : state_->controllers) {
    if (known->control.name() == controller) known->control.enqueue(key);
  }
}

void Manager::start() {
  if (std::exchange(state_->started, true)) return;
  for (const auto& controller : state_->controllers) state_->start(*controller);
  if (state_->options.health == nullptr) return;
  state_->options.health->add_readiness(state_->options.name, [state = state_.get()]() -> Result<> {
    const auto* idle = state->find_idle();
    if (idle == nullptr) return {};
    return fail(Code::kUnavailable, "controller " + idle->control.name() + " waits for its caches");
  });
}

Result<> Manager::wait_until_working(Ctx& ctx) {
  while (auto* idle = state_->find_idle()) {
    TRY(idle->control.working().wait(ctx).map_error(
        context("cannot wait for the caches of controller " + idle->control.name())));
  }
  return {};
}

void Manager::stop(Ctx& ctx) {
  if (state_->started && state_->options.health != nullptr) {
    state_->options.health->remove(state_->options.name);
  }
  state_->tasks.stop(ctx);
  for (const auto& cluster : state_->owned) cluster->cache().stop(ctx);
  if (!std::exchange(state_->started, false)) return;
  obs::log_for(manager_log(), ctx).info("stopped", {{"name", state_->options.name}});
}

Result<> Manager::run(Ctx& ctx) {
  start();
  async::Event never;
  static_cast<void>(never.wait(ctx));
  stop(ctx);
  return {};
}

std::size_t Manager::controllers() const noexcept {
  return state_->controllers.size();
}

std::size_t Manager::working() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(state_->controllers.begin(), state_->controllers.end(),
                    [](const auto& controller) { return controller->control.working().is_set(); }));
}

}  // namespace klutch::kube

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "async/ctx.h"
#include "base/result.h"
#include "kube/runtime/cluster.h"
#include "kube/runtime/controller.h"
#include "kube/runtime/controller_builder.h"

// A Manager runs controllers over one or more clusters: it starts the informers they need, starts each
// controller as soon as its own informers have synced, and stops them in order: controllers first, which
// finish what they are at, then the caches. A cluster that cannot be reached keeps waiting only the
// controllers that watch it. Clusters and controllers can be added at any time. Managers may be nested: one
// per tenant or binding, started and stopped at run time, sharing clusters of an outer one. Loop thread only.
//
//   kube::Manager mgr(ctx);
//   mgr.add_cluster(ctx, "provider", client);
//   register_cluster_binding(mgr, deps, options);
//   return mgr.run(ctx);

namespace klutch::obs {
class HealthChecks;
class Registry;
}  // namespace klutch::obs

namespace klutch::kube {

struct ManagerOptions {
  /// For log lines and the name of the health check; unique among managers that share `health`.
  std::string name = "controllers";
  /// Where controllers count. Null: nowhere. Must outlive the manager, as must `health`.
  obs::Registry* metrics = nullptr;
  /// Gets a readiness check, named as the manager, that holds while every controller works. To be asked on
  /// the manager's loop.
  obs::HealthChecks* health = nullptr;
};

class Manager {
 public:
  /// Fibers get the values of `owner`.
  explicit Manager(const Ctx& owner, ManagerOptions options = {});
  /// stop() must have been called, or run() have returned.
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  /// The first one is where controllers live that do not say otherwise. Names are unique (CHECK). `client`
  /// must outlive the manager.
  Cluster& add_cluster(const Ctx& owner, std::string name, Client& client, CacheOptions options = {});
  /// Uses a cluster of another manager, with its cache, under the same name. That manager must stop later.
  Cluster& share_cluster(Cluster& cluster);
  /// CHECKs that it exists.
  [[nodiscard]] Cluster& cluster(std::string_view name) const;

  /// Begins a controller of objects of kind T; its name is unique (CHECK).
  template <Kind T>
  ControllerBuilder<T> controller(std::string name) {
    return ControllerBuilder<T>(*this, std::move(name), T::type());
  }
  /// The same for a type known only at run time.
  ControllerBuilder<Object> controller(std::string name, ResourceType type) {
    return ControllerBuilder<Object>(*this, std::move(name), std::move(type));
  }
  /// Reconciles an object without a change of it, if the controller exists and knows the object.
  void enqueue(std::string_view controller, const Key& key);

  /// Starts all controllers and those added later; returns at once.
  void start();
  /// Suspends until every controller works. Errors: kTimeout and kCancelled from `ctx`, naming one that does
  /// not work yet.
  Result<> wait_until_working(Ctx& ctx);
  /// Lets running reconciles finish (ControllerOptions::stop_grace), then ends everything; also after
  /// cancellation. Not to be started again.
  void stop(Ctx& ctx);
  /// start(), then stop() when `ctx` is cancelled or its deadline passes, which is success.
  Result<> run(Ctx& ctx);

  /// Controllers that were added, and those of them that work.
  [[nodiscard]] std::size_t controllers() const noexcept;
  [[nodiscard]] std::size_t working() const noexcept;

 private:
  friend void detail::add_controller(Manager& manager, ControllerSetup setup);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace klutch::kube

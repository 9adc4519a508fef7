// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "async/event.h"
#include "async/work_queue.h"
#include "kube/client/client.h"
#include "kube/runtime/controller.h"
#include "kube/runtime/controller_metrics.h"
#include "kube/runtime/controller_options.h"
#include "kube/runtime/freshness.h"
#include "kube/runtime/informer.h"
#include "kube/runtime/mapper.h"

// The one loop behind every controller: take a key, load, reconcile, store, decide when again. Knows objects
// only; typed reconcilers are adapted to it (controller_builder.h). See controller.h for what it promises.
// Loop thread only.

namespace klutch::kube {

/// What a controller consists of, apart from its informers.
struct ControllerParts {
  std::string name = {};
  ResourceType type = {};
  std::vector<Predicate> predicates = {};  ///< all must hold
  ControllerOptions options = {};
  std::unique_ptr<Reconciler<Object>> reconciler = {};
};

/// An informer whose changes concern a controller.
struct ControllerSource {
  std::string cluster = {};  ///< its name, for messages
  std::shared_ptr<Informer> informer = {};
  Mapper mapper = {};  ///< empty: of the controller's own objects
};

class ControllerLoop {
 public:
  /// `client` is used for storing; it and `metrics` (may be null) must outlive this.
  ControllerLoop(async::Loop& loop, ControllerParts parts, Client& client, obs::Registry* metrics);

  /// Runs until `ctx` is cancelled: waits for all sources to be synced, works, and at the end lets running
  /// reconciles finish within the grace. `own` is the source of the controller's objects. Errors: kCancelled;
  /// kGone when the informers were stopped under it.
  Result<> run(Ctx& ctx, ControllerSource own, std::vector<ControllerSource> watched);

  void enqueue(const Key& key, async::Priority priority = async::Priority::kNormal) {
    queue_.add(key, priority);
  }
  [[nodiscard]] const std::string& name() const noexcept { return parts_.name; }
  /// Set once all sources have synced and workers run.
  [[nodiscard]] async::Event& working() noexcept { return working_; }

 private:
  using Queue = async::WorkQueue<Key>;

  Result<> run_on(Ctx& ctx, const ControllerSource& own, const std::vector<ControllerSource>& watched);
  void on_own_change(const Change& change);
  void on_watched_change(const Mapper& mapper, const Change& change);
  Result<> wait_for_sync(Ctx& ctx, const ControllerSource& source) const;
  void work(Ctx& ctx);
  void work_on(Ctx& ctx, const Queue::Work& work);
  Result<Outcome> pass(Ctx& ctx, const Key& key, ObjectPtr object, bool read_live);
  Result<Outcome> forget(Ctx& ctx, const Key& key);
  Result<Outcome> reconcile(Ctx& ctx, const Key& key, const Object& before);
  template <class Body>
  Result<Outcome> guarded(Ctx& ctx, bool& threw, Body body);
  Result<> store(Ctx& ctx, const Key& key, const Object& before, const Object& after, bool status_only);
  void settle(Ctx& ctx, const Queue::Work& work, const Result<Outcome>& result, Instant started);

  ControllerParts parts_;
  Client& client_;
  ControllerMetrics metrics_;
  Queue queue_;
  std::shared_ptr<Informer> own_;
  Freshness freshness_;
  std::unordered_set<Key> gone_;  // deleted, and the reconciler has not been told yet
  async::Event working_;
};

}  // namespace klutch::kube

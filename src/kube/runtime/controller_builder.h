// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "kube/runtime/cluster.h"
#include "kube/runtime/controller.h"
#include "kube/runtime/controller_options.h"
#include "kube/runtime/mapper.h"

// How a controller is put together; obtained from Manager::controller() and used in one statement:
//
//   mgr.controller<Binding>("binding")
//       .owns<kube::ConfigMap>()
//       .watches<kube::Secret>(mgr.cluster("consumer"), kube::enqueue_singleton(kClusterKey))
//       .when(kube::not_only_status())
//       .options({.workers = 4})
//       .run(std::make_unique<BindingReconciler>(deps));

namespace klutch::kube {

class Manager;

/// Another informer whose changes concern a controller.
struct WatchSetup {
  Cluster* cluster = nullptr;
  ResourceType type = {};
  InformerOptions informer = {};
  Mapper mapper = {};
};

/// What a builder collects.
struct ControllerSetup {
  std::string name = {};
  ResourceType type = {};
  Cluster* cluster = nullptr;
  InformerOptions informer = {};
  std::vector<WatchSetup> watches = {};
  std::vector<Predicate> predicates = {};
  ControllerOptions options = {};
  std::unique_ptr<Reconciler<Object>> reconciler = {};
};

namespace detail {
void add_controller(Manager& manager, ControllerSetup setup);
}  // namespace detail

/// Lets a reconciler of typed objects work on plain ones.
template <class T>
class TypedReconciler final : public Reconciler<Object> {
 public:
  explicit TypedReconciler(std::unique_ptr<Reconciler<T>> inner) : inner_(std::move(inner)) {}
  Result<Outcome> reconcile(Ctx& ctx, Object& object) override {
    T typed(std::move(object));
    auto result = inner_->reconcile(ctx, typed);
    object = std::move(typed).take();
    return result;
  }
  Result<Outcome> forget(Ctx& ctx, const Key& key) override { return inner_->forget(ctx, key); }

 private:
  std::unique_ptr<Reconciler<T>> inner_;
};

/// T is a Kind, or Object for a type known only at run time.
template <class T>
class [[nodiscard]] ControllerBuilder {
 public:
  ControllerBuilder(Manager& manager, std::string name, ResourceType type) : manager_(manager) {
    setup_.name = std::move(name);
    setup_.type = std::move(type);
  }

  /// Where the controller's objects live. Default: the first cluster of the manager.
  ControllerBuilder& in(Cluster& cluster) {
    setup_.cluster = &cluster;
    return *this;
  }
  /// Which of them: namespace, labels, fields. Default: all.
  ControllerBuilder& selecting(InformerOptions options) {
    setup_.informer = std::move(options);
    return *this;
  }
  /// Reconciles what `mapper` names whenever an object of kind W changes in `cluster`.
  template <Kind W>
  ControllerBuilder& watches(Cluster& cluster, Mapper mapper, InformerOptions options = {}) {
    return watches(W::type(), cluster, std::move(mapper), std::move(options));
  }
  ControllerBuilder& watches(const ResourceType& type, Cluster& cluster, Mapper mapper,
                             InformerOptions options = {}) {
    setup_.watches.push_back({&cluster, type, std::move(options), std::move(mapper)});
    return *this;
  }
  /// Reconciles the owner whenever an object of kind W changes whose controller it is; in the same cluster.
  template <Kind W>
  ControllerBuilder& owns(InformerOptions options = {}) {
    return owns(W::type(), std::move(options));
  }
  ControllerBuilder& owns(const ResourceType& type, InformerOptions options = {}) {
    setup_.watches.push_back({nullptr, type, std::move(options), enqueue_owner(setup_.type)});
    return *this;
  }
  /// Which changes of the controller's own objects matter; of several all must hold. Default: all changes.
  ControllerBuilder& when(Predicate predicate) {
    setup_.predicates.push_back(std::move(predicate));
    return *this;
  }
  ControllerBuilder& options(ControllerOptions options) {
    setup_.options = std::move(options);
    return *this;
  }
  /// Hands the controller to the manager, which runs it as soon as it runs itself.
  void run(std::unique_ptr<Reconciler<T>> reconciler) {
    if constexpr (std::is_same_v<T, Object>) {
      setup_.reconciler = std::move(reconciler);
    } else {
      setup_.reconciler = std::make_unique<TypedReconciler<T>>(std::move(reconciler));
    }
    detail::add_controller(manager_, std::move(setup_));
  }

 private:
  Manager& manager_;
  ControllerSetup setup_;
};

}  // namespace klutch::kube

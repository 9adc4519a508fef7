// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/event.h"
#include "kube/runtime/informer.h"

// An informer that learns of changes exactly when a test says so. For tests of what runs on top of a cache.

namespace klutch::kube {

class FakeInformer final : public Informer, private Store {
 public:
  explicit FakeInformer(ResourceType type) : type_(std::move(type)) {}

  /// The cache gets to know this state of an object.
  void see(const Object& object) {
    auto& held = objects_[kube::key(object)];
    Change change{.kind = held == nullptr ? Change::Kind::kAdded : Change::Kind::kUpdated,
                  .key = kube::key(object),
                  .before = held,
                  .now = std::make_shared<const Object>(object),
                  .initial = !synced()};
    held = change.now;
    tell(change);
  }
  /// The cache gets to know that the object is gone.
  void see_deleted(const Key& key) {
    auto node = objects_.extract(key);
    if (node) tell({.kind = Change::Kind::kDeleted, .key = key, .before = node.mapped()});
  }
  void set_synced() { synced_.set(); }
  void set_unsynced() { synced_.clear(); }

  const ResourceType& type() const noexcept override { return type_; }
  const Store& store() const noexcept override { return *this; }
  Subscription subscribe(ChangeHandler handler) override {
    const auto shared = std::make_shared<ChangeHandler>(std::move(handler));
    handlers_.push_back(shared);
    for (const auto& [key, object] : objects_) {
      (*shared)({.kind = Change::Kind::kAdded, .key = key, .now = object, .initial = true});
    }
    return Subscription(shared);
  }
  void add_index(const std::string& /*name*/, IndexFunction /*function*/) override {}
  Result<> wait_for_sync(Ctx& ctx) override { return synced_.wait(ctx); }
  std::optional<Error> last_error() const override { return {}; }

 private:
  Lookup get(const Key& key) const override {
    if (!synced()) return {};
    const auto found = objects_.find(key);
    if (found == objects_.end()) return {Presence::kAbsent, nullptr};
    return {Presence::kPresent, found->second};
  }
  bool synced() const noexcept override { return synced_.is_set(); }
  std::size_t size() const noexcept override { return objects_.size(); }
  std::vector<ObjectPtr> list() const override { return {}; }
  std::vector<ObjectPtr> list_namespace(std::string_view /*ns*/) const override { return {}; }
  std::vector<ObjectPtr> by_index(std::string_view /*name*/, std::string_view /*value*/) const override {
    return {};
  }
  const std::string& resource_version() const noexcept override { return version_; }

  void tell(const Change& change) {
    for (const auto& weak : handlers_) {
      if (const auto handler = weak.lock()) (*handler)(change);
    }
  }

  ResourceType type_;
  std::map<Key, ObjectPtr> objects_;
  std::list<std::weak_ptr<ChangeHandler>> handlers_;
  async::Event synced_;
  std::string version_;
};

}  // namespace klutch::kube

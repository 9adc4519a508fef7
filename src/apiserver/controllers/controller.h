// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "apiserver/registry/registry.h"
#include "apiserver/verbs/verbs.h"
#include "async/task_group.h"
#include "async/work_queue.h"

// The server's own controllers: each watches committed changes, notes which keys need work, and brings one
// key after another to the state it should have, with a back-off for what fails. They change objects through
// the same verbs as everybody else. Loop thread only.
//
//   ControllerRunner runner(access);
//   runner.add(std::make_unique<NamespaceController>());
//   runner.start(tasks);

namespace klutch::apiserver {

/// What controllers work with. All must outlive it.
class ControllerAccess {
 public:
  ControllerAccess(Storage& storage, Registry& registry, Verbs& verbs);

  /// The committed object in the form in which it is served; nothing if it is not there.
  [[nodiscard]] std::optional<json::Value> get(std::string_view type, const kube::Key& key) const;
  /// The same, of all objects of a type, in one namespace or (empty) all.
  [[nodiscard]] std::vector<json::Value> list(std::string_view type, std::string_view ns = {}) const;

  /// As Verbs, in the name of the server; kNotFound for a type that is not served.
  Result<WriteOutcome> create(Ctx& ctx, std::string_view type, json::Value object);
  Result<WriteOutcome> update(Ctx& ctx, std::string_view type, json::Value object,
                              std::string_view subresource = {});
  Result<WriteOutcome> merge(Ctx& ctx, std::string_view type, const kube::Key& key, json::Value patch,
                             std::string_view subresource = {});
  Result<WriteOutcome> remove(Ctx& ctx, std::string_view type, const kube::Key& key,
                              const DeleteOptions& options = {});
  /// Asks for the deletion of all objects of a type, in one namespace or (empty) all: many at a time, so that
  /// they share commits. Success does not mean that they are gone: they may have finalizers.
  Result<> remove_all(Ctx& ctx, std::string_view type, std::string_view ns = {});

  [[nodiscard]] Storage& storage() const noexcept { return storage_; }
  [[nodiscard]] Registry& registry() const noexcept { return registry_; }
  [[nodiscard]] Verbs& verbs() const noexcept { return verbs_; }
  [[nodiscard]] const Clock& clock() const noexcept { return verbs_.clock(); }
  [[nodiscard]] const User& user() const noexcept { return user_; }

 private:
  Result<ServedPtr> served(std::string_view type) const;

  Storage& storage_;
  Registry& registry_;
  Verbs& verbs_;
  User user_;
};

class Controller {
 public:
  using Enqueue = std::function<void(std::string key)>;

  virtual ~Controller() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// Notes what is there when the server starts.
  virtual void begin(const ControllerAccess& access, const Enqueue& enqueue) = 0;
  /// A committed change. Must not suspend.
  virtual void observe(std::string_view type, const StoreEvent& event, const Enqueue& enqueue) = 0;
  /// Brings `key` to its desired state; gives when to look again without a change, if ever. An error is tried
  /// again with a back-off.
  virtual Result<std::optional<Duration>> reconcile(Ctx& ctx, ControllerAccess& access,
                                                    const std::string& key) = 0;
};

/// What a reconcile() says when nothing more is to be done until something changes.
inline constexpr std::optional<Duration> kUntilChange = std::nullopt;

class ControllerRunner {
 public:
  /// `loop` is that of the Ctx that start() is called with.
  ControllerRunner(async::Loop& loop, ControllerAccess access);
  ~ControllerRunner();
  ControllerRunner(const ControllerRunner&) = delete;
  ControllerRunner& operator=(const ControllerRunner&) = delete;

  /// Before start().
  void add(std::unique_ptr<Controller> controller);
  /// Works until `tasks` are cancelled.
  void start(async::TaskGroup& tasks);
  /// Whether nothing waits or is worked on; what is meant for later does not count.
  [[nodiscard]] bool idle() const;

  ControllerAccess& access() noexcept { return access_; }

 private:
  struct Running;
  async::Loop& loop_;
  ControllerAccess access_;
  std::vector<std::unique_ptr<Running>> running_;
  std::shared_ptr<void> observation_;
};

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/storage/backend.h"
#include "apiserver/storage/stored_object.h"
#include "async/ctx.h"
#include "base/result.h"
#include "base/unique_function.h"

// The API server's objects: all of them in memory, every change on disk before anybody sees it. A change gets
// the next revision when it is decided; changes that are decided while the disk is busy share its next
// commit. Readers see only what is committed. When a commit fails, all changes of it and all that were
// decided on top of it fail, and the state is what it was. Loop thread only.
//
//   const auto stored = TRY(storage.write(ctx, "secrets", {"default", "token"}, [&](const StoredObject*
//   latest) ->
//       Result<Decision> { if (latest) return already_exists(); return Decision::put(bytes, labels); }));

namespace klutch::apiserver {

/// What a write wants to do with the object it was shown.
struct Decision {
  enum class Kind { kPut, kDelete, kKeep };
  Kind kind = Kind::kKeep;
  /// kPut: the object. kDelete: the object's last state, which watchers see; empty: as it is.
  std::string bytes = {};
  json::Value labels = {};

  static Decision put(std::string bytes, json::Value labels) {
    return {Kind::kPut, std::move(bytes), std::move(labels)};
  }
  static Decision remove(std::string last_bytes = {}, json::Value last_labels = {}) {
    return {Kind::kDelete, std::move(last_bytes), std::move(last_labels)};
  }
  /// Changes nothing: no revision, no event.
  static Decision keep() { return {}; }
};

/// One change as watchers see it.
struct StoreEvent {
  Revision revision = 0;
  StoredPtr before = {};  ///< null: it was created
  /// The object; for a deletion its last state, with the revision of the deletion.
  StoredPtr after = {};
  bool deleted = false;
  /// What watchers made of it, so that each form is made once: (form, bytes). Loop thread only.
  mutable std::vector<std::pair<std::string, std::shared_ptr<const std::string>>> encodings = {};
};
using StoreEventPtr = std::shared_ptr<const StoreEvent>;

struct StorageOptions {
  /// Of each type, events stay for resuming watches at least so long, unless there are more than
  /// `history_events` or `history_bytes` of them.
  Duration history_age = std::chrono::minutes(6);
  std::size_t history_events = 20'000;
  std::size_t history_bytes = std::size_t{64} * 1024 * 1024;
  /// Changes in one commit at most.
  std::size_t batch_changes = 512;
  /// Changes that may wait for the disk; beyond, writers get kTooManyRequests.
  std::size_t waiting_changes = 10'000;
};

/// For metrics and health checks.
struct StorageStatistics {
  std::uint64_t commits = 0;
  std::uint64_t changes = 0;  ///< committed; divided by commits: how many share one
  std::uint64_t failed_changes = 0;
  std::size_t waiting_changes = 0;  ///< decided, not committed yet
  std::size_t objects = 0;
  std::size_t history_events = 0;
  std::size_t history_bytes = 0;
  /// Why the last commit failed; nothing when it succeeded.
  std::optional<Error> trouble = {};
};

class StoreWatch;

class Storage {
 public:
  /// Loads what the backend has and starts committing, on fibers that belong to `owner`.
  static Result<std::unique_ptr<Storage>> open(Ctx& owner, std::unique_ptr<Backend> backend,
                                               StorageOptions options = {});
  /// stop() must have been called.
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  /// Lets waiting changes be committed, then ends. Later writes are kUnavailable.
  void stop(Ctx& ctx);

  /// The last committed change: what a list says about itself.
  [[nodiscard]] Revision revision() const noexcept;
  /// Below this, states and watches of `type` are kGone.
  [[nodiscard]] Revision oldest_revision(std::string_view type) const noexcept;

  /// The committed state of one object, null if there is none.
  [[nodiscard]] StoredPtr get(std::string_view type, const kube::Key& key) const;

  /// The newest state that has been decided, committed or not: for decisions that depend on other objects.
  [[nodiscard]] StoredPtr latest(std::string_view type, const kube::Key& key) const;

  struct Page {
    Revision revision = 0;
    std::vector<StoredPtr> objects = {};
    bool more = false;          ///< there is at least one beyond the limit
    std::size_t remaining = 0;  ///< objects beyond the limit, before any filter
  };
  struct ListRange {
    std::string ns = {};                  ///< empty: all
    std::optional<kube::Key> after = {};  ///< starts behind this key
    Revision at = 0;                      ///< 0: now
    std::size_t limit = 0;                ///< objects that pass the filter; 0: all
    std::function<bool(const StoredObject&)> filter = {};
  };
  /// Ordered by namespace and name, all of one revision. kGone if `at` is too old or has never been.
  [[nodiscard]] Result<Page> list(std::string_view type, const ListRange& range) const;
  [[nodiscard]] std::size_t count(std::string_view type, std::string_view ns = {}) const;
  /// The same with all that has been decided, committed or not: for limits that nobody may pass by haste.
  [[nodiscard]] std::size_t count_latest(std::string_view type, std::string_view ns = {}) const;
  /// Types that have objects.
  [[nodiscard]] std::vector<std::string> types() const;
  [[nodiscard]] StorageStatistics statistics() const;

  struct Written {
    StoredPtr object =
        {};  ///< as stored; for a deletion its last state; null if nothing was there and was kept so
    bool changed = false;
    bool deleted = false;
  };
  using Decide = UniqueFunction<Result<Decision>(const StoredObject* latest, Revision next)>;
  /// Shows `decide` the newest state of the object, committed or not, null if there is none, together with
  /// the revision that a change would get (the bytes should say it as metadata.resourceVersion); carries the
  /// decision out and returns when it is on disk. `decide` runs exactly once, at once, must not suspend and
  /// may read this store but not write to it. Its errors are returned, when what it saw is on disk.
  /// kUnavailable if the commit failed; nothing was changed then, unless the message says that a restart may
  /// find it stored.
  Result<Written> write(Ctx& ctx, std::string_view type, const kube::Key& key, Decide decide);

  /// Events after `from`. kGone if that is too old. A revision that is yet to come is waited for, as
  /// Kubernetes does; none that was seen is ever ahead of the store (see backend.h, maintenance.h).
  Result<std::unique_ptr<StoreWatch>> watch(std::string_view type, Revision from);

  /// Shows every committed change to `observer`, in order, until the returned handle is dropped. It is called
  /// on the loop's thread and must neither suspend nor use the store.
  using Observer = std::function<void(std::string_view type, const StoreEvent& event)>;
  [[nodiscard]] std::shared_ptr<void> observe(Observer observer);

  /// Drops all history up to now: watches that are behind and old states become kGone. For tests and
  /// operators.
  void compact();

 private:
  struct State;
  explicit Storage(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// A position in the history of one type. Holds no events itself: who reads too slowly gets kGone. Must not
/// outlive its Storage.
class StoreWatch {
 public:
  virtual ~StoreWatch() = default;
  /// The next event; suspends until there is one. kGone when this watch has fallen behind the history;
  /// kCancelled when the store stops; kTimeout and kCancelled from `ctx`.
  virtual Result<StoreEventPtr> next(Ctx& ctx) = 0;
  /// The next event if there is one now; null otherwise.
  virtual Result<StoreEventPtr> poll() = 0;
  /// All events up to this revision have been delivered: what a bookmark says.
  [[nodiscard]] virtual Revision position() const noexcept = 0;
};

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/api/watch_event.h"
#include "kube/runtime/informer.h"
#include "kube/runtime/object_store.h"

// StoreWriter brings what a server sent into an ObjectStore and tells of every change, in an order that is
// possible for real objects. A list is the truth: what it has replaces what is stored, and what it has not is
// deleted, but only once the list is known to be whole. An event is news: one that is not newer than what is
// stored, or than what was deleted, is ignored, so that duplicates and replays do no harm. Resource versions
// are compared for the same UID only. Loop thread only; never suspends. Each function fails with kInternal,
// changing nothing, for an object that cannot be what was asked for, and with kTooLarge for one too many.

namespace klutch::kube {

/// What may enter the store, and in which form.
struct Intake {
  ResourceType type = {};
  std::string ns = {};  ///< empty: all namespaces
  bool metadata_only = false;
  bool keep_managed_fields = false;
  /// Must keep name, namespace, UID and resource version (CHECK).
  std::function<void(Object&)> transform = {};
  std::size_t max_objects = 1'000'000;
};

class StoreWriter {
 public:
  /// Called after the store has the change.
  using Tell = std::function<void(const Change&)>;

  StoreWriter(ObjectStore& store, Intake intake, Tell tell);

  /// Begins to compare the store with a list. An earlier list that was not finished is forgotten; what it had
  /// stays, what it had not stays too.
  void begin_list();
  /// The next object of a list.
  Result<> add_listed(Object object);
  /// The list was whole: deletes what it did not have. The store is synced from now on.
  void end_list(std::string_view resource_version);
  /// How many different objects the list has had.
  [[nodiscard]] std::size_t listed() const noexcept { return store_.seen(); }

  /// An event of a watch, other than a bookmark. True if it was news. Between begin_list() and end_list()
  /// its object counts as part of the list; an object that the list has not had yet is then taken as it is.
  Result<bool> apply(WatchEvent event);
  /// The store has reached this version.
  void advance(std::string_view resource_version) { store_.set_resource_version(resource_version); }

  [[nodiscard]] const ObjectStore& store() const noexcept { return store_; }

 private:
  /// The versions at which objects were deleted, for as many of the latest as fit.
  class Graves {
   public:
    void add(std::string_view uid, std::string_view version);
    /// Whether the object with this UID was deleted at `version` or later.
    [[nodiscard]] bool has(std::string_view uid, std::string_view version) const noexcept;
    void clear() noexcept { graves_.clear(); }

   private:
    struct Grave {
      std::size_t uid_hash;
      std::uint64_t version;
    };
    static constexpr std::size_t kMost = 1024;
    std::vector<Grave> graves_;
    std::size_t oldest_ = 0;  // the next to be overwritten once there are so many
  };

  [[nodiscard]] Result<> check(const Object& object) const;
  [[nodiscard]] ObjectPtr prepare(Object object) const;
  Result<> store(Object object, const ObjectPtr& before);
  void remove(const ObjectPtr& before, std::string_view version);
  void tell(Change::Kind kind, ObjectPtr before, ObjectPtr now);

  ObjectStore& store_;
  const Intake intake_;
  const std::string api_version_;
  const Tell tell_;
  Graves graves_;
  bool listing_ = false;
};

}  // namespace klutch::kube

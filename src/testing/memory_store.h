// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/ctx.h"
#include "async/suspension.h"
#include "base/result.h"
#include "kube/api/object.h"
#include "kube/api/resource.h"

// What MemoryApiServer keeps: objects of every type under one sequence of revisions, and the latest changes,
// from which any state since the last compaction can be had again, as in etcd. Knows nothing of HTTP and of
// the rules for objects. Loop thread only. For tests only.

namespace klutch::testing {

/// A type as the memory server serves it.
struct ServedType {
  kube::ResourceType type = {};
  std::vector<std::string> short_names = {};
  /// Status is written through its own subresource only.
  bool status_subresource = false;
  /// Behaves as a custom resource: counts generations, has no strategic merge patch, is never written
  /// without a resource version.
  bool custom = true;
  bool served = true;
};

class MemoryStore {
 public:
  struct Change {
    std::uint64_t revision = 0;
    const ServedType* type = nullptr;
    kube::Key key = {};
    kube::ObjectPtr before = {};  ///< null if it did not exist
    kube::ObjectPtr now = {};     ///< null if it does not exist any more
  };
  using Objects = std::map<kube::Key, kube::ObjectPtr>;

  /// Keeps so many changes at most.
  explicit MemoryStore(std::size_t history) : history_limit_(history) {}

  /// Adds a type, or serves again one that was there. The reference stays valid.
  ServedType& add_type(ServedType type);
  /// Null if there is none of that name.
  [[nodiscard]] ServedType* find_type(const kube::GroupResource& name);
  [[nodiscard]] std::vector<const ServedType*> types() const;

  /// Of the last change.
  [[nodiscard]] std::uint64_t revision() const noexcept { return revision_; }
  /// Changes up to this one are forgotten.
  [[nodiscard]] std::uint64_t compacted() const noexcept { return compacted_; }
  void compact(std::uint64_t up_to);

  /// Null if there is none.
  [[nodiscard]] kube::ObjectPtr find(const ServedType& type, const kube::Key& key) const;
  [[nodiscard]] const Objects& objects(const ServedType& type) const;
  /// The objects as of `revision`, which must not be compacted nor lie in the future (CHECK).
  [[nodiscard]] Objects objects_at(const ServedType& type, std::uint64_t revision) const;

  /// Stores `object` with a new resource version.
  kube::ObjectPtr put(const ServedType& type, const kube::Key& key, kube::Object object);
  void erase(const ServedType& type, const kube::Key& key);

  /// The first change after `revision`, which must not be compacted (CHECK); null if there is none yet.
  [[nodiscard]] const Change* change_after(std::uint64_t revision) const;
  /// Suspends until there is a change after `revision`, wake_watchers() is called, or, with success, the
  /// deadline of `ctx` passes.
  Result<> wait_for_change(Ctx& ctx, std::uint64_t revision);
  void wake_watchers() { changed_.wake_all(); }

 private:
  struct Table {
    ServedType type;
    Objects objects;
  };
  void record(const ServedType& type, const kube::Key& key, kube::ObjectPtr before, kube::ObjectPtr now);
  [[nodiscard]] const Table& table(const ServedType& type) const;

  std::size_t history_limit_;
  std::uint64_t revision_ = 1;
  std::uint64_t compacted_ = 0;
  std::map<kube::GroupResource, std::unique_ptr<Table>> tables_;
  std::deque<Change> history_;  // one for each revision in (compacted_, revision_]
  async::WaitList changed_;
};

}  // namespace klutch::testing

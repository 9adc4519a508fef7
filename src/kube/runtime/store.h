// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/api/object.h"
#include "kube/api/resource.h"

// A Store is the local copy of one list of objects, kept by an informer and read by everybody. Objects are
// immutable snapshots: who wants to change one copies it. A Store that has not seen a whole list yet answers
// "unknown", never "absent", so that an empty cache is not taken for deletion. Loop thread only.
//
//   const auto found = store.get({"default", "web"});
//   if (found.unknown()) return kube::requeue_after(1s);

namespace klutch::kube {

/// The three-way answer of a cache.
enum class Presence {
  kPresent,
  kAbsent,   ///< the whole list is known, and it is not in it
  kUnknown,  ///< the list is not known yet
};

struct Lookup {
  Presence presence = Presence::kUnknown;
  ObjectPtr object = {};  ///< set only if present

  [[nodiscard]] bool present() const noexcept { return presence == Presence::kPresent; }
  [[nodiscard]] bool absent() const noexcept { return presence == Presence::kAbsent; }
  [[nodiscard]] bool unknown() const noexcept { return presence == Presence::kUnknown; }
};

/// The values under which an index finds an object; none: the index leaves it out.
using IndexFunction = std::function<std::vector<std::string>(const Object&)>;

/// Reading. Returned objects stay valid as long as the caller holds them.
class Store {
 public:
  virtual ~Store() = default;

  [[nodiscard]] virtual Lookup get(const Key& key) const = 0;
  /// Whether a whole list has been seen at least once.
  [[nodiscard]] virtual bool synced() const noexcept = 0;
  [[nodiscard]] virtual std::size_t size() const noexcept = 0;
  /// Ordered by key. Empty while unknown: ask synced() where that matters.
  [[nodiscard]] virtual std::vector<ObjectPtr> list() const = 0;
  [[nodiscard]] virtual std::vector<ObjectPtr> list_namespace(std::string_view ns) const = 0;
  /// What the index `name` (CHECK: it exists) has under `value`, ordered by key.
  [[nodiscard]] virtual std::vector<ObjectPtr> by_index(std::string_view name,
                                                        std::string_view value) const = 0;
  /// The resource version that this state has reached; empty while unknown.
  [[nodiscard]] virtual const std::string& resource_version() const noexcept = 0;
};

}  // namespace klutch::kube

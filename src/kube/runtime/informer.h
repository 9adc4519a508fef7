// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "async/ctx.h"
#include "base/clock.h"
#include "base/result.h"
#include "kube/api/selector.h"
#include "kube/client/client.h"
#include "kube/runtime/store.h"

// An Informer keeps a Store equal to what the API server has, and tells handlers of every change in an order
// that is possible for a real object: added, updated..., deleted, never twice and never backwards. One list
// and one watch serve everybody who asks the same Cache for the same thing (cache.h). Loop thread only.

namespace klutch::kube {

/// One change of the store. Handlers see it after the store has it.
struct Change {
  enum class Kind { kAdded, kUpdated, kDeleted };
  Kind kind = Kind::kAdded;
  Key key = {};
  ObjectPtr before = {};  ///< null for kAdded
  ObjectPtr now = {};     ///< null for kDeleted
  bool initial = false;   ///< part of the first list: it existed before we looked
};

/// Called on the loop's thread, in order; must not suspend. Typically puts a key into a work queue.
using ChangeHandler = std::function<void(const Change&)>;

/// What to keep. Equal options share one informer.
struct InformerOptions {
  std::string ns = {};  ///< empty: all namespaces
  LabelSelector labels = {};
  FieldSelector fields = {};
  /// Keeps only metadata (PartialObjectMetadata); for types with many or large objects.
  bool metadata_only = false;
  /// managedFields are dropped unless this is set; they are often half of an object.
  bool keep_managed_fields = false;
};

/// Ends the delivery of changes when destroyed, also from within the handler. May outlive the informer.
class Subscription {
 public:
  Subscription() = default;
  explicit Subscription(std::shared_ptr<void> token) : token_(std::move(token)) {}
  void reset() { token_.reset(); }
  explicit operator bool() const noexcept { return token_ != nullptr; }

 private:
  std::shared_ptr<void> token_;
};

class Informer {
 public:
  virtual ~Informer() = default;

  [[nodiscard]] virtual const ResourceType& type() const noexcept = 0;
  [[nodiscard]] virtual const Store& store() const noexcept = 0;
  /// Delivers every later change, and first, at once, one kAdded for each object that is there (`initial`).
  [[nodiscard]] virtual Subscription subscribe(ChangeHandler handler) = 0;
  /// Adds an index, filled at once. The same name with another function is a programmer error (CHECK by name:
  /// a name that exists keeps its function).
  virtual void add_index(const std::string& name, IndexFunction function) = 0;
  /// Suspends until the store is synced. Errors: kTimeout and kCancelled from `ctx`, the message then tells
  /// the last error of the list or watch; kCancelled when the informer has been stopped.
  virtual Result<> wait_for_sync(Ctx& ctx) = 0;
  /// The last error of the list or watch since it last went well; nothing if it goes well. For conditions and
  /// health.
  [[nodiscard]] virtual std::optional<Error> last_error() const = 0;
};

}  // namespace klutch::kube

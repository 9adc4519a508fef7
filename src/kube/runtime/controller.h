// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "async/ctx.h"
#include "base/clock.h"
#include "base/result.h"
#include "kube/api/object.h"

// The contract between a controller and the framework. A Reconciler brings the world closer to what one
// object asks for. The framework finds out which objects need it, loads a private copy, calls reconcile(),
// writes back what the reconciler changed in that copy (metadata and spec by one merge patch, status by
// another, nothing if nothing changed), and decides from the Result when to call again:
//
//   Outcome             done; again when something changes, or after Outcome::after
//   kTerminal, kInvalid, kUnsupported
//                       an error that waiting cannot help: not retried until something changes
//   kConflict           something changed meanwhile: again soon, without counting as failure
//   any other error     again with exponential back-off, per object; error.retry_after() is honoured
//
// After an error only status is written back, so that its conditions can tell the user. An exception counts
// as kInternal, and nothing is written back. It never calls reconcile() twice at once for one key, never for
// an object it does not know to exist, and never with a copy older than what it has itself written before.
// A reconciler is level-based and idempotent, never sleeps, never touches a queue, and mutates only the
// object it was given. What must be stored before something else is done, such as a finalizer, needs a
// return in between (finalizer.h).

namespace klutch::kube {

/// What a successful reconcile asks for.
struct Outcome {
  /// Call again after this long even if nothing changes. Zero: soon, with longer and longer pauses while that
  /// goes on.
  std::optional<Duration> after = {};
};

inline Outcome done() {
  return {};
}
inline Outcome requeue_after(Duration delay) {
  return {.after = delay};
}

template <class T>
class Reconciler {
 public:
  virtual ~Reconciler() = default;
  /// `object` is a private copy from the cache. Objects being deleted come here too, while they have
  /// finalizers.
  virtual Result<Outcome> reconcile(Ctx& ctx, T& object) = 0;
  /// Called once when the cache, in sync, has the object no more. For dropping what is kept per object in
  /// memory; not for external clean-up, which needs a finalizer.
  virtual Result<Outcome> forget(Ctx& ctx, const Key& key) {
    static_cast<void>(ctx);
    static_cast<void>(key);
    return Outcome{};
  }
};

}  // namespace klutch::kube

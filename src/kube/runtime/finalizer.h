// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "async/ctx.h"
#include "base/result.h"
#include "base/unique_function.h"
#include "kube/api/object.h"
#include "kube/runtime/controller.h"

// The usual way to tie something outside of the cluster to the life of an object. Called from reconcile():
//
//   return kube::with_finalizer(ctx, instance, kFinalizer,
//                               {.keep = [&](Ctx& c) { return ensure_database(c, instance); },
//                                .clean_up = [&](Ctx& c) { return delete_database(c, instance); }});
//
// Flow: 1. The object lives and has no finalizer: it is added, and the controller is called again once that
//          is stored; `keep` is not called.
//       2. The object lives and has it: `keep`.
//       3. The object is being deleted and has it: `clean_up`, until that gives gone(). Then the finalizer is
//          dropped.
//       4. The object is being deleted and does not have it: nothing; the object is left to others.
// Guarantees: `keep` runs only when the finalizer is stored, so that whatever it makes has a guard. The
//       finalizer is dropped only after gone(), never after an error. Both may run any number of times; keep
//       never runs after clean_up has begun.
// Assumptions: the controller framework calls this and stores the object. Both functions are idempotent;
//       clean_up finds what keep made without help of status, which may be older than the last keep.
// Caveat: while the controller does not run, objects with the finalizer are not deleted.

namespace klutch::kube {

/// What clean_up found.
struct CleanUp {
  bool gone = false;
  Outcome again = {};  ///< when not gone
};

/// Nothing is left: the object may end.
inline CleanUp gone() {
  return {.gone = true};
}
/// Something is left: again after this long, or when the object or what is watched changes.
inline CleanUp still_there(std::optional<Duration> after = {}) {
  return {.again = {after}};
}

struct FinalizerSteps {
  UniqueFunction<Result<Outcome>(Ctx&)> keep = {};
  UniqueFunction<Result<CleanUp>(Ctx&)> clean_up = {};
};

/// See above. Errors are those of the steps.
Result<Outcome> with_finalizer(Ctx& ctx, Object& object, std::string_view finalizer, FinalizerSteps steps);
inline Result<Outcome> with_finalizer(Ctx& ctx, Resource& object, std::string_view finalizer,
                                      FinalizerSteps steps) {
  return with_finalizer(ctx, object.object(), finalizer, std::move(steps));
}

}  // namespace klutch::kube

// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/finalizer.h"

namespace klutch::kube {

Result<Outcome> with_finalizer(Ctx& ctx, Object& object, std::string_view finalizer, FinalizerSteps steps) {
  const bool guarded = has_finalizer(object, finalizer);
  if (!is_deleting(object)) {
    if (guarded) return steps.keep(ctx);
    add_finalizer(object, finalizer);
    return requeue_after(Duration::zero());
  }
  if (!guarded) return done();
  const CleanUp cleaned = TRY(steps.clean_up(ctx));
  if (!cleaned.gone) return cleaned.again;
  remove_finalizer(object, finalizer);
  return done();
}

}  // namespace klutch::kube

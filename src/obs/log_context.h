// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/ctx.h"
#include "obs/log.h"

// Log fields that travel with the work: what a request or a reconcile is about is put into its Ctx once, and
// every line written for it carries it, whoever writes it, also in the tasks it spawns.
//
//   auto named = obs::with_log_fields(ctx, {{"request_id", request.id}});
//   obs::log_for(log, named).info("listed", {{"count", n}});

namespace klutch::obs {

/// `ctx` with `fields` in addition to those it has; one of the same key takes the place of the old one.
[[nodiscard]] Ctx with_log_fields(const Ctx& ctx, Fields fields);

/// `log` with the fields of `ctx`. Its own stand first; a field of the same key is that of the Ctx.
[[nodiscard]] Logger log_for(const Logger& log, const Ctx& ctx);

}  // namespace klutch::obs

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/ctx.h"
#include "base/result.h"
#include "local/component.h"

namespace klutch::local {

/// Asks a component once whether it is ready; success: it is. kUnavailable when it does not listen yet.
Result<> probe(Ctx& ctx, const Component& component);
/// Asks again and again, with short pauses, until it is ready or the deadline of `ctx` passes.
Result<> wait_ready(Ctx& ctx, const Component& component);

}  // namespace klutch::local

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/ctx.h"
#include "base/result.h"

namespace klutch::async {

/// Suspends until `fd` is readable or its other end is closed: pipes, sockets, and the descriptors of
/// processes, which become readable when the process has ended. Does not take the descriptor over; it must
/// stay open meanwhile. Errors: kTimeout, kCancelled; kInvalid for what cannot be waited for, such as files.
Result<> wait_readable(Ctx& ctx, int fd);

}  // namespace klutch::async

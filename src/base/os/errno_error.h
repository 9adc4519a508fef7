// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"

// Failed system calls as Errors. Safe from any thread.

namespace klutch::os {

/// The Error for `number` (a value of errno): "`what`: No such file or directory". `what` starts with "cannot
/// ..." and names the path. ENOENT is kNotFound, EACCES and EPERM kForbidden, EEXIST kAlreadyExists, a full
/// disk or a shortage of descriptors or memory kUnavailable, a wrong kind of file or name kInvalid, the rest
/// kInternal.
Error errno_error(int number, std::string_view what);

/// errno_error for the current errno, ready to return.
[[nodiscard]] tl::unexpected<Error> fail_errno(std::string_view what);

}  // namespace klutch::os

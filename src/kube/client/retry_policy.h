// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "kube/api/request.h"

// Private to kube/client: which requests may be sent again. Pure functions.

namespace klutch::kube {

/// Whether sending it twice leaves the server as sending it once would (RFC 9110 §9.2.2). Server-side apply
/// is, other patches may not be.
bool is_idempotent(const Request& request) noexcept;

/// Whether an answer of `status` that says when to try again may be followed by the same request. 429 and 503
/// say that it was not carried out; after any other 5xx nobody knows.
bool may_repeat(const Request& request, int status) noexcept;

}  // namespace klutch::kube

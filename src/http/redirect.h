// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/client.h"

// Private to http/: what becomes of a request when its response is a redirect (RFC 9110 §15.4). Nothing that
// could be a credential reaches another origin: only headers known to be harmless are kept there.

namespace klutch::http {

/// Turns `request` into the one that a response with `status` and `headers` asks for; false if it does not
/// ask for any. kForbidden for a way that is not taken: from https to http, or with a body to another origin.
/// kUnsupported if the body cannot be sent again, kInvalid for a Location that is no http URL.
Result<bool> apply_redirect(ClientRequest& request, int status, const Headers& headers);

}  // namespace klutch::http

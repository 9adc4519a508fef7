// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/endpoints/api_request.h"
#include "apiserver/verbs/verbs.h"
#include "async/ctx.h"
#include "base/result.h"
#include "http/message.h"

// The verbs that change objects, as HTTP requests: from body and query to an answer. What a change goes
// through is in verbs/.

namespace klutch::apiserver {

/// Also reviews, tokens and evictions, which are created but not stored. 201.
Result<http::Response> serve_create(Ctx& ctx, ApiRequest& request, Verbs& verbs);
/// 200, or 201 for what did not exist.
Result<http::Response> serve_update(Ctx& ctx, ApiRequest& request, Verbs& verbs);
/// Of each type; carries a Status 415, naming those that fit, for another content type.
Result<http::Response> serve_patch(Ctx& ctx, ApiRequest& request, Verbs& verbs);
/// A Status when the object is gone, the object when it waits for finalizers.
Result<http::Response> serve_delete(Ctx& ctx, ApiRequest& request, Verbs& verbs);
/// Deletes what selectors choose, and gives the list of it.
Result<http::Response> serve_delete_collection(Ctx& ctx, ApiRequest& request, Verbs& verbs);

}  // namespace klutch::apiserver

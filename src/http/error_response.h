// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "http/message.h"
#include "http/request.h"

// What a handler's Error looks like to the client. The server calls one ErrorRenderer for all of them; a
// server with an error format of its own (Kubernetes' Status) brings its own. Pure functions, safe from any
// thread.

namespace klutch::http {

using ErrorRenderer = std::function<Response(const Error&, const ServerRequest&)>;

/// The status of traits(code), with kCancelled as 503: the client did nothing wrong.
int error_status(const Error& error) noexcept;
/// The message to show: the error's own, except that kInternal and kCancelled give nothing of the inside away
/// and name the request id instead, under which the log has the whole text.
std::string public_message(const Error& error, const ServerRequest& request);
/// Adds Retry-After (whole seconds, rounded up) if the error asks for it.
void add_retry_after(Response& response, const Error& error);

/// "text/plain": the message and a line feed. The server's default.
Response render_error_as_text(const Error& error, const ServerRequest& request);
/// "application/json": {"code":404,"reason":"NotFound","message":"..."}.
Response render_error_as_json(const Error& error, const ServerRequest& request);

}  // namespace klutch::http

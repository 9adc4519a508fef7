// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "http/message.h"

// Responses as errors, for callers to whom a status of 400 or more is one. Pure functions.

namespace klutch::http {

/// How long Retry-After (RFC 9110 §10.2.3) asks to wait, as seconds or as a date; at most a day, not less
/// than zero. Nothing if the text is neither.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text, Time now);

/// The error that `response` stands for: code_from_http_status() of its status, "503 Service Unavailable"
/// and, where the body is plain text, its first line as the message, and Retry-After where it has one.
Error error_from_response(const Response& response, Time now);

}  // namespace klutch::http

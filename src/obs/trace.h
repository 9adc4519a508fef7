// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

// W3C Trace Context, level 1: which trace a request belongs to, carried from process to process in the
// headers `traceparent` and `tracestate`. A TraceContext is an immutable-by-habit value; put it into a Ctx
// with ctx.with_value(std::make_shared<const TraceContext>(...)). Section numbers are those of the
// recommendation.

namespace klutch::obs {

using TraceId = std::array<std::uint8_t, 16>;
using SpanId = std::array<std::uint8_t, 8>;

struct TraceContext {
  TraceId trace_id{};
  SpanId span_id{};
  bool sampled = false;
  /// The vendors' list as it goes on the wire, valid or empty (§3.3).
  std::string state = {};

  friend bool operator==(const TraceContext&, const TraceContext&) = default;
};

/// Begins a trace with random ids.
TraceContext new_trace(bool sampled = true);

/// The context for work on behalf of `parent`: the same trace and state, a span id of its own.
TraceContext child_of(const TraceContext& parent);

/// The context that request headers carry. A `tracestate` that is malformed is dropped, as §3.3.1.1 asks; a
/// `traceparent` that is malformed gives kInvalid, upon which the receiver begins a new trace (§4.3).
Result<TraceContext> parse_trace(std::string_view traceparent, std::string_view tracestate = {});

/// The context of a request: parsed when that works, else a new trace; in both cases with a span id of our
/// own.
TraceContext continue_or_begin(std::optional<std::string_view> traceparent, std::string_view tracestate);

/// The header `traceparent`, version 00: "00-<trace id>-<span id>-01".
std::string traceparent(const TraceContext& context);

/// 32 and 16 lower-case hexadecimal digits, for logs.
std::string to_hex(const TraceId& id);
std::string to_hex(const SpanId& id);

/// The entries of a `tracestate` header (several headers joined with commas), first the most recent. kInvalid
/// when it breaks a rule of §3.3, kTooLarge above 32 entries or 512 characters.
Result<std::vector<std::pair<std::string_view, std::string_view>>> parse_tracestate(std::string_view text);

}  // namespace klutch::obs

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

// Durations as text, in the forms users of Kubernetes know: Go's time.Duration ("1h30m") for configuration
// and metav1.Duration, and kubectl's ages ("5m3s"). Pure functions, safe from any thread.

namespace klutch {

/// Prints exactly as Go's Duration.String: "1h30m0s", "1.5s", "300ms", "12µs", "0s".
std::string format_duration(Duration duration);

/// Parses exactly as Go's time.ParseDuration: an optional sign, then numbers with a unit (ns, us, µs, ms, s,
/// m, h), or a bare 0. Fractions of a unit go through double arithmetic as they do in Go. kInvalid says what
/// is wrong.
Result<Duration> parse_duration(std::string_view text);

/// An age as kubectl prints it, at most two units: "5m3s", "2d4h", "3y120d". Up to two seconds in the future
/// (clocks differ) is "0s", anything further "<invalid>".
std::string format_age(Duration age);

}  // namespace klutch

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

// Times as Go reads them. Pure functions.

namespace klutch::apiserver {

/// What metav1.Time makes of a timestamp: UTC, whole seconds, any year of four digits; empty for the zero
/// time. Otherwise kInvalid with the text of Go's time.Parse:
/// `parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"`.
Result<std::string> go_canonical_time(std::string_view text);

}  // namespace klutch::apiserver

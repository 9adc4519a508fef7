// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "json/value.h"

// What becomes of values that Go reads and writes in a form of their own. kBadRequest in the words of Go.
// Pure functions. Private to this library.

namespace klutch::apiserver {

/// encoding/base64 reads line breaks and stray bits, which are gone afterwards.
Result<std::string> go_canonical_base64(std::string_view text);
/// metav1.Time: UTC, whole seconds; empty for the zero time.
Result<std::string> go_canonical_seconds(std::string_view text);
/// metav1.MicroTime.
Result<std::string> go_canonical_micros(std::string_view text);
/// metav1.Duration: "1h0m0s".
Result<std::string> go_canonical_duration(std::string_view text);
/// resource.Quantity, from a string or a number.
Result<std::string> go_canonical_quantity(const json::Value& value);

}  // namespace klutch::apiserver

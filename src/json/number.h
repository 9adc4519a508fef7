// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "json/value.h"

// The text form of numbers, shared by the JSON and YAML readers and writers. Locale-independent, stateless,
// thread-safe.

namespace klutch::json {

/// Bytes that write_double() may need at most.
inline constexpr std::size_t kDoubleBytes = 32;

/// Writes `number` (finite) at `out` as Go's encoding/json does: shortest digits that read back exactly,
/// positional for 1e-6 <= |number| < 1e21, else with an exponent such as 1e-9 or 1e+21. Returns the end.
char* write_double(double number, char* out) noexcept;

/// The value of `text`, which must follow the JSON grammar for numbers. Whole numbers without point or
/// exponent are exact integers while they fit int64 or uint64, else doubles; -0 is the integer 0. What is too
/// small for a double becomes 0. Nothing when it is too large for a double.
std::optional<Value> read_number(std::string_view text);

}  // namespace klutch::json

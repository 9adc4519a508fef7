// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "apiserver/cel/value.h"

// Formats of texts that have a name: format.dns1123Label(). Internal.

namespace klutch::apiserver::cel {

/// The length of the pattern that stands for the cost of a format; nothing when it is none.
std::optional<std::uint64_t> named_format_pattern_size(const Value& format);

}  // namespace klutch::apiserver::cel

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "apiserver/cel/functions.h"
#include "apiserver/cel/value.h"

// What a call costs at run time, as Kubernetes accounts for it: by function first, then by overload, and 1
// where nothing is known. Pure functions. Internal.

namespace klutch::apiserver::cel {

/// What one character of a text costs where all of it is looked at, and of a pattern.
inline constexpr double kTextCostFactor = 0.1;
inline constexpr double kPatternCostFactor = 0.25;

inline constexpr std::uint64_t kListBaseCost = 10;
inline constexpr std::uint64_t kMapBaseCost = 30;
inline constexpr std::uint64_t kObjectBaseCost = 40;
inline constexpr std::uint64_t kAuthorizerCheckCost = 350'000;

/// The cost of one call with these arguments (of which some may be errors) and this result.
using CallCost = std::uint64_t (*)(Arguments arguments, const Value& result);

/// `overload` is empty when only the call can tell which one it is.
CallCost call_cost(std::string_view function, std::string_view overload);

}  // namespace klutch::apiserver::cel

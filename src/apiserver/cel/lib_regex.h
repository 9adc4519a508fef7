// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "apiserver/cel/functions.h"
#include "apiserver/schema/pattern.h"

// Calls whose pattern is a constant, so that it is compiled once. Internal.

namespace klutch::apiserver::cel {

/// matches(), find() or findAll() with `pattern`, which is valid, in place of argument 1.
Value apply_pattern(std::string_view function, const Pattern& pattern, Arguments arguments);

}  // namespace klutch::apiserver::cel

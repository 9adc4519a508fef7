// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "apiserver/cel/expression.h"
#include "apiserver/cel/program.h"

// Runs programs. Nothing recurses with the expression, and what a run may cost, hold and nest is bounded.
// Safe from any thread. Internal.

namespace klutch::apiserver::cel {

Evaluation run(const Program& program, Activation activation, std::uint64_t cost_limit);

}  // namespace klutch::apiserver::cel

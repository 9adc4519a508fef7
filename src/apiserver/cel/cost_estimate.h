// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/cel/checker.h"
#include "apiserver/cel/cost_range.h"
#include "apiserver/cel/schema.h"

// How much an expression may cost, whatever the objects: as cel-go's checker estimates it, with the sizes
// that a schema allows. Keeps its own stack. Internal.

namespace klutch::apiserver::cel {

/// `root` is the schema of self; may be null.
CostRange estimate_cost(const CheckedAst& checked, const Schema* root);

}  // namespace klutch::apiserver::cel

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "apiserver/cel/cost_range.h"
#include "apiserver/cel/type.h"
#include "apiserver/cel/value.h"

// What a call may cost and how large its result may be, by what is known of its operands before anything is
// evaluated: the counterpart of call_cost.h. Which rules a CRD may have depends on it. Pure functions.
// Internal.

namespace klutch::apiserver::cel {

/// What is known of an operand.
struct EstimatedOperand {
  Type type = {};
  CostRange size = CostRange::unknown();
  /// Of the elements, where it is a list in the schema.
  CostRange element_size = CostRange::unknown();
  bool has_size = false;
  /// Null unless it is a literal.
  const Value* literal = nullptr;
};

struct CallEstimate {
  CostRange cost = {};
  CostRange result_size = {};
  /// Whether anything is known of the size.
  bool has_size = false;
};

/// Without the cost of the operands themselves. `target` is null unless it is a method. && and ||, ?: and the
/// concatenations are for the caller; this gives 1 for them.
CallEstimate estimate_call(std::string_view function, std::string_view overload,
                           const EstimatedOperand* target, std::span<const EstimatedOperand> arguments);

}  // namespace klutch::apiserver::cel

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "apiserver/cel/cost_range.h"
#include "apiserver/cel/environment.h"
#include "apiserver/cel/type.h"
#include "apiserver/cel/value.h"
#include "base/result.h"

// Expression is one expression of the Common Expression Language, checked against an environment and ready to
// be evaluated as often as need be. Cheap to copy, immutable, safe from any thread. Nothing suspends; stacks
// of 256 KiB are enough whatever the expression; what an evaluation may cost is bounded by the caller.
//
//   const auto expression = TRY(Expression::compile("self.replicas <= 5", environment));
//   const std::pair<std::string_view, Value> self = {"self", Value::from_json(object, *schema)};
//   const auto answer = expression.evaluate(std::span(&self, 1), kBudget);   // answer.value.is_bool(true)

namespace klutch::apiserver::cel {

/// The values of variables by name.
using Activation = std::span<const std::pair<std::string_view, Value>>;

struct Evaluation {
  /// An error when the expression failed.
  Value value = {};
  std::uint64_t cost = 0;
  /// Whether it was given up because it cost more than it may.
  bool is_cancelled = false;
};

class Expression {
 public:
  /// kInvalid with cel-go's messages, one "ERROR: <input>:1:6: ..." with the place for each.
  static Result<Expression> compile(std::string_view text, const Environment& environment);

  /// Of the whole expression.
  [[nodiscard]] const Type& type() const noexcept;
  /// Whether it mentions the variable.
  [[nodiscard]] bool mentions(std::string_view variable) const;
  /// What evaluations may cost, whatever the objects.
  [[nodiscard]] CostRange estimated_cost() const noexcept;
  /// kInvalid when cel-go makes no program of it although it is correct, as for int("x"), with its text.
  [[nodiscard]] Result<void> plannable() const;

  /// Gives an error when it is not plannable().
  [[nodiscard]] Evaluation evaluate(Activation activation, std::uint64_t cost_limit) const;

 private:
  Expression() = default;

  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace klutch::apiserver::cel

// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/expression.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "apiserver/cel/checker.h"
#include "apiserver/cel/cost_estimate.h"
#include "apiserver/cel/machine.h"
#include "apiserver/cel/parser.h"
#include "apiserver/cel/program.h"

namespace klutch::apiserver::cel {

struct Expression::State {
  std::shared_ptr<const Schema> schema;  // types and constants refer to it
  Type type;
  std::vector<std::string> names;
  Result<Program> program;
  CostRange cost;
};

Result<Expression> Expression::compile(std::string_view text, const Environment& environment) {
  Issues issues;
  const MacroOptions macros{.sort_by = environment.options().kube_minor >= 34};
  const std::shared_ptr<const Ast> ast = parse_expression(text, macros, issues);
  if (!issues.empty()) return fail(Code::kInvalid, issues.display(ast->source()));
  const CheckedAst checked = check(ast, environment, issues);
  if (issues.empty()) validate_literals(checked, issues);
  if (!issues.empty()) return fail(Code::kInvalid, issues.display(ast->source()));
  auto state = std::make_shared<State>(State{.schema = environment.schema(),
                                             .type = checked.types[ast->root()],
                                             .names = {},
                                             .program = plan(checked),
                                             .cost = estimate_cost(checked, environment.schema().get())});
  for (const Reference& reference : checked.references) {
    const bool is_known = std::ranges::find(state->names, reference.name) != state->names.end();
    if (!reference.name.empty() && !is_known) state->names.emplace_back(reference.name);
  }
  Expression expression;
  expression.state_ = std::move(state);
  return expression;
}

const Type& Expression::type() const noexcept {
  return state_->type;
}

CostRange Expression::estimated_cost() const noexcept {
  return state_->cost;
}

bool Expression::mentions(std::string_view variable) const {
  return std::ranges::find(state_->names, variable) != state_->names.end();
}

Result<void> Expression::plannable() const {
  if (state_->program) return {};
  return fail(state_->program.error());
}

Evaluation Expression::evaluate(Activation activation, std::uint64_t cost_limit) const {
  if (!state_->program) return {.value = Value::error(state_->program.error().message())};
  return run(*state_->program, activation, cost_limit);
}

}  // namespace klutch::apiserver::cel

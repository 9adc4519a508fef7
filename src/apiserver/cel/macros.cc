// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/macros.h"

#include <algorithm>
#include <array>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace klutch::apiserver::cel {
namespace {

constexpr std::string_view kUnusedVariable = "#unused";
constexpr std::string_view kSortVariable = "@__sortBy_input__";
constexpr std::size_t kMaxNodes = 200'000;

/// What an expander has at hand: the call it replaces, and shorthands for the nodes it makes.
class Expander {
 public:
  Expander(Ast& ast, std::int32_t position, bool is_method, std::span<const NodeId> children)
      : ast_(ast), position_(position), children_(children), first_argument_(is_method ? 1 : 0) {}

  [[nodiscard]] NodeId target() const { return children_[0]; }
  [[nodiscard]] NodeId argument(std::size_t index) const { return children_[first_argument_ + index]; }
  [[nodiscard]] std::size_t argument_count() const { return children_.size() - first_argument_; }
  [[nodiscard]] const Node& node(NodeId id) const { return ast_.node(id); }

  NodeId literal(Value value) {
    return ast_.add({.kind = NodeKind::kLiteral, .position = position_, .literal = std::move(value)});
  }
  NodeId ident(std::string_view name) {
    return ast_.add({.kind = NodeKind::kIdent, .position = position_, .name = name});
  }
  NodeId accumulator() { return ident(kAccumulator); }
  NodeId call(std::string_view function, std::vector<NodeId> children, bool is_method = false) {
    return ast_.add({.kind = NodeKind::kCall,
                     .is_method = is_method,
                     .position = position_,
                     .name = function,
                     .children = std::move(children)});
  }
  NodeId list(std::vector<NodeId> elements) {
    return ast_.add({.kind = NodeKind::kList, .position = position_, .children = std::move(elements)});
  }
  NodeId map() { return ast_.add({.kind = NodeKind::kMap, .position = position_}); }
  NodeId presence_test(NodeId operand, std::string_view field) {
    return ast_.add({.kind = NodeKind::kSelect,
                     .test_only = true,
                     .position = position_,
                     .name = field,
                     .children = {operand}});
  }

  struct Loop {
    NodeId range = kNoNode;
    std::string_view variable = {};
    std::string_view second_variable = {};
    std::string_view accumulator = kAccumulator;
    NodeId initial = kNoNode;
    NodeId condition = kNoNode;
    NodeId step = kNoNode;
    NodeId result = kNoNode;
  };
  NodeId comprehension(const Loop& loop) {
    auto extras = std::make_shared<NodeExtras>();
    extras->variable = loop.variable;
    extras->second_variable = loop.second_variable;
    extras->accumulator = loop.accumulator;
    return ast_.add({.kind = NodeKind::kComprehension,
                     .position = position_,
                     .children = {loop.range, loop.initial, loop.condition, loop.step, loop.result},
                     .extras = std::move(extras)});
  }

  /// A tree of its own with the same content; kNoNode when the expression would become too large. Each
  /// optMap() doubles its target, so a chain of them grows without bounds.
  NodeId copy(NodeId root) {
    std::vector<NodeId> originals = {root};
    for (std::size_t i = 0; i < originals.size(); ++i) {
      const auto& inner = ast_.node(originals[i]).children;
      originals.insert(originals.end(), inner.begin(), inner.end());
      if (ast_.size() + originals.size() > kMaxNodes) return kNoNode;
    }
    std::ranges::sort(originals);  // children come before their parents
    std::unordered_map<NodeId, NodeId> copies;
    for (const NodeId original : originals) {
      Node node = ast_.node(original);
      for (NodeId& child : node.children) child = copies.at(child);
      copies[original] = ast_.add(std::move(node));
    }
    return copies.at(root);
  }

  static MacroExpansion done(NodeId node) {
    return {.outcome = MacroExpansion::Outcome::kExpanded, .node = node};
  }
  [[nodiscard]] MacroExpansion failed(NodeId about, std::string message) const {
    return {.outcome = MacroExpansion::Outcome::kFailed,
            .message = std::move(message),
            .position = ast_.node(about).position};
  }

  /// The name argument `index` declares. Otherwise `failure` says why not.
  std::string_view variable(std::size_t index, std::string_view complaint, MacroExpansion& failure) const {
    const Node& name = node(argument(index));
    if (name.kind != NodeKind::kIdent) {
      failure = failed(argument(index), std::string(complaint));
    } else if (name.name == kAccumulator || name.name == kOldAccumulator) {
      failure = failed(argument(index), "iteration variable overwrites accumulator variable");
    }
    return name.name;
  }

 private:
  Ast& ast_;
  std::int32_t position_;
  std::span<const NodeId> children_;
  std::size_t first_argument_;
};

bool is_failed(const MacroExpansion& expansion) {
  return expansion.outcome == MacroExpansion::Outcome::kFailed;
}

/// The variables of a comprehension: one, or two when the macro is called with an argument more.
struct Variables {
  std::string_view first;
  std::string_view second = {};
  MacroExpansion failure = {};
};

Variables one_variable(const Expander& e, std::string_view complaint) {
  Variables variables;
  variables.first = e.variable(0, complaint, variables.failure);
  return variables;
}

Variables two_variables(const Expander& e) {
  constexpr std::string_view kComplaint = "argument must be a simple name";
  for (const std::size_t index : {std::size_t{0}, std::size_t{1}}) {
    if (e.node(e.argument(index)).kind != NodeKind::kIdent) {
      return {.first = {}, .failure = e.failed(e.argument(index), std::string(kComplaint))};
    }
  }
  Variables variables{.first = e.node(e.argument(0)).name, .second = e.node(e.argument(1)).name};
  if (variables.first == variables.second) {
    variables.failure = e.failed(e.argument(1), "duplicate variable name: " + std::string(variables.first));
    return variables;
  }
  e.variable(1, kComplaint, variables.failure);
  MacroExpansion first_failure;
  e.variable(0, kComplaint, first_failure);
  if (is_failed(first_failure)) variables.failure = first_failure;
  return variables;
}

MacroExpansion expand_has(Expander& e) {
  const Node& field = e.node(e.argument(0));
  if (field.kind != NodeKind::kSelect) return e.failed(e.argument(0), "invalid argument to has() macro");
  return Expander::done(e.presence_test(field.children[0], field.name));
}

enum class Quantifier : std::uint8_t { kAll, kExists, kExistsOne };

MacroExpansion expand_quantifier(Expander& e, Quantifier quantifier) {
  const bool has_two = e.argument_count() == 3;
  const Variables names = has_two ? two_variables(e) : one_variable(e, "argument must be a simple name");
  if (is_failed(names.failure)) return names.failure;
  const NodeId predicate = e.argument(has_two ? 2 : 1);
  Expander::Loop loop{.range = e.target(), .variable = names.first, .second_variable = names.second};
  switch (quantifier) {
    case Quantifier::kAll:
      loop.initial = e.literal(Value::boolean(true));
      loop.condition = e.call(function::kNotStrictlyFalse, {e.accumulator()});
      loop.step = e.call(function::kAnd, {e.accumulator(), predicate});
      loop.result = e.accumulator();
      break;
    case Quantifier::kExists:
      loop.initial = e.literal(Value::boolean(false));
      loop.condition = e.call(function::kNotStrictlyFalse, {e.call(function::kNot, {e.accumulator()})});
      loop.step = e.call(function::kOr, {e.accumulator(), predicate});
      loop.result = e.accumulator();
      break;
    case Quantifier::kExistsOne:
      loop.initial = e.literal(Value::integer(0));
      loop.condition = e.literal(Value::boolean(true));
      loop.step = e.call(function::kConditional,
                         {predicate, e.call(function::kAdd, {e.accumulator(), e.literal(Value::integer(1))}),
                          e.accumulator()});
      loop.result = e.call(function::kEquals, {e.accumulator(), e.literal(Value::integer(1))});
      break;
  }
  return Expander::done(e.comprehension(loop));
}

MacroExpansion expand_all(Expander& e) {
  return expand_quantifier(e, Quantifier::kAll);
}
MacroExpansion expand_exists(Expander& e) {
  return expand_quantifier(e, Quantifier::kExists);
}
MacroExpansion expand_exists_one(Expander& e) {
  return expand_quantifier(e, Quantifier::kExistsOne);
}

/// accumulator + [element], only where `filter` holds if there is one.
NodeId list_step(Expander& e, NodeId filter, NodeId element) {
  const NodeId step = e.call(function::kAdd, {e.accumulator(), e.list({element})});
  return filter == kNoNode ? step : e.call(function::kConditional, {filter, step, e.accumulator()});
}

NodeId list_comprehension(Expander& e, NodeId range, const Variables& names, NodeId filter, NodeId element) {
  const NodeId initial = e.list({});
  const NodeId condition = e.literal(Value::boolean(true));
  const NodeId step = list_step(e, filter, element);
  return e.comprehension({.range = range,
                          .variable = names.first,
                          .second_variable = names.second,
                          .initial = initial,
                          .condition = condition,
                          .step = step,
                          .result = e.accumulator()});
}

MacroExpansion expand_map_over(Expander& e, NodeId range) {
  const Variables names = one_variable(e, "argument is not an identifier");
  if (is_failed(names.failure)) return names.failure;
  const bool filtered = e.argument_count() == 3;
  return Expander::done(
      list_comprehension(e, range, names, filtered ? e.argument(1) : kNoNode, e.argument(filtered ? 2 : 1)));
}

MacroExpansion expand_map(Expander& e) {
  return expand_map_over(e, e.target());
}

MacroExpansion expand_filter(Expander& e) {
  const Variables names = one_variable(e, "argument is not an identifier");
  if (is_failed(names.failure)) return names.failure;
  return Expander::done(list_comprehension(e, e.target(), names, e.argument(1), e.argument(0)));
}

MacroExpansion expand_transform_list(Expander& e) {
  const Variables names = two_variables(e);
  if (is_failed(names.failure)) return names.failure;
  const bool filtered = e.argument_count() == 4;
  return Expander::done(list_comprehension(e, e.target(), names, filtered ? e.argument(2) : kNoNode,
                                           e.argument(filtered ? 3 : 2)));
}

MacroExpansion expand_transform(Expander& e, bool makes_entries) {
  const Variables names = two_variables(e);
  if (is_failed(names.failure)) return names.failure;
  const bool filtered = e.argument_count() == 4;
  std::vector<NodeId> arguments = {e.accumulator()};
  if (!makes_entries) arguments.push_back(e.ident(names.first));
  arguments.push_back(e.argument(filtered ? 3 : 2));
  NodeId step = e.call(function::kMapInsert, std::move(arguments));
  if (filtered) step = e.call(function::kConditional, {e.argument(2), step, e.accumulator()});
  const NodeId initial = e.map();
  const NodeId condition = e.literal(Value::boolean(true));
  return Expander::done(e.comprehension({.range = e.target(),
                                         .variable = names.first,
                                         .second_variable = names.second,
                                         .initial = initial,
                                         .condition = condition,
                                         .step = step,
                                         .result = e.accumulator()}));
}

MacroExpansion expand_transform_map(Expander& e) {
  return expand_transform(e, false);
}
MacroExpansion expand_transform_map_entry(Expander& e) {
  return expand_transform(e, true);
}

/// A comprehension that never loops: `name` stands for `value` in `body`.
NodeId bind(Expander& e, std::string_view name, NodeId value, NodeId condition_result, NodeId body) {
  const NodeId range = e.list({});
  const NodeId condition = e.literal(Value::boolean(false));
  return e.comprehension({.range = range,
                          .variable = kUnusedVariable,
                          .accumulator = name,
                          .initial = value,
                          .condition = condition,
                          .step = condition_result,
                          .result = body});
}

MacroExpansion expand_optional_map(Expander& e, bool flat) {
  const Node& name = e.node(e.argument(0));
  if (name.kind != NodeKind::kIdent) {
    return e.failed(e.argument(0), std::string(flat ? "optFlatMap" : "optMap") +
                                       "() variable name must be a simple identifier");
  }
  const NodeId has_value = e.call("hasValue", {e.target()}, true);
  const NodeId target = e.copy(e.target());
  if (target == kNoNode) return e.failed(e.argument(0), "expression is too large after expanding macros");
  const NodeId value = e.call("value", {target}, true);
  NodeId mapped = bind(e, name.name, value, e.ident(name.name), e.argument(1));
  if (!flat) mapped = e.call("optional.of", {mapped});
  return Expander::done(e.call(function::kConditional, {has_value, mapped, e.call("optional.none", {})}));
}

MacroExpansion expand_opt_map(Expander& e) {
  return expand_optional_map(e, false);
}
MacroExpansion expand_opt_flat_map(Expander& e) {
  return expand_optional_map(e, true);
}

MacroExpansion expand_sort_by(Expander& e) {
  switch (e.node(e.target()).kind) {
    case NodeKind::kList:
    case NodeKind::kSelect:
    case NodeKind::kIdent:
    case NodeKind::kComprehension:
    case NodeKind::kCall: break;
    default:
      return e.failed(
          e.target(),
          "sortBy can only be applied to a list, identifier, comprehension, call or select expression");
  }
  const MacroExpansion keys = expand_map_over(e, e.ident(kSortVariable));
  if (is_failed(keys)) return keys;
  const NodeId sorted = e.call("@sortByAssociatedKeys", {e.ident(kSortVariable), keys.node}, true);
  return Expander::done(bind(e, kSortVariable, e.target(), e.ident(kSortVariable), sorted));
}

struct Macro {
  std::string_view name;
  std::size_t arguments;
  bool is_method;
  MacroExpansion (*expand)(Expander&);
};

constexpr std::array kMacros = {
    Macro{"has", 1, false, expand_has},
    Macro{"all", 2, true, expand_all},
    Macro{"all", 3, true, expand_all},
    Macro{"exists", 2, true, expand_exists},
    Macro{"exists", 3, true, expand_exists},
    Macro{"exists_one", 2, true, expand_exists_one},
    Macro{"exists_one", 3, true, expand_exists_one},
    Macro{"existsOne", 2, true, expand_exists_one},
    Macro{"existsOne", 3, true, expand_exists_one},
    Macro{"map", 2, true, expand_map},
    Macro{"map", 3, true, expand_map},
    Macro{"filter", 2, true, expand_filter},
    Macro{"transformList", 3, true, expand_transform_list},
    Macro{"transformList", 4, true, expand_transform_list},
    Macro{"transformMap", 3, true, expand_transform_map},
    Macro{"transformMap", 4, true, expand_transform_map},
    Macro{"transformMapEntry", 3, true, expand_transform_map_entry},
    Macro{"transformMapEntry", 4, true, expand_transform_map_entry},
    Macro{"optMap", 2, true, expand_opt_map},
    Macro{"optFlatMap", 2, true, expand_opt_flat_map},
    Macro{"sortBy", 2, true, expand_sort_by},
};

}  // namespace

MacroExpansion expand_macro(Ast& ast, const MacroOptions& options, std::int32_t position,
                            std::string_view function, bool is_method, std::span<const NodeId> children) {
  for (const Macro& macro : kMacros) {
    if (macro.name != function || macro.is_method != is_method) continue;
    if (macro.arguments + (is_method ? 1 : 0) != children.size()) continue;
    if (macro.expand == expand_sort_by && !options.sort_by) continue;
    Expander expander(ast, position, is_method, children);
    return macro.expand(expander);
  }
  return {};
}

}  // namespace klutch::apiserver::cel

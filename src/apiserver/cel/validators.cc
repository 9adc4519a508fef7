// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string>
#include <vector>

#include "apiserver/cel/checker.h"
#include "apiserver/cel/text_format.h"
#include "apiserver/cel/unifier.h"
#include "apiserver/schema/pattern.h"

namespace klutch::apiserver::cel {
namespace {

constexpr std::string_view kFormatFunction = "format";

class LiteralValidator {
 public:
  LiteralValidator(const CheckedAst& checked, Issues& issues)
      : checked_(checked), ast_(*checked.ast), issues_(issues), parents_(checked.parents()) {}

  void run() {
    for_each(&LiteralValidator::list_elements);
    for_each(&LiteralValidator::map_entries);
    for_each(&LiteralValidator::durations);
    for_each(&LiteralValidator::timestamps);
    for_each(&LiteralValidator::patterns);
    for_each(&LiteralValidator::formats);
  }

 private:
  void for_each(void (LiteralValidator::*validate)(NodeId, const Node&)) {
    for (NodeId id = 0; id < ast_.size(); ++id) {
      if (id == ast_.root() || parents_[id] != kNoNode) (this->*validate)(id, ast_.node(id));
    }
  }

  void report(NodeId at, std::string message) { issues_.report(ast_.node(at).position, std::move(message)); }

  void mismatch(NodeId at, const Type& expected, const Type& actual) {
    report(at, "expected type '" + expected.text() + "' but found '" + actual.text() + '\'');
  }

  /// The arguments of format() may differ.
  bool is_exempt(NodeId id) const {
    for (id = parents_[id]; id != kNoNode; id = parents_[id]) {
      const Node& node = ast_.node(id);
      if (node.kind == NodeKind::kCall && node.name == kFormatFunction) return true;
    }
    return false;
  }

  Type type_of(NodeId id, bool is_optional) const {
    return is_optional ? unwrap_optional(checked_.types[id]) : checked_.types[id];
  }

  void list_elements(NodeId id, const Node& node) {
    if (node.kind != NodeKind::kList || node.children.size() < 2 || is_exempt(id)) return;
    const Type first = type_of(node.children[0], node.is_optional(0));
    for (std::size_t i = 1; i < node.children.size(); ++i) {
      const Type type = type_of(node.children[i], node.is_optional(i));
      if (first.is_equivalent(type)) continue;
      mismatch(node.children[i], first, type);
      return;
    }
  }

  void map_entries(NodeId id, const Node& node) {
    if (node.kind != NodeKind::kMap || node.children.size() < 4 || is_exempt(id)) return;
    const Type first_key = type_of(node.children[0], false);
    const Type first_value = type_of(node.children[1], node.is_optional(0));
    for (std::size_t i = 2; i < node.children.size(); i += 2) {
      const Type key = type_of(node.children[i], false);
      const Type value = type_of(node.children[i + 1], node.is_optional(i / 2));
      if (!first_key.is_equivalent(key)) mismatch(node.children[i], first_key, key);
      if (!first_value.is_equivalent(value)) mismatch(node.children[i + 1], first_value, value);
    }
  }

  /// The first argument of a call of `function`, not its target, if it is a literal.
  NodeId literal_argument(NodeId id, const Node& node, std::string_view function) const {
    if (node.kind != NodeKind::kCall) return kNoNode;
    const Function* called = checked_.references[id].function;
    if (called == nullptr || called->name != function) return kNoNode;
    const auto operands = checked_.operands(id);
    const std::size_t first = checked_.has_target(id) ? 1 : 0;
    if (operands.size() <= first || ast_.node(operands[first]).kind != NodeKind::kLiteral) return kNoNode;
    return operands[first];
  }

  void conversions(NodeId id, const Node& node, std::string_view function) {
    const NodeId argument = literal_argument(id, node, function);
    if (argument == kNoNode) return;
    const std::array values = {ast_.node(argument).literal};
    for (const Overload& overload : checked_.references[id].function->overloads) {
      if (overload.accepts(values) && !overload.call(values).is_error()) return;
    }
    report(argument, "invalid " + std::string(function) + " argument");
  }
  void durations(NodeId id, const Node& node) { conversions(id, node, "duration"); }
  void timestamps(NodeId id, const Node& node) { conversions(id, node, "timestamp"); }

  void patterns(NodeId id, const Node& node) {
    const NodeId argument = literal_argument(id, node, "matches");
    if (argument == kNoNode || ast_.node(argument).literal.kind() != Kind::kString) return;
    if (Pattern(ast_.node(argument).literal.as_text()).error()) report(argument, "invalid matches argument");
  }

  void formats(NodeId id, const Node& node) {
    if (node.kind != NodeKind::kCall || node.name != kFormatFunction || !checked_.has_target(id)) return;
    if (node.children.size() != 2) return;
    const Node& target = ast_.node(node.children[0]);
    if (target.kind != NodeKind::kLiteral || target.literal.kind() != Kind::kString) return;
    if (ast_.node(node.children[1]).kind == NodeKind::kList) validate_format(checked_, id, issues_);
  }

  const CheckedAst& checked_;
  const Ast& ast_;
  Issues& issues_;
  std::vector<NodeId> parents_;
};

}  // namespace

void validate_literals(const CheckedAst& checked, Issues& issues) {
  LiteralValidator(checked, issues).run();
}

}  // namespace klutch::apiserver::cel

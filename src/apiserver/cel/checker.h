// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "apiserver/cel/ast.h"
#include "apiserver/cel/environment.h"
#include "apiserver/cel/functions.h"
#include "apiserver/cel/source.h"
#include "apiserver/cel/type.h"

// Finds the types of all parts of an expression, and what its names and calls refer to. What is wrong is
// reported in the words of cel-go's checker. Keeps its own stack, so an expression may be as deep as the
// parser lets it. Internal.

namespace klutch::apiserver::cel {

/// What a node refers to.
struct Reference {
  /// Of an identifier, or of a selection that spells the name of a variable or type.
  std::string_view name = {};
  /// The type it names, if it names one.
  Type type = {};
  /// Of a call.
  const Function* function = nullptr;
  std::vector<const Overload*> overloads = {};
  /// The target of the call is part of the name of the function, as in optional.of(1).
  bool is_qualified = false;
};

/// Tables are indexed by node. The environment must outlive it.
struct CheckedAst {
  std::shared_ptr<const Ast> ast;
  std::vector<Type> types;
  std::vector<Reference> references;

  /// The children that are evaluated: not the target of a qualified call, nor anything of a qualified name.
  [[nodiscard]] std::span<const NodeId> operands(NodeId id) const;
  /// Whether the first operand is the target of a method.
  [[nodiscard]] bool has_target(NodeId id) const {
    return ast->node(id).is_method && !references[id].is_qualified;
  }
  /// The parents of all nodes that are evaluated; kNoNode for the root and for those that are not.
  [[nodiscard]] std::vector<NodeId> parents() const;
};

/// Does not fail; when `issues` has something afterwards, the result is not to be used.
CheckedAst check(std::shared_ptr<const Ast> ast, const Environment& environment, Issues& issues);

/// What can be said about literals without running anything: elements of one type, valid patterns, dates,
/// durations and formats.
void validate_literals(const CheckedAst& checked, Issues& issues);

}  // namespace klutch::apiserver::cel

// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/checker.h"

#include <optional>
#include <string>
#include <utility>

#include "apiserver/cel/unifier.h"

namespace klutch::apiserver::cel {
namespace {

std::string quoted(std::string_view text) {
  return '\'' + std::string(text) + '\'';
}

std::string_view without_leading_dot(std::string_view name) {
  return name.starts_with('.') ? name.substr(1) : name;
}

const Type& literal_type(const Value& literal) {
  switch (literal.kind()) {
    case Kind::kBool: return Type::boolean();
    case Kind::kInt: return Type::integer();
    case Kind::kUint: return Type::uinteger();
    case Kind::kDouble: return Type::real();
    case Kind::kString: return Type::string();
    case Kind::kBytes: return Type::bytes();
    default: return Type::null();
  }
}

/// Whether protocol buffers have a message for values of the type.
bool is_wrapped(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kBool:
    case TypeKind::kBytes:
    case TypeKind::kDouble:
    case TypeKind::kInt:
    case TypeKind::kString:
    case TypeKind::kUint: return true;
    default: return false;
  }
}

/// Walks the tree with a stack of its own: every kind of node has a function that is called once per child,
/// with the number of children visited so far, until it has no child left.
class Checker {
 public:
  Checker(std::shared_ptr<const Ast> ast, const Environment& environment, Issues& issues)
      : environment_(environment), functions_(environment.functions()), issues_(issues), ast_(*ast) {
    checked_.types.resize(ast->size());
    checked_.references.resize(ast->size());
    checked_.ast = std::move(ast);
  }

  CheckedAst run() {
    tasks_.push_back({.node = ast_.root()});
    while (!tasks_.empty()) {
      Task& task = tasks_.back();
      const NodeId child = advance(task.node, task.step++);
      if (child == kNoNode) {
        tasks_.pop_back();
      } else {
        tasks_.push_back({.node = child});
      }
    }
    for (Type& type : checked_.types) {
      if (type) type = unifier_.substitute(type, true);
    }
    return std::move(checked_);
  }

 private:
  struct Task {
    NodeId node;
    std::size_t step = 0;
    Type type = {};  // what the node gathered so far
    Type key = {};
  };
  struct Local {
    std::string_view name;
    Type type;
  };

  const Type& type_of(NodeId id) const { return checked_.types[id]; }

  NodeId advance(NodeId id, std::size_t step) {
    const Node& node = ast_.node(id);
    switch (node.kind) {
      case NodeKind::kUnspecified: break;
      case NodeKind::kLiteral: set_type(id, literal_type(node.literal)); break;
      case NodeKind::kIdent: check_ident(id, node); break;
      case NodeKind::kSelect: return check_select(id, node, step);
      case NodeKind::kCall:
        return node.name == function::kOptionalSelect ? check_optional_select(id, node, step)
                                                      : check_call(id, node, step);
      case NodeKind::kList: return check_list(id, node, step);
      case NodeKind::kMap: return check_map(id, node, step);
      case NodeKind::kStruct: return check_struct(id, node, step);
      case NodeKind::kComprehension: return check_comprehension(id, node, step);
    }
    return kNoNode;
  }

  void report(NodeId at, std::string message) { issues_.report(ast_.node(at).position, std::move(message)); }

  void set_type(NodeId id, Type type) {
    if (type.is_oversized()) {
      report(id, "type is too large");
      type = Type::error();
    }
    checked_.types[id] = std::move(type);
  }

  void undeclared(NodeId id, std::string_view name) {
    report(id, "undeclared reference to " + quoted(name) + " (in container '')");
    set_type(id, Type::error());
  }

  void mismatch(NodeId at, const Type& expected, const Type& actual) {
    report(at, "expected type " + quoted(expected.text()) + " but found " + quoted(actual.text()));
  }

  /// Takes the name of a variable or type; false when nothing has it.
  bool resolve(NodeId id, std::string_view name) {
    name = without_leading_dot(name);
    Reference& reference = checked_.references[id];
    for (std::size_t i = locals_.size(); i > 0; --i) {
      if (locals_[i - 1].name != name) continue;
      reference.name = locals_[i - 1].name;
      set_type(id, locals_[i - 1].type);
      return true;
    }
    for (const Environment::Variable& variable : environment_.variables()) {
      if (variable.name != name) continue;
      reference.name = variable.name;
      set_type(id, variable.type);
      return true;
    }
    const std::optional<Type> type = environment_.find_type(name);
    if (!type) return false;
    reference.type = *type;
    reference.name = reference.type.name();
    set_type(id, type->is(TypeKind::kType) ? *type : Type::type_of(*type));
    return true;
  }

  void check_ident(NodeId id, const Node& node) {
    if (!resolve(id, node.name)) undeclared(id, node.name);
  }

  NodeId check_select(NodeId id, const Node& node, std::size_t step) {
    if (step == 0) {
      const std::string name = qualified_name(ast_, id);
      if (!name.empty() && resolve(id, name)) return kNoNode;
      return node.children[0];
    }
    const Type type = select_field(id, node.children[0], node.name, false);
    set_type(id, node.test_only ? Type::boolean() : unifier_.substitute(type, false));
    return kNoNode;
  }

  NodeId check_optional_select(NodeId id, const Node& node, std::size_t step) {
    if (step == 0) return node.children[0];
    const Value& field = ast_.node(node.children[1]).literal;
    const Type type = select_field(id, node.children[0], field.as_text(), true);
    set_type(id, unifier_.substitute(type, false));
    Reference& reference = checked_.references[id];
    reference.function = functions_.find(node.name);
    reference.overloads = {reference.function->overloads.data()};
    return kNoNode;
  }

  Type select_field(NodeId id, NodeId operand, std::string_view field, bool optional) {
    const Type operand_type = unifier_.substitute(type_of(operand), false);
    const Type target = unwrap_optional(operand_type);
    Type result = Type::dyn();
    switch (target.kind()) {
      case TypeKind::kMap: result = target.parameters()[1]; break;
      case TypeKind::kStruct: result = field_type(id, target, field); break;
      case TypeKind::kTypeParam: unifier_.is_assignable(Type::dyn(), target); break;
      case TypeKind::kDyn:
      case TypeKind::kError: break;
      default: report(id, "type " + quoted(target.text()) + " does not support field selection");
    }
    return operand_type.is_optional() || optional ? Type::optional(std::move(result)) : result;
  }

  Type field_type(NodeId id, const Type& object, std::string_view field) {
    if (object.schema() == nullptr) {
      report(id, "unexpected failed resolution of " + quoted(object.name()));
      return Type::error();
    }
    const Schema* schema = object.schema()->find_exposed(field);
    if (schema != nullptr) return schema->type();
    report(id, "undefined field " + quoted(field));
    return Type::error();
  }

  /// Arguments first, then the target, unless it turns out to be part of the name.
  NodeId check_call(NodeId id, const Node& node, std::size_t step) {
    const std::size_t first = node.is_method ? 1 : 0;
    const std::size_t arguments = node.children.size() - first;
    if (step < arguments) return node.children[first + step];
    if (step == arguments && node.is_method) {
      const std::string prefix = qualified_name(ast_, node.children[0]);
      if (!prefix.empty()) {
        const std::string name = prefix + '.' + std::string(node.name);
        if (const Function* found = functions_.find(without_leading_dot(name))) {
          checked_.references[id].is_qualified = true;
          resolve_overload(id, *found, false, std::span(node.children).subspan(1));
          return kNoNode;
        }
      }
      return node.children[0];
    }
    const Function* found = functions_.find(node.is_method ? node.name : without_leading_dot(node.name));
    if (found == nullptr) {
      undeclared(id, node.name);
    } else {
      resolve_overload(id, *found, node.is_method, node.children);
    }
    return kNoNode;
  }

  void resolve_overload(NodeId id, const Function& called, bool is_method, std::span<const NodeId> operands) {
    Reference& reference = checked_.references[id];
    reference.function = &called;
    if (called.name == function::kAnd || called.name == function::kOr) {
      check_logical(id, called, operands);
      return;
    }
    std::vector<Type> types;
    for (const NodeId operand : operands) types.push_back(type_of(operand));
    Type result;
    for (const Overload& overload : called.overloads) {
      if (overload.is_method != is_method) continue;
      const auto [arguments, returned] = with_variables(overload);
      if (!unifier_.is_assignable(types, arguments)) continue;
      reference.overloads.push_back(&overload);
      const Type candidate = unifier_.substitute(returned, false);
      if (!result) {
        result = candidate;
      } else if (!result.is(TypeKind::kDyn) && !candidate.is_exactly(result)) {
        result = Type::dyn();
      }
    }
    if (!result) {
      for (Type& type : types) type = unifier_.substitute(type, true);
      report(id, "found no matching overload for " + quoted(called.name) + " applied to " +
                     quoted(signature_text(types, is_method)));
      result = Type::error();
    }
    set_type(id, std::move(result));
  }

  void check_logical(NodeId id, const Function& called, std::span<const NodeId> operands) {
    bool fits = true;
    for (const NodeId operand : operands) {
      if (unifier_.is_assignable(type_of(operand), Type::boolean())) continue;
      mismatch(operand, Type::boolean(), type_of(operand));
      fits = false;
    }
    checked_.references[id].overloads = {called.overloads.data()};
    set_type(id, fits ? Type::boolean() : Type::error());
  }

  /// The types of an overload with fresh variables in place of its type parameters.
  std::pair<std::vector<Type>, Type> with_variables(const Overload& overload) {
    if (!overload.has_parameters) return {overload.arguments, overload.result};
    std::vector<Local> variables;
    std::vector<Type> arguments;
    for (const Type& argument : overload.arguments) {
      arguments.push_back(replace_parameters(argument, variables));
    }
    Type result = replace_parameters(overload.result, variables);
    return {std::move(arguments), std::move(result)};
  }

  Type replace_parameters(const Type& type, std::vector<Local>& variables) {
    if (type.is(TypeKind::kTypeParam)) {
      for (const Local& variable : variables) {
        if (variable.name == type.name()) return variable.type;
      }
      variables.push_back({.name = type.name(), .type = unifier_.new_variable()});
      return variables.back().type;
    }
    if (type.parameters().empty()) return type;
    std::vector<Type> parameters;
    for (const Type& parameter : type.parameters()) {
      parameters.push_back(replace_parameters(parameter, variables));
    }
    return type.with_parameters(std::move(parameters));
  }

  /// The type of an element, of what it holds if it stands behind '?'.
  Type element_type(NodeId element, bool is_optional) {
    const Type& type = type_of(element);
    if (!is_optional) return type;
    Type content = unwrap_optional(type);
    if (!type.is_optional() && !type.is(TypeKind::kDyn)) mismatch(element, Type::optional(content), content);
    return content;
  }

  Type join(const Type& previous, const Type& current) {
    if (!previous) return current;
    if (unifier_.is_assignable(previous, current)) return most_general(previous, current);
    return Type::dyn();
  }

  NodeId check_list(NodeId id, const Node& node, std::size_t step) {
    Task& task = tasks_.back();
    if (step > 0) {
      task.type = join(task.type, element_type(node.children[step - 1], node.is_optional(step - 1)));
    }
    if (step < node.children.size()) return node.children[step];
    if (!task.type) task.type = unifier_.new_variable();
    set_type(id, Type::list(task.type));
    return kNoNode;
  }

  NodeId check_map(NodeId id, const Node& node, std::size_t step) {
    Task& task = tasks_.back();
    if (step > 0) {
      const NodeId child = node.children[step - 1];
      if (step % 2 == 1) {
        task.key = join(task.key, type_of(child));
      } else {
        task.type = join(task.type, element_type(child, node.is_optional(step / 2 - 1)));
      }
    }
    if (step < node.children.size()) return node.children[step];
    if (!task.key) {
      task.key = unifier_.new_variable();
      task.type = unifier_.new_variable();
    }
    set_type(id, Type::map(task.key, task.type));
    return kNoNode;
  }

  /// Objects of the schema can be spelled, though evaluation refuses to make them.
  NodeId check_struct(NodeId id, const Node& node, std::size_t step) {
    if (step == 0) {
      if (!resolve(id, node.name)) {
        undeclared(id, node.name);
        return kNoNode;
      }
      tasks_.back().type = made_type(id);
      set_type(id, tasks_.back().type);
    } else {
      check_field(id, node, step - 1, tasks_.back().type);
    }
    return step < node.children.size() ? node.children[step] : kNoNode;
  }

  Type made_type(NodeId id) {
    const Type named = type_of(id);
    if (!named.is(TypeKind::kType)) {
      report(id, quoted(named.name()) + " is not a type");
      return Type::error();
    }
    const Type& made = checked_.references[id].type;
    if (made.is(TypeKind::kStruct) || made.is(TypeKind::kNull)) return made;
    report(id, quoted(made.name()) + " is not a message type");
    return Type::error();
  }

  void check_field(NodeId id, const Node& node, std::size_t index, const Type& made) {
    const std::int32_t position = node.extras->field_positions[index];
    const std::string_view name = node.extras->fields[index];
    Type expected = Type::error();
    if (made.schema() != nullptr) {
      const Schema* field = made.schema()->find_exposed(name);
      if (field != nullptr) expected = field->type();
      if (field == nullptr) issues_.report(position, "undefined field " + quoted(name));
    } else if (is_wrapped(checked_.references[id].type)) {
      issues_.report(position, "undefined field " + quoted(name));
    } else {
      issues_.report(position, "unexpected failed resolution of " + quoted(checked_.references[id].name));
    }
    const Type type = element_type(node.children[index], node.is_optional(index));
    if (unifier_.is_assignable(expected, type)) return;
    issues_.report(position, "expected type of field " + quoted(name) + " is " + quoted(expected.text()) +
                                 " but provided type is " + quoted(type.text()));
  }

  void assert_type(NodeId id, const Type& expected) {
    if (!unifier_.is_assignable(expected, type_of(id))) mismatch(id, expected, type_of(id));
  }

  NodeId check_comprehension(NodeId id, const Node& node, std::size_t step) {
    switch (step) {
      case 0: return node.children[kRange];
      case 1: return node.children[kInitial];
      case 2: enter_comprehension(node); return node.children[kCondition];
      case 3: assert_type(node.children[kCondition], Type::boolean()); return node.children[kStep];
      case 4:
        assert_type(node.children[kStep], type_of(node.children[kInitial]));
        locals_.resize(locals_.size() - (node.extras->second_variable.empty() ? 1 : 2));
        return node.children[kResult];
      default: break;
    }
    locals_.pop_back();
    set_type(id, unifier_.substitute(type_of(node.children[kResult]), false));
    return kNoNode;
  }

  void enter_comprehension(const Node& node) {
    const NodeId range = node.children[kRange];
    const bool has_two = !node.extras->second_variable.empty();
    const Type type = unifier_.substitute(type_of(range), false);
    Type first = Type::error();
    Type second = Type::error();
    switch (type.kind()) {
      case TypeKind::kList:
        first = has_two ? Type::integer() : type.parameters()[0];
        second = type.parameters()[0];
        break;
      case TypeKind::kMap:
        first = type.parameters()[0];
        second = type.parameters()[1];
        break;
      case TypeKind::kDyn:
      case TypeKind::kError:
      case TypeKind::kTypeParam:
        unifier_.is_assignable(Type::dyn(), type);
        first = Type::dyn();
        second = Type::dyn();
        break;
      default:
        report(range, "expression of type " + quoted(type.text()) +
                          " cannot be range of a comprehension (must be list, map, or dynamic)");
    }
    locals_.push_back({.name = node.extras->accumulator, .type = type_of(node.children[kInitial])});
    locals_.push_back({.name = node.extras->variable, .type = std::move(first)});
    if (has_two) locals_.push_back({.name = node.extras->second_variable, .type = std::move(second)});
  }

  const Environment& environment_;
  const FunctionTable& functions_;
  Issues& issues_;
  const Ast& ast_;
  CheckedAst checked_;
  Unifier unifier_;
  std::vector<Task> tasks_;
  std::vector<Local> locals_;
};

}  // namespace

std::span<const NodeId> CheckedAst::operands(NodeId id) const {
  const Node& node = ast->node(id);
  const Reference& reference = references[id];
  if (node.kind == NodeKind::kSelect && !reference.name.empty()) return {};
  if (reference.is_qualified) return std::span(node.children).subspan(1);
  return node.children;
}

std::vector<NodeId> CheckedAst::parents() const {
  std::vector<NodeId> parents(ast->size(), kNoNode);
  for (NodeId id = ast->root() + 1; id > 0; --id) {  // children come before their parents
    const NodeId node = id - 1;
    if (node != ast->root() && parents[node] == kNoNode) continue;
    for (const NodeId child : operands(node)) parents[child] = node;
  }
  return parents;
}

CheckedAst check(std::shared_ptr<const Ast> ast, const Environment& environment, Issues& issues) {
  return Checker(std::move(ast), environment, issues).run();
}

}  // namespace klutch::apiserver::cel

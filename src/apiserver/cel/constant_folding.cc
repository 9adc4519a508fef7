// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/constant_folding.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "apiserver/cel/attribute.h"
#include "apiserver/cel/functions.h"
#include "apiserver/cel/heap.h"

namespace klutch::apiserver::cel {
namespace {

constexpr std::array<std::string_view, 10> kFoldedConversions = {
    "bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint"};

bool is_folded_conversion(std::string_view function) {
  return std::ranges::find(kFoldedConversions, function) != kFoldedConversions.end();
}

class ConstantFinder {
 public:
  explicit ConstantFinder(const CheckedAst& checked) : checked_(checked), ast_(*checked.ast) {
    out_.values.resize(ast_.size());
  }

  Result<Constants> run() {
    const std::vector<NodeId> parents = checked_.parents();
    for (NodeId id = 0; id <= ast_.root(); ++id) {
      if (id != ast_.root() && parents[id] == kNoNode) continue;
      TRY(prepare(id, ast_.node(id)));
    }
    return std::move(out_);
  }

 private:
  bool is_constant(NodeId id) const { return out_.values[id].has_value(); }

  Result<void> prepare(NodeId id, const Node& node) {
    switch (node.kind) {
      case NodeKind::kLiteral: out_.values[id] = node.literal; return {};
      case NodeKind::kIdent: return prepare_name(id);
      case NodeKind::kSelect: return checked_.references[id].name.empty() ? Result<void>() : prepare_name(id);
      case NodeKind::kCall: return prepare_call(id);
      case NodeKind::kList: fold_list(id, node); return {};
      case NodeKind::kMap: return fold_map(id, node);
      default: return {};
    }
  }

  Result<void> prepare_name(NodeId id) {
    if (!checked_.types[id].is(TypeKind::kType)) return {};
    const std::string_view name = checked_.references[id].name;
    const auto type = Environment::find_type_value(name);
    if (!type) return fail(Code::kInvalid, "reference to undefined type: " + std::string(name));
    out_.values[id] = Value::type(type->name());
    return {};
  }

  void fold_list(NodeId id, const Node& node) {
    std::vector<Value> elements;
    for (const NodeId child : node.children) {
      if (!is_constant(child) || node.has_optional()) return;
      elements.push_back(*out_.values[child]);
    }
    out_.values[id] = Value::list(elements);
  }

  Result<void> fold_map(NodeId id, const Node& node) {
    auto* map = new detail::MapObject;
    Value folded = Value::adopt(Kind::kMap, map);
    for (std::size_t i = 0; i < node.children.size(); i += 2) {
      if (!is_constant(node.children[i]) || !is_constant(node.children[i + 1]) || node.has_optional())
        return {};
      const Value& key = *out_.values[node.children[i]];
      if (key.kind() == Kind::kBytes) {
        return fail(Code::kInvalid, "internal error: runtime error: hash of unhashable type types.Bytes");
      }
      map->set(key, *out_.values[node.children[i + 1]]);
    }
    out_.values[id] = std::move(folded);
    return {};
  }

  Result<void> prepare_call(NodeId id) {
    const Reference& reference = checked_.references[id];
    const auto operands = checked_.operands(id);
    const std::string_view called = reference.function->name;
    if (is_index_function(called) && is_constant(operands[1])) {
      if (is_qualifier(*out_.values[operands[1]])) return {};
      return fail(Code::kInvalid, std::string(invalid_qualifier(*out_.values[operands[1]]).as_text()));
    }
    if (is_folded_conversion(called) && operands.size() == 1 && is_constant(operands[0])) {
      const std::array arguments = {*out_.values[operands[0]]};
      Value value = run_now(reference, arguments);
      if (value.is_error()) return fail(Code::kInvalid, std::string(value.as_text()));
      out_.values[id] = std::move(value);
      return {};
    }
    if (called == function::kIn && reference.overloads.size() == 1 &&
        reference.overloads[0]->id == "in_list" && is_constant(operands[1]) &&
        out_.values[operands[1]]->size() == 0) {
      out_.values[id] = Value::boolean(false);
      return {};
    }
    return prepare_pattern(id, operands);
  }

  static Value run_now(const Reference& reference, Arguments arguments) {
    if (reference.function->singleton != nullptr) return reference.function->singleton->call(arguments);
    for (const Overload* overload : reference.overloads) {
      if (overload->accepts(arguments)) return overload->call(arguments);
    }
    return no_such_overload_for(reference.function->name, arguments);
  }

  Result<void> prepare_pattern(NodeId id, std::span<const NodeId> operands) {
    const std::string_view called = checked_.references[id].function->name;
    if (called != "matches" && called != "find" && called != "findAll") return {};
    if (operands.size() < 2 || !is_constant(operands[1])) return {};
    const Value& text = *out_.values[operands[1]];
    if (text.kind() != Kind::kString) return {};
    auto pattern = std::make_shared<const Pattern>(text.as_text());
    if (const auto error = pattern->error()) return fail(Code::kInvalid, *error);
    out_.patterns.emplace(id, std::move(pattern));
    return {};
  }

  const CheckedAst& checked_;
  const Ast& ast_;
  Constants out_;
};

}  // namespace

bool is_index_function(std::string_view name) noexcept {
  return name == function::kIndex || name == function::kOptionalIndex || name == function::kOptionalSelect;
}

Result<Constants> find_constants(const CheckedAst& checked) {
  return ConstantFinder(checked).run();
}

}  // namespace klutch::apiserver::cel

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "apiserver/cel/constant_folding.h"
#include "apiserver/cel/heap.h"
#include "apiserver/cel/program.h"

namespace klutch::apiserver::cel {
namespace {

/// What a constant list makes of `x in list`, or nothing when it has elements that must be compared.
std::optional<Value> member_set(const Value& list) {
  auto* set = new detail::MapObject;
  Value holder = Value::adopt(Kind::kMap, set);
  const Value present = Value::boolean(true);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Value element = list.element(i);
    set->set(element, present);
    switch (element.kind()) {
      case Kind::kBool:
      case Kind::kString: break;
      case Kind::kDouble: {
        const double number = element.as_double();
        if (number > -9223372036854775808.0 && number < 9223372036854775808.0 &&
            number == static_cast<double>(static_cast<std::int64_t>(number))) {
          set->set(Value::integer(static_cast<std::int64_t>(number)), present);
        }
        if (number >= 0 && number < 18446744073709551616.0 &&
            number == static_cast<double>(static_cast<std::uint64_t>(number))) {
          set->set(Value::uinteger(static_cast<std::uint64_t>(number)), present);
        }
        break;
      }
      case Kind::kInt:
        set->set(Value::real(static_cast<double>(element.as_int())), present);
        if (element.as_int() >= 0) {
          set->set(Value::uinteger(static_cast<std::uint64_t>(element.as_int())), present);
        }
        break;
      case Kind::kUint:
        set->set(Value::real(static_cast<double>(element.as_uint())), present);
        if (element.as_uint() <= INT64_MAX) {
          set->set(Value::integer(static_cast<std::int64_t>(element.as_uint())), present);
        }
        break;
      default: return std::nullopt;
    }
  }
  return holder;
}

class Planner {
 public:
  Planner(const CheckedAst& checked, Constants constants)
      : checked_(checked),
        ast_(*checked.ast),
        parents_(checked.parents()),
        constants_(std::move(constants.values)),
        patterns_(std::move(constants.patterns)),
        loop_of_(ast_.size(), kNoMask) {}

  Program run() {
    push(node_work(ast_.root()));
    drain();
    emit({.op = Op::kFinish});
    for (std::size_t i = 0; i < program_.loops.size(); ++i) {
      if (program_.loops[i].constant != kNoMask) continue;
      program_.loops[i].initial = position();
      push(node_work(initials_[i]));
      drain();
      emit({.op = Op::kReturn, .a = static_cast<std::uint32_t>(i)});
    }
    resolve_labels();
    return std::move(program_);
  }

 private:
  /// What is left to emit. A chain leaves its value in a frame that somebody began; a value is complete.
  struct Work {
    enum class What : std::uint8_t { kValue, kChain, kKey, kEmit, kLabel } what;
    NodeId node = kNoNode;
    std::uint32_t label = 0;
    Instruction instruction = {.op = Op::kFinish};
  };

  static Work node_work(NodeId id) { return {.what = Work::What::kValue, .node = id}; }
  static Work chain_work(NodeId id, std::uint32_t end) {
    return {.what = Work::What::kChain, .node = id, .label = end};
  }
  static Work key_work(NodeId id) { return {.what = Work::What::kKey, .node = id}; }
  static Work emit_work(const Instruction& instruction) {
    return {.what = Work::What::kEmit, .instruction = instruction};
  }
  static Work label_work(std::uint32_t label) { return {.what = Work::What::kLabel, .label = label}; }

  void push(Work work) { sequence_.push_back(std::move(work)); }

  void drain() {
    flush();
    while (!work_.empty()) {
      const Work work = work_.back();
      work_.pop_back();
      switch (work.what) {
        case Work::What::kValue: expand_value(work.node); break;
        case Work::What::kChain: expand_chain(work.node, work.label); break;
        case Work::What::kKey: expand_key(work.node); break;
        case Work::What::kEmit: emit(work.instruction); break;
        case Work::What::kLabel: labels_[work.label] = position(); break;
      }
      flush();
    }
  }

  /// What was pushed comes next, in order.
  void flush() {
    work_.insert(work_.end(), sequence_.rbegin(), sequence_.rend());
    sequence_.clear();
  }

  std::uint32_t position() const { return static_cast<std::uint32_t>(program_.code.size()); }
  void emit(const Instruction& instruction) { program_.code.push_back(instruction); }
  std::uint32_t new_label() {
    labels_.push_back(0);
    return static_cast<std::uint32_t>(labels_.size() - 1);
  }

  void resolve_labels() {
    for (Instruction& instruction : program_.code) {
      switch (instruction.op) {
        case Op::kBranch: instruction.a = labels_[instruction.a]; [[fallthrough]];
        case Op::kRoot:
        case Op::kField:
        case Op::kIndex:
        case Op::kTest:
        case Op::kJump:
        case Op::kAndLeft:
        case Op::kOrLeft:
        case Op::kOptionalOr:
        case Op::kOptionalOrValue:
        case Op::kCheck:
        case Op::kCheckOptional:
        case Op::kLoopBegin:
        case Op::kLoopNext:
        case Op::kLoopCondition:
        case Op::kLoopStore: instruction.b = labels_[instruction.b]; break;
        default: break;
      }
    }
  }

  bool is_constant(NodeId id) const { return constants_[id].has_value(); }

  // Emission.

  std::uint32_t add_constant(Value value) {
    program_.constants.push_back(std::move(value));
    return static_cast<std::uint32_t>(program_.constants.size() - 1);
  }

  /// Whether cel-go makes an attribute of it, which selections extend.
  bool is_attribute(NodeId id) const {
    if (is_constant(id)) return false;
    const Node& node = ast_.node(id);
    if (node.kind == NodeKind::kIdent || node.kind == NodeKind::kSelect) return true;
    if (node.kind != NodeKind::kCall) return false;
    const std::string_view called = checked_.references[id].function->name;
    return called == function::kConditional || is_index_function(called);
  }

  bool is_conditional(NodeId id) const {
    return ast_.node(id).kind == NodeKind::kCall &&
           checked_.references[id].function->name == function::kConditional;
  }

  /// The first part of a chain.
  NodeId root_of(NodeId id) const {
    while (is_attribute(id) && !is_conditional(id)) {
      const auto operands = checked_.operands(id);
      if (operands.empty()) break;
      id = operands[0];
    }
    return id;
  }

  void expand_value(NodeId id) {
    if (is_constant(id)) {
      emit({.op = Op::kConstant, .a = add_constant(*constants_[id])});
      return;
    }
    if (is_attribute(id)) {
      const NodeId root = root_of(id);
      const std::uint32_t cost = is_attribute(root) && is_conditional(root) ? 0 : 1;
      push_attribute(id, {.op = Op::kEndAttribute, .flag = ast_.node(id).test_only, .a = cost});
      return;
    }
    const Node& node = ast_.node(id);
    switch (node.kind) {
      case NodeKind::kCall: expand_call(id); break;
      case NodeKind::kList: expand_list(node); break;
      case NodeKind::kMap: expand_map(node); break;
      case NodeKind::kStruct: expand_struct(id, node); break;
      case NodeKind::kComprehension: expand_loop(id, node); break;
      default: break;
    }
  }

  void push_attribute(NodeId id, const Instruction& end) {
    const std::uint32_t label = new_label();
    push(emit_work({.op = Op::kAttribute}));
    if (is_attribute(id)) {
      push(chain_work(id, label));
    } else {
      push(node_work(id));
      push(emit_work({.op = Op::kRoot, .b = label}));
    }
    push(label_work(label));
    push(emit_work(end));
  }

  /// What stands in brackets: resolved, but not yet paid for.
  void expand_key(NodeId id) {
    if (is_constant(id)) {
      emit({.op = Op::kConstant, .a = add_constant(*constants_[id])});
    } else {
      push_attribute(id, {.op = Op::kEndAttribute, .a = 0});
    }
  }

  void expand_chain(NodeId id, std::uint32_t end) {
    if (!is_attribute(id)) {
      push(node_work(id));
      push(emit_work({.op = Op::kRoot, .b = end}));
      return;
    }
    const Node& node = ast_.node(id);
    const auto operands = checked_.operands(id);
    if (operands.empty()) {
      emit(variable(id));
      emit({.op = Op::kRoot, .b = end});
    } else if (node.kind == NodeKind::kSelect) {
      push(chain_work(operands[0], end));
      push(emit_work({.op = node.test_only ? Op::kTest : Op::kField,
                      .a = add_constant(Value::string(node.name)),
                      .b = end}));
    } else if (is_conditional(id)) {
      expand_conditional(operands, end);
    } else {
      const bool optional = node.name != function::kIndex;
      push(chain_work(operands[0], end));
      if (is_constant(operands[1])) {
        push(emit_work(
            {.op = Op::kField, .flag = optional, .a = add_constant(*constants_[operands[1]]), .b = end}));
      } else {
        push(key_work(operands[1]));
        push(emit_work({.op = Op::kIndex, .flag = optional, .b = end}));
      }
    }
  }

  void expand_conditional(std::span<const NodeId> operands, std::uint32_t end) {
    const std::uint32_t otherwise = new_label();
    const std::uint32_t joined = new_label();
    push(node_work(operands[0]));
    push(emit_work({.op = Op::kBranch, .a = otherwise, .b = end}));
    push(chain_work(operands[1], end));
    push(emit_work({.op = Op::kJump, .b = joined}));
    push(label_work(otherwise));
    push(chain_work(operands[2], end));
    push(label_work(joined));
  }

  /// Finds what a name refers to: a variable of the innermost loop around it that has one of that name.
  Instruction variable(NodeId id) {
    const std::string_view name = checked_.references[id].name;
    NodeId child = id;
    for (NodeId at = parents_[id]; at != kNoNode; child = at, at = parents_[at]) {
      const Node& node = ast_.node(at);
      if (node.kind != NodeKind::kComprehension) continue;
      if (child == node.children[kRange] || child == node.children[kInitial]) continue;
      const std::uint32_t loop = loop_of(at);
      if (node.extras->accumulator == name) {
        return {.op = takes_accumulator(node, id) ? Op::kTakeAccumulator : Op::kLoadAccumulator, .a = loop};
      }
      if (child == node.children[kResult]) continue;
      if (node.extras->variable == name) return {.op = Op::kFirst, .a = loop};
      if (node.extras->second_variable == name) return {.op = Op::kSecond, .a = loop};
    }
    const auto known = std::ranges::find(program_.variables, name);
    const auto index = static_cast<std::uint32_t>(known - program_.variables.begin());
    if (known == program_.variables.end()) program_.variables.emplace_back(name);
    return {.op = Op::kVariable, .a = index};
  }

  /// Macros that gather a list or map mention it once on every way through a step, as what is added to.
  bool takes_accumulator(const Node& comprehension, NodeId id) const {
    const NodeKind initial = ast_.node(comprehension.children[kInitial]).kind;
    if (comprehension.extras->accumulator != kAccumulator) return false;
    if (initial != NodeKind::kList && initial != NodeKind::kMap) return false;
    return parents_[id] != kNoNode && ast_.node(parents_[id]).kind == NodeKind::kCall;
  }

  std::uint32_t loop_of(NodeId comprehension) {
    std::uint32_t& loop = loop_of_[comprehension];
    if (loop == kNoMask) {
      const Node& node = ast_.node(comprehension);
      const NodeId initial = node.children[kInitial];
      loop = static_cast<std::uint32_t>(program_.loops.size());
      LoopPlan loop_plan{.has_two = !node.extras->second_variable.empty()};
      if (is_constant(initial)) loop_plan.constant = add_constant(*constants_[initial]);
      program_.loops.push_back(loop_plan);
      initials_.push_back(initial);
    }
    return loop;
  }

  void expand_call(NodeId id) {
    const Reference& reference = checked_.references[id];
    const auto operands = checked_.operands(id);
    const std::string_view called = reference.function->name;
    const std::uint32_t end = new_label();
    const auto lazily = [&](Op left) {
      push(node_work(operands[0]));
      push(emit_work({.op = left, .b = end}));
      push(node_work(operands[1]));
    };
    if (called == function::kAnd || called == function::kOr) {
      const bool is_and = called == function::kAnd;
      lazily(is_and ? Op::kAndLeft : Op::kOrLeft);
      push(emit_work({.op = is_and ? Op::kAndRight : Op::kOrRight}));
      push(label_work(end));
    } else if (called == "or" || called == "orValue") {
      lazily(called == "or" ? Op::kOptionalOr : Op::kOptionalOrValue);
      push(label_work(end));
    } else if (called == function::kNotStrictlyFalse) {
      push(node_work(operands[0]));
      push(emit_work({.op = Op::kNotStrictlyFalse}));
    } else if (called == function::kIn && expand_membership(reference, operands)) {
      return;
    } else {
      expand_plain_call(id, operands, end);
    }
  }

  bool expand_membership(const Reference& reference, std::span<const NodeId> operands) {
    if (reference.overloads.size() != 1 || reference.overloads[0]->id != "in_list") return false;
    if (!is_constant(operands[1])) return false;
    auto set = member_set(*constants_[operands[1]]);
    if (!set) return false;
    program_.sets.push_back(*std::move(set));
    push(node_work(operands[0]));
    push(emit_work({.op = Op::kMember, .a = static_cast<std::uint32_t>(program_.sets.size() - 1)}));
    return true;
  }

  void expand_plain_call(NodeId id, std::span<const NodeId> operands, std::uint32_t end) {
    const Reference& reference = checked_.references[id];
    CallPlan call{.function = reference.function, .arguments = static_cast<std::uint32_t>(operands.size())};
    std::string_view overload_id;
    if (reference.overloads.size() == 1) {
      overload_id = reference.overloads[0]->id;
      call.overload = reference.overloads[0];
    }
    if (reference.function->singleton != nullptr) {
      call.overload = nullptr;
      call.is_variadic = reference.function->singleton->shape == CallShape::kVariadic;
    } else {
      if (reference.function->overloads.size() == 1) call.overload = reference.function->overloads.data();
      call.is_variadic = call.overload == nullptr || call.overload->shape == CallShape::kVariadic;
    }
    if (const auto pattern = patterns_.find(id); pattern != patterns_.end()) {
      call.pattern = pattern->second;
      call.is_variadic = true;
    }
    call.cost = call_cost(reference.function->name, overload_id);
    for (std::size_t i = 0; i < operands.size(); ++i) {
      push(node_work(operands[i]));
      if (call.is_variadic && i + 1 < operands.size()) push_check(i, end, 0);
    }
    program_.calls.push_back(std::move(call));
    push(emit_work({.op = Op::kCall, .a = static_cast<std::uint32_t>(program_.calls.size() - 1)}));
    push(label_work(end));
  }

  void push_check(std::size_t drop, std::uint32_t end, std::uint64_t cost) {
    push(emit_work({.op = Op::kCheck,
                    .c = static_cast<std::uint16_t>(cost),
                    .a = static_cast<std::uint32_t>(drop),
                    .b = end}));
  }

  void push_optional_check(std::size_t drop, std::uint32_t end, std::uint64_t cost, bool of_map) {
    push(emit_work({.op = Op::kCheckOptional,
                    .flag = of_map,
                    .c = static_cast<std::uint16_t>(cost),
                    .a = static_cast<std::uint32_t>(drop),
                    .b = end}));
  }

  std::uint32_t add_mask(const Node& node) {
    if (!node.has_optional()) return kNoMask;
    program_.masks.push_back(node.extras->optional);
    return static_cast<std::uint32_t>(program_.masks.size() - 1);
  }

  void expand_list(const Node& node) {
    const std::uint32_t end = new_label();
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      push(node_work(node.children[i]));
      push_check(i, end, kListBaseCost);
      if (node.is_optional(i)) push_optional_check(i, end, kListBaseCost, false);
    }
    push(emit_work(
        {.op = Op::kList, .a = static_cast<std::uint32_t>(node.children.size()), .b = add_mask(node)}));
    push(label_work(end));
  }

  void expand_map(const Node& node) {
    const std::uint32_t end = new_label();
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      push(node_work(node.children[i]));
      push_check(i, end, kMapBaseCost);
      if (i % 2 == 1 && node.is_optional(i / 2)) push_optional_check(i, end, kMapBaseCost, true);
    }
    push(emit_work(
        {.op = Op::kMap, .a = static_cast<std::uint32_t>(node.children.size() / 2), .b = add_mask(node)}));
    push(label_work(end));
  }

  void expand_struct(NodeId id, const Node& node) {
    const std::uint32_t end = new_label();
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      push(node_work(node.children[i]));
      push_check(i, end, kObjectBaseCost);
      if (node.is_optional(i)) push_optional_check(i, end, kObjectBaseCost, false);
    }
    push(emit_work({.op = Op::kObject,
                    .a = static_cast<std::uint32_t>(node.children.size()),
                    .b = add_constant(Value::string(checked_.references[id].name))}));
    push(label_work(end));
  }

  void expand_loop(NodeId id, const Node& node) {
    const std::uint32_t loop = loop_of(id);
    const std::uint32_t next = new_label();
    const std::uint32_t result = new_label();
    const std::uint32_t end = new_label();
    const NodeId condition = node.children[kCondition];
    push(node_work(node.children[kRange]));
    push(emit_work({.op = Op::kLoopBegin, .a = loop, .b = end}));
    push(label_work(next));
    push(emit_work({.op = Op::kLoopNext, .a = loop, .b = result}));
    if (!is_constant(condition) || !constants_[condition]->is_bool(true)) {
      push(node_work(condition));
      push(emit_work({.op = Op::kLoopCondition, .b = result}));
    }
    push(node_work(node.children[kStep]));
    push(emit_work({.op = Op::kLoopStore, .a = loop, .b = next}));
    push(label_work(result));
    push(node_work(node.children[kResult]));
    push(emit_work({.op = Op::kLoopEnd, .a = loop}));
    push(label_work(end));
  }

  const CheckedAst& checked_;
  const Ast& ast_;
  std::vector<NodeId> parents_;
  const std::vector<std::optional<Value>> constants_;  // by node
  const std::unordered_map<NodeId, std::shared_ptr<const Pattern>> patterns_;
  std::vector<std::uint32_t> loop_of_;  // by node
  std::vector<NodeId> initials_;        // by loop
  Program program_;
  std::vector<Work> work_;
  std::vector<Work> sequence_;
  std::vector<std::uint32_t> labels_;
};

}  // namespace

Result<Program> plan(const CheckedAst& checked) {
  auto constants = find_constants(checked);
  if (!constants) return fail(constants.error());
  return Planner(checked, *std::move(constants)).run();
}

}  // namespace klutch::apiserver::cel

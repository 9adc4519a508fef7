// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/cost_estimate.h"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/cel/call_cost.h"
#include "apiserver/cel/call_estimate.h"
#include "apiserver/cel/go_text.h"

namespace klutch::apiserver::cel {
namespace {

constexpr CostRange kUnit = CostRange::exactly(1);

/// Where in the schema a value comes from. cel-go counts names and skips the first, whatever it is, so values
/// that come from nowhere get somewhere when a name is added.
struct SchemaPlace {
  bool exists = false;
  const Schema* at = nullptr;
  bool is_key = false;  ///< The key of a map, which has no schema of its own.
};

/// What is known of what a list or map holds.
struct EntrySizes {
  bool is_list = false;
  CostRange key = {};
  CostRange value = {};
};

struct Knowledge {
  CostRange cost = {};
  std::optional<CostRange> size = {};
  std::optional<EntrySizes> entries = {};
  SchemaPlace place = {};
};

struct Local {
  std::string_view name;
  SchemaPlace place;
  std::optional<CostRange> size;
  std::optional<EntrySizes> entries;
};

enum class Part : std::uint8_t { kItems, kIndices, kKeys, kValues };

bool is_scalar(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kBool:
    case TypeKind::kDouble:
    case TypeKind::kDuration:
    case TypeKind::kInt:
    case TypeKind::kTimestamp:
    case TypeKind::kUint: return true;
    case TypeKind::kOpaque: return type.is_optional() && is_scalar(type.parameters()[0]);
    default: return false;
  }
}

std::optional<CostRange> literal_size(const Node& node) {
  if (node.kind == NodeKind::kList) return CostRange::exactly(node.children.size());
  if (node.kind == NodeKind::kMap) return CostRange::exactly(node.children.size() / 2);
  if (node.kind != NodeKind::kLiteral) return std::nullopt;
  switch (node.literal.kind()) {
    case Kind::kString: return CostRange::exactly(count_code_points(node.literal.as_text()));
    case Kind::kBytes: return CostRange::exactly(node.literal.as_text().size());
    default: return kUnit;
  }
}

class Estimator {
 public:
  Estimator(const CheckedAst& checked, const Schema* root)
      : checked_(checked), ast_(*checked.ast), root_(root), known_(ast_.size()) {}

  CostRange run() {
    tasks_.push_back({ast_.root(), 0});
    while (!tasks_.empty()) {
      auto& [node, step] = tasks_.back();
      const NodeId child = advance(node, step++);
      if (child == kNoNode) {
        tasks_.pop_back();
      } else {
        tasks_.emplace_back(child, 0);
      }
    }
    return known_[ast_.root()].cost;
  }

 private:
  /// Begins or goes on with a node; gives the child to look at next, or none when it is done.
  NodeId advance(NodeId id, std::size_t step) {
    const Node& node = ast_.node(id);
    if (node.kind == NodeKind::kComprehension) return advance_comprehension(id, node, step);
    const auto operands = order_of_operands(id);
    if (step < operands.size()) return operands[step];
    switch (node.kind) {
      case NodeKind::kIdent: finish_ident(id); break;
      case NodeKind::kSelect: finish_select(id, node); break;
      case NodeKind::kCall: finish_call(id, node); break;
      case NodeKind::kList: finish_list(id, node); break;
      case NodeKind::kMap: finish_map(id, node); break;
      case NodeKind::kStruct:
        known_[id].cost = sum_of(node.children).plus(CostRange::exactly(kObjectBaseCost));
        break;
      default: break;
    }
    return kNoNode;
  }

  /// Arguments come before the target.
  std::vector<NodeId> order_of_operands(NodeId id) const {
    const auto operands = checked_.operands(id);
    std::vector<NodeId> order(operands.begin(), operands.end());
    if (ast_.node(id).kind == NodeKind::kCall && checked_.has_target(id)) {
      order.erase(order.begin());
      order.push_back(operands[0]);
    }
    return order;
  }

  CostRange sum_of(std::span<const NodeId> nodes) const {
    CostRange sum;
    for (const NodeId id : nodes) sum = sum.plus(known_[id].cost);
    return sum;
  }

  // Places and sizes.

  const Local* find_local(std::string_view name) const {
    for (std::size_t i = locals_.size(); i > 0; --i) {
      if (locals_[i - 1].name == name) return &locals_[i - 1];
    }
    return nullptr;
  }

  const Local* local_of(NodeId id) const {
    return ast_.node(id).kind == NodeKind::kIdent ? find_local(ast_.node(id).name) : nullptr;
  }

  SchemaPlace place_of(NodeId id) const {
    const Local* local = local_of(id);
    return local != nullptr ? local->place : known_[id].place;
  }

  SchemaPlace field_of(const SchemaPlace& place, std::string_view name) const {
    if (!place.exists) return {.exists = true, .at = root_};
    return {.exists = true, .at = place.at == nullptr ? nullptr : place.at->find_field(name)};
  }

  SchemaPlace part_of(const SchemaPlace& place, Part part) const {
    if (!place.exists) return {.exists = true, .at = root_};
    if (place.at == nullptr || part == Part::kIndices) return {.exists = true};
    if (part == Part::kKeys) return {.exists = true, .is_key = place.at->kind() == Schema::Kind::kMap};
    const Schema* elements = place.at->elements();
    return {.exists = true, .at = elements != nullptr && elements->is_exposed() ? elements : nullptr};
  }

  static std::optional<CostRange> size_at(const SchemaPlace& place) {
    if (place.is_key) return CostRange{};
    if (place.at == nullptr) return std::nullopt;
    return CostRange{0, static_cast<std::uint64_t>(place.at->max_elements())};
  }

  std::optional<CostRange> size_of(NodeId id) {
    std::optional<CostRange>& size = known_[id].size;
    if (size) return size;
    if (auto literal = literal_size(ast_.node(id))) return literal;
    if (auto allowed = size_at(place_of(id))) return size = allowed;
    if (is_scalar(checked_.types[id])) return kUnit;
    const Local* local = local_of(id);
    return local == nullptr ? std::nullopt : local->size;
  }

  CostRange size_or_unknown(NodeId id) { return size_of(id).value_or(CostRange::unknown()); }

  std::optional<EntrySizes> entries_of(NodeId id) const {
    if (known_[id].entries) return known_[id].entries;
    const Local* local = local_of(id);
    return local == nullptr ? std::nullopt : local->entries;
  }

  static std::optional<EntrySizes> united(const std::optional<EntrySizes>& a,
                                          const std::optional<EntrySizes>& b) {
    if (!a || !b) return std::nullopt;
    return EntrySizes{
        .is_list = a->is_list, .key = a->key.united(b->key), .value = a->value.united(b->value)};
  }

  // Nodes.

  void finish_ident(NodeId id) {
    const Local* local = local_of(id);
    known_[id].place = local != nullptr ? local->place : SchemaPlace{.exists = true, .at = root_};
    known_[id].cost = kUnit;
  }

  void finish_select(NodeId id, const Node& node) {
    if (!checked_.references[id].name.empty()) {
      finish_ident(id);
      return;
    }
    const NodeId operand = node.children[0];
    known_[id].cost = known_[operand].cost;
    if (node.test_only) return;
    const TypeKind kind = checked_.types[operand].kind();
    if (kind == TypeKind::kMap || kind == TypeKind::kStruct || kind == TypeKind::kTypeParam) {
      known_[id].cost = known_[id].cost.plus(kUnit);
    }
    known_[id].place = field_of(place_of(operand), node.name);
  }

  void finish_list(NodeId id, const Node& node) {
    CostRange items = node.children.empty() ? CostRange{} : CostRange::none();
    for (const NodeId child : node.children) items = items.united(size_or_unknown(child));
    known_[id].entries = EntrySizes{.is_list = true, .key = kUnit, .value = items};
    known_[id].cost = sum_of(node.children).plus(CostRange::exactly(kListBaseCost));
  }

  void finish_map(NodeId id, const Node& node) {
    const CostRange start = node.children.empty() ? CostRange{} : CostRange::none();
    EntrySizes entries{.is_list = false, .key = start, .value = start};
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      CostRange& sizes = i % 2 == 0 ? entries.key : entries.value;
      sizes = sizes.united(size_or_unknown(node.children[i]));
    }
    known_[id].entries = entries;
    known_[id].cost = sum_of(node.children).plus(CostRange::exactly(kMapBaseCost));
  }

  // Calls.

  EstimatedOperand operand(NodeId id) {
    EstimatedOperand out{.type = checked_.types[id]};
    if (const auto size = size_of(id)) {
      out.size = *size;
      out.has_size = true;
    }
    const SchemaPlace place = place_of(id);
    if (place.exists) out.element_size = size_at(part_of(place, Part::kItems)).value_or(CostRange::unknown());
    if (ast_.node(id).kind == NodeKind::kLiteral) out.literal = &ast_.node(id).literal;
    return out;
  }

  void finish_call(NodeId id, const Node& node) {
    const Reference& reference = checked_.references[id];
    auto arguments = checked_.operands(id);
    if (node.name == "dyn") {
      known_[id].cost = known_[arguments[0]].cost.plus(kUnit);
      known_[id].size = size_of(arguments[0]);
      known_[id].entries = entries_of(arguments[0]);
      return;
    }
    CostRange target_cost;
    std::optional<EstimatedOperand> target;
    if (checked_.has_target(id)) {
      target_cost = known_[arguments[0]].cost;
      target = operand(arguments[0]);
      arguments = arguments.subspan(1);
    }
    std::vector<EstimatedOperand> operands;
    for (const NodeId argument : arguments) operands.push_back(operand(argument));
    CostRange cost = CostRange::none();
    std::optional<CostRange> size;
    for (const Overload* overload : reference.overloads) {
      const CallEstimate estimate = estimate_overload(id, reference.function->name, overload->id,
                                                      target ? &*target : nullptr, operands, arguments);
      cost = cost.united(estimate.cost);
      if (estimate.has_size) size = size ? size->united(estimate.result_size) : estimate.result_size;
      if (overload->id == "index_list" || overload->id == "index_map") {
        const auto entries = entries_of(arguments[0]);
        size = entries ? std::optional(entries->value) : std::nullopt;
        known_[id].place = part_of(place_of(arguments[0]), Part::kItems);
      }
      if (!size) size = size_of(id);
    }
    if (size) known_[id].size = size;
    known_[id].cost = target_cost.plus(cost);
  }

  /// With the cost of the arguments.
  CallEstimate estimate_overload(NodeId id, std::string_view function, std::string_view overload,
                                 const EstimatedOperand* target, std::span<const EstimatedOperand> operands,
                                 std::span<const NodeId> arguments) {
    const auto cost_of = [&](std::size_t index) { return known_[arguments[index]].cost; };
    if (overload == "logical_or" || overload == "logical_and") {
      return {.cost = {cost_of(0).min, cost_of(0).plus(cost_of(1)).max}};
    }
    if (overload == "conditional") {
      known_[id].entries = united(entries_of(arguments[1]), entries_of(arguments[2]));
      return {.cost = cost_of(0).plus(cost_of(1).united(cost_of(2))),
              .result_size = operands[1].size.united(operands[2].size),
              .has_size = true};
    }
    const CostRange before = sum_of(arguments);
    if (overload == "add_string" || overload == "add_bytes" || overload == "add_list") {
      const CostRange size = operands[0].size.plus(operands[1].size);
      if (auto entries = united(entries_of(arguments[0]), entries_of(arguments[1])))
        known_[id].entries = entries;
      const CostRange cost = overload == "add_list" ? kUnit : size.scaled(kTextCostFactor);
      return {.cost = cost.plus(before), .result_size = size, .has_size = true};
    }
    CallEstimate estimate = estimate_call(function, overload, target, operands);
    estimate.cost = estimate.cost.plus(before);
    return estimate;
  }

  // Comprehensions.

  static bool is_binding(const Ast& ast, const Node& node) {
    const Node& range = ast.node(node.children[kRange]);
    const Node& condition = ast.node(node.children[kCondition]);
    return range.kind == NodeKind::kList && range.children.empty() && condition.kind == NodeKind::kLiteral &&
           condition.literal.is_bool(false);
  }

  NodeId advance_comprehension(NodeId id, const Node& node, std::size_t step) {
    const bool binds = is_binding(ast_, node);
    const std::size_t variables = node.extras->second_variable.empty() ? 1 : 2;
    switch (step) {
      case 0: return node.children[kRange];
      case 1: return node.children[kInitial];
      case 2:
        push_accumulator(node);
        if (binds) return node.children[kResult];
        push_variables(node);
        return node.children[kCondition];
      case 3:
        if (binds) break;
        return node.children[kStep];
      case 4: locals_.resize(locals_.size() - variables); return node.children[kResult];
      default: break;
    }
    locals_.pop_back();
    if (binds) {
      finish_binding(id, node);
    } else {
      finish_loop(id, node);
    }
    return kNoNode;
  }

  void push_accumulator(const Node& node) {
    const NodeId initial = node.children[kInitial];
    locals_.push_back({.name = node.extras->accumulator,
                       .place = place_of(initial),
                       .size = size_of(initial),
                       .entries = entries_of(initial)});
  }

  void push_variables(const Node& node) {
    const NodeId range = node.children[kRange];
    const auto entries = entries_of(range);
    const bool is_list = entries ? entries->is_list : checked_.types[range].is(TypeKind::kList);
    const auto push = [&](std::string_view name, Part part) {
      std::optional<CostRange> size;
      if (entries) size = part == Part::kKeys || part == Part::kIndices ? entries->key : entries->value;
      locals_.push_back({.name = name, .place = part_of(place_of(range), part), .size = size, .entries = {}});
    };
    if (node.extras->second_variable.empty()) {
      push(node.extras->variable, is_list ? Part::kItems : Part::kKeys);
    } else {
      push(node.extras->variable, is_list ? Part::kIndices : Part::kKeys);
      push(node.extras->second_variable, is_list ? Part::kItems : Part::kValues);
    }
  }

  void finish_binding(NodeId id, const Node& node) {
    const NodeId result = node.children[kResult];
    known_[id].cost = known_[node.children[kRange]]
                          .cost.plus(known_[node.children[kInitial]].cost)
                          .plus(known_[result].cost);
    if (auto size = size_of(result)) known_[id].size = size;
    if (auto entries = entries_of(result)) known_[id].entries = entries;
  }

  void finish_loop(NodeId id, const Node& node) {
    const auto cost_of = [&](ComprehensionPart part) { return known_[node.children[part]].cost; };
    const CostRange count = size_or_unknown(node.children[kRange]);
    known_[id].cost = cost_of(kRange)
                          .plus(cost_of(kInitial))
                          .plus(cost_of(kResult))
                          .plus(count.times(cost_of(kStep).plus(cost_of(kCondition))));
    const NodeKind initial = ast_.node(node.children[kInitial]).kind;
    if (initial == NodeKind::kLiteral) {
      known_[id].size = size_of(node.children[kInitial]);
    } else if (initial == NodeKind::kList || initial == NodeKind::kMap) {
      known_[id].size = count;
      if (auto entries = entries_of(node.children[kStep])) known_[id].entries = entries;
    }
  }

  const CheckedAst& checked_;
  const Ast& ast_;
  const Schema* root_;
  std::vector<Knowledge> known_;  // by node
  std::vector<Local> locals_;
  std::vector<std::pair<NodeId, std::size_t>> tasks_;
};

}  // namespace

CostRange estimate_cost(const CheckedAst& checked, const Schema* root) {
  return Estimator(checked, root).run();
}

}  // namespace klutch::apiserver::cel

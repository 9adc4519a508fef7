// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/machine.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/cel/arithmetic.h"
#include "apiserver/cel/ast.h"
#include "apiserver/cel/attribute.h"
#include "apiserver/cel/heap.h"
#include "apiserver/cel/lib_maps.h"
#include "apiserver/cel/lib_regex.h"

namespace klutch::apiserver::cel {
namespace {

constexpr std::string_view kOverBudget = "operation cancelled: actual cost limit exceeded";
constexpr std::string_view kTooDeep = "operation cancelled: values are nested too deeply";
constexpr std::string_view kUnhashable = "internal error: runtime error: hash of unhashable type types.Bytes";

/// Elements that one run may copy into new lists and maps. Some copies cost nothing, in cel-go because they
/// are made when they are looked at.
constexpr std::uint64_t kMaxCopied = 2'000'000;

struct Frame {
  bool optional = false;
};

struct Loop {
  Value range = {};
  std::size_t position = 0;
  Value first = {};
  Value second = {};
  Value accumulator = {};
  bool has_accumulator = false;
};

class Machine {
 public:
  Machine(const Program& program, Activation activation, std::uint64_t cost_limit)
      : program_(program), activation_(activation), limit_(cost_limit), loops_(program.loops.size()) {}

  Evaluation run() {
    while (!is_over_) {
      const Instruction& next = program_.code[at_++];
      step(next);
      if (cost_ > limit_ && !is_over_) cancel(kOverBudget);
    }
    return {.value = std::move(result_), .cost = cost_, .is_cancelled = is_cancelled_};
  }

 private:
  Value& top() { return stack_.back(); }
  void push(Value value) { stack_.push_back(std::move(value)); }
  Value pop() {
    Value value = std::move(stack_.back());
    stack_.pop_back();
    return value;
  }
  void drop(std::size_t count) { stack_.resize(stack_.size() - count); }

  /// Ends the run with an error that nothing absorbs.
  void stop(std::string_view message) {
    result_ = Value::error(message);
    is_over_ = true;
  }
  void cancel(std::string_view message) {
    stop(message);
    is_cancelled_ = true;
  }

  void step(const Instruction& i) {
    switch (i.op) {
      case Op::kConstant: push(program_.constants[i.a]); break;
      case Op::kVariable: push(variable(program_.variables[i.a])); break;
      case Op::kFirst: push(loops_[i.a].first); break;
      case Op::kSecond: push(loops_[i.a].second); break;
      case Op::kLoadAccumulator:
      case Op::kTakeAccumulator: accumulator(i); break;
      case Op::kAttribute: frames_.emplace_back(); break;
      case Op::kRoot: root(i); break;
      case Op::kField: select(i, program_.constants[i.a]); break;
      case Op::kIndex: select(i, pop()); break;
      case Op::kTest: test(i); break;
      case Op::kEndAttribute: end_attribute(i); break;
      case Op::kBranch: branch(i); break;
      case Op::kJump: at_ = i.b; break;
      case Op::kAndLeft:
        if (top().is_bool(false)) at_ = i.b;
        break;
      case Op::kOrLeft:
        if (top().is_bool(true)) at_ = i.b;
        break;
      case Op::kAndRight: logical(false); break;
      case Op::kOrRight: logical(true); break;
      case Op::kOptionalOr:
      case Op::kOptionalOrValue: optional_or(i); break;
      default: step_rest(i); break;
    }
  }

  void step_rest(const Instruction& i) {
    switch (i.op) {
      case Op::kCheck:
        if (top().is_error()) abandon(i, pop());
        break;
      case Op::kCheckOptional:
        if (top().kind() != Kind::kOptional) abandon(i, not_optional(i));
        break;
      case Op::kCall: call(program_.calls[i.a]); break;
      case Op::kNotStrictlyFalse:
        ++cost_;
        if (top().kind() != Kind::kBool) top() = Value::boolean(true);
        break;
      case Op::kMember:
        if (!top().is_error()) {
          top() = Value::boolean(program_.sets[i.a].heap_map()->find_same(top()) != nullptr);
        }
        break;
      case Op::kList: make_list(i); break;
      case Op::kMap: make_map(i); break;
      case Op::kObject: refuse_object(i); break;
      case Op::kLoopBegin: loop_begin(i); break;
      case Op::kLoopNext: loop_next(i); break;
      case Op::kLoopCondition:
        if (pop().is_bool(false)) at_ = i.b;
        break;
      case Op::kLoopStore:
        loops_[i.a].accumulator = pop();
        loops_[i.a].has_accumulator = true;
        at_ = i.b;
        break;
      case Op::kLoopEnd: loops_[i.a] = {}; break;
      case Op::kReturn:
        loops_[i.a].accumulator = pop();
        loops_[i.a].has_accumulator = true;
        at_ = returns_.back();
        returns_.pop_back();
        break;
      default:  // kFinish
        result_ = pop();
        is_over_ = true;
        break;
    }
  }

  Value variable(std::string_view name) const {
    for (const auto& [known, value] : activation_) {
      if (known == name) return value;
    }
    return Value::error("no such attribute(s): " + std::string(name));
  }

  void accumulator(const Instruction& i) {
    Loop& loop = loops_[i.a];
    if (!loop.has_accumulator) {
      const LoopPlan& plan = program_.loops[i.a];
      if (plan.constant == kNoMask) {
        returns_.push_back(at_ - 1);
        at_ = plan.initial;
        return;
      }
      loop.accumulator = program_.constants[plan.constant];
      loop.has_accumulator = true;
    }
    if (i.op == Op::kLoadAccumulator) {
      push(loop.accumulator);
    } else {
      push(std::move(loop.accumulator));
      loop.accumulator = {};
    }
  }

  // Chains of selections.

  void root(const Instruction& i) {
    if (top().is_error()) {
      at_ = i.b;
    } else if (top().kind() == Kind::kOptional) {
      const Value* content = top().as_optional();
      if (content == nullptr) {
        at_ = i.b;
      } else {
        top() = native_content(Value(*content));
        frames_.back().optional = true;
      }
    }
  }

  void fail_chain(const Instruction& i, Value error) {
    frames_.back().optional = false;
    top() = std::move(error);
    at_ = i.b;
  }

  void select(const Instruction& i, const Value& key) {
    Frame& frame = frames_.back();
    frame.optional = frame.optional || i.flag;
    Qualified selected;
    if (key.is_error()) {
      selected = {.outcome = Qualified::Outcome::kFailed, .value = key};
    } else if (!is_qualifier(key)) {
      selected = {.outcome = Qualified::Outcome::kFailed, .value = invalid_qualifier(key)};
    } else {
      selected = qualify(top(), key, frame.optional);
    }
    if (!frame.optional || selected.outcome == Qualified::Outcome::kFound) ++cost_;
    switch (selected.outcome) {
      case Qualified::Outcome::kFound: top() = std::move(selected.value); break;
      case Qualified::Outcome::kAbsent: fail_chain(i, Value::optional_none()); break;
      case Qualified::Outcome::kFailed: fail_chain(i, std::move(selected.value)); break;
    }
  }

  void test(const Instruction& i) {
    const bool optional = frames_.back().optional;
    Qualified selected = qualify(top(), program_.constants[i.a], true);
    const bool found = selected.outcome == Qualified::Outcome::kFound;
    if (!optional || found) ++cost_;
    if (selected.outcome == Qualified::Outcome::kFailed) {
      fail_chain(i, std::move(selected.value));
    } else if (!optional) {
      top() = Value::boolean(found);
    } else if (found) {
      top() = std::move(selected.value);
    } else {
      fail_chain(i, Value::optional_none());
    }
  }

  void end_attribute(const Instruction& i) {
    const Frame frame = frames_.back();
    frames_.pop_back();
    if (frame.optional) top() = Value::optional_of(pop_keeping_place());
    if (i.flag && top().kind() == Kind::kOptional) top() = Value::boolean(top().as_optional() != nullptr);
    cost_ += i.a;
    if (i.flag && cost_ > 0) --cost_;
    check_depth();
  }
  Value pop_keeping_place() { return std::exchange(top(), Value()); }

  void branch(const Instruction& i) {
    Value condition = pop();
    if (condition.is_bool(true)) return;
    if (condition.is_bool(false)) {
      at_ = i.a;
      return;
    }
    push(condition.is_error() ? std::move(condition) : Value::no_such_overload());
    frames_.back().optional = false;
    at_ = i.b;
  }

  // Operators that do not need all operands.

  void logical(bool decisive) {
    const Value right = pop();
    if (right.is_bool(decisive)) {
      top() = right;
      return;
    }
    for (const Value& operand : {top(), right}) {
      if (operand.kind() == Kind::kBool) continue;
      top() = operand.is_error() ? operand : Value::no_such_overload();
      return;
    }
    top() = Value::boolean(!decisive);
  }

  void optional_or(const Instruction& i) {
    if (top().kind() == Kind::kOptional) {
      const Value* content = top().as_optional();
      if (content == nullptr) {
        drop(1);
        return;
      }
      if (i.op == Op::kOptionalOrValue) top() = Value(*content);
    }
    at_ = i.b;
  }

  // Calls.

  void abandon(const Instruction& i, Value error) {
    const std::size_t left = i.op == Op::kCheckOptional ? i.a + 1 : i.a;
    drop(left);
    push(std::move(error));
    cost_ += i.c;
    at_ = i.b;
  }

  Value not_optional(const Instruction& i) {
    if (!i.flag) {
      return Value::error("cannot initialize optional list element from non-optional value " + top().text());
    }
    return Value::error("cannot initialize optional entry '" + stack_[stack_.size() - 2].text() +
                        "' from non-optional value " + top().text());
  }

  void call(const CallPlan& plan) {
    const std::size_t first = stack_.size() - plan.arguments;
    if (grow_in_place(plan, first)) return;
    const Arguments arguments(stack_.data() + first, plan.arguments);
    Value result = apply(plan, arguments);
    cost_ += plan.cost(arguments, result);
    drop(plan.arguments);
    copied_ += result.json_content() == nullptr ? result.size() : 0;
    push(std::move(result));
    check_depth();
  }

  void check_depth() {
    if (top().depth() > detail::kMaxValueDepth) stop(kTooDeep);
    if (copied_ > kMaxCopied) cancel(kOverBudget);
  }

  /// What macros gather grows where it is, so that a loop takes linear time.
  bool grow_in_place(const CallPlan& plan, std::size_t first) {
    if (plan.arguments < 2 || !stack_[first].is_sole_owner()) return false;
    for (std::size_t i = first; i < stack_.size(); ++i) {
      if (stack_[i].is_error()) return false;
    }
    Value& target = stack_[first];
    if (plan.function->name == function::kAdd && plan.arguments == 2) {
      detail::ListObject* list = target.heap_list();
      const Value& added = stack_[first + 1];
      if (list == nullptr || list->schema != nullptr || added.kind() != Kind::kList) return false;
      for (std::size_t i = 0; i < added.size(); ++i) list->add(added.element(i));
      copied_ += added.size();
    } else if (plan.function->name == function::kMapInsert && plan.arguments == 3) {
      if (target.heap_map() == nullptr) return false;
      Value grown = insert_entry(std::move(target), stack_[first + 1], stack_[first + 2]);
      target = std::move(grown);
    } else {
      return false;
    }
    drop(plan.arguments - 1);
    ++cost_;
    check_depth();
    return true;
  }

  /// Kinds whose values cel-go asks for a method when a function is not for them; the message differs.
  static bool has_methods(Kind kind) {
    return kind == Kind::kString || kind == Kind::kTimestamp || kind == Kind::kDuration;
  }

  static Value apply(const CallPlan& plan, Arguments arguments) {
    for (const Value& argument : arguments) {
      if (argument.is_error()) return argument;
    }
    if (plan.pattern != nullptr) return apply_pattern(plan.function->name, *plan.pattern, arguments);
    const Function& called = *plan.function;
    if (const SingletonSpec* singleton = called.singleton) {
      if (singleton->takes == nullptr || singleton->takes(arguments[0])) return singleton->call(arguments);
      return has_methods(arguments[0].kind()) ? Value::no_such_overload()
                                              : Value::error("no such overload: " + std::string(called.name));
    }
    if (plan.overload != nullptr) return apply_overload(called, *plan.overload, arguments);
    for (const Overload& overload : called.overloads) {
      if (overload.call != nullptr && overload.accepts(arguments)) return overload.call(arguments);
    }
    return no_such_overload_for(called.name, arguments);
  }

  static Value apply_overload(const Function& called, const Overload& overload, Arguments arguments) {
    const bool fits = overload.call != nullptr && (!called.is_guarded || overload.accepts(arguments));
    return fits ? overload.call(arguments) : no_such_overload_for(called.name, arguments);
  }

  // New lists and maps.

  void make_list(const Instruction& i) {
    const std::size_t first = stack_.size() - i.a;
    auto* list = new detail::ListObject;
    Value made = Value::adopt(Kind::kList, list);
    list->reserve(i.a);
    for (std::size_t k = 0; k < i.a; ++k) {
      Value& element = stack_[first + k];
      if (i.b != kNoMask && program_.masks[i.b][k]) {
        if (const Value* content = element.as_optional()) list->add(*content);
      } else {
        list->add(std::move(element));
      }
    }
    drop(i.a);
    push(std::move(made));
    cost_ += kListBaseCost;
    check_depth();
  }

  void make_map(const Instruction& i) {
    const std::size_t first = stack_.size() - 2 * std::size_t{i.a};
    auto* map = new detail::MapObject;
    Value made = Value::adopt(Kind::kMap, map);
    for (std::size_t k = 0; k < i.a; ++k) {
      const Value& key = stack_[first + 2 * k];
      const Value& value = stack_[first + 2 * k + 1];
      if (key.kind() == Kind::kBytes) {
        stop(kUnhashable);
        return;
      }
      if (i.b == kNoMask || !program_.masks[i.b][k]) {
        map->set(key, value);
      } else if (const Value* content = value.as_optional()) {
        map->set(key, *content);
      } else {
        map->erase(key);
      }
    }
    drop(2 * std::size_t{i.a});
    push(std::move(made));
    cost_ += kMapBaseCost;
    check_depth();
  }

  void refuse_object(const Instruction& i) {
    drop(i.a);
    push(Value::error("unknown type '" + std::string(program_.constants[i.b].as_text()) + '\''));
    cost_ += kObjectBaseCost;
  }

  // Loops.

  void loop_begin(const Instruction& i) {
    Value range = pop();
    if (range.kind() != Kind::kList && range.kind() != Kind::kMap) {
      push(range.is_error() ? std::move(range) : not_a_range(i, range));
      at_ = i.b;
      return;
    }
    loops_[i.a] = {.range = std::move(range)};
  }

  Value not_a_range(const Instruction& i, const Value& range) const {
    if (program_.loops[i.a].has_two) {
      return Value::error("unsupported comprehension range type: " + go_type_name(range));
    }
    return Value::error("got '" + go_type_name(range) + "', expected iterable type");
  }

  void loop_next(const Instruction& i) {
    Loop& loop = loops_[i.a];
    const bool has_two = program_.loops[i.a].has_two;
    while (loop.position < loop.range.size()) {
      const std::size_t position = loop.position++;
      if (loop.range.kind() == Kind::kList) {
        Value element = loop.range.element(position);
        loop.first = has_two ? Value::integer(static_cast<std::int64_t>(position)) : element;
        loop.second = std::move(element);
        return;
      }
      if (auto entry = loop.range.entry(position)) {
        loop.first = std::move(entry->first);
        loop.second = std::move(entry->second);
        return;
      }
    }
    at_ = i.b;
  }

  const Program& program_;
  const Activation activation_;
  const std::uint64_t limit_;
  std::vector<Value> stack_;
  std::vector<Frame> frames_;
  std::vector<Loop> loops_;
  std::vector<std::uint32_t> returns_;
  std::uint32_t at_ = 0;
  std::uint64_t cost_ = 0;
  std::uint64_t copied_ = 0;
  bool is_over_ = false;
  bool is_cancelled_ = false;
  Value result_;
};

}  // namespace

Evaluation run(const Program& program, Activation activation, std::uint64_t cost_limit) {
  return Machine(program, activation, cost_limit).run();
}

}  // namespace klutch::apiserver::cel

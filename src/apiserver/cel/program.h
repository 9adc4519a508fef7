// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/cel/call_cost.h"
#include "apiserver/cel/checker.h"
#include "apiserver/cel/functions.h"
#include "apiserver/cel/value.h"
#include "apiserver/schema/pattern.h"
#include "base/result.h"

// A checked expression as code for a machine with a stack of values, so that evaluation does not recurse.
// What cel-go's planner decides at this point is decided here: constants are folded, tests of membership in
// constant lists become sets, constant patterns are compiled. Immutable. Internal.

namespace klutch::apiserver::cel {

enum class Op : std::uint8_t {
  kConstant,         ///< Pushes constant a.
  kVariable,         ///< Pushes variable a of the activation.
  kFirst,            ///< Pushes the element or key of loop a.
  kSecond,           ///< Pushes the value of loop a that has two variables.
  kLoadAccumulator,  ///< Pushes what loop a gathered; computes the initial value first, if need be.
  kTakeAccumulator,  ///< The same, leaving nothing behind: a new value comes before anybody looks.
  // Chains of selections. Whether one may find nothing, because it stands behind '?', is a frame of its own.
  kAttribute,     ///< Begins a chain.
  kRoot,          ///< Makes the value on top the first of the chain: unwraps optionals, jumps to b on errors.
  kField,         ///< Selects constant a; jumps to b when there is nothing. flag: may be absent.
  kIndex,         ///< Selects the value on top. As kField.
  kTest,          ///< has(): whether constant a is there.
  kEndAttribute,  ///< Ends a chain; costs a. flag: of has().
  kBranch,        ///< Takes a condition: goes on, or jumps to a, or to b on errors.
  kJump,          ///< Jumps to b.
  kAndLeft,       ///< Jumps to b when the value on top decides.
  kAndRight,
  kOrLeft,
  kOrRight,
  kOptionalOr,       ///< Jumps to b unless the optional on top is empty.
  kOptionalOrValue,  ///< The same, and unwraps it.
  kCheck,            ///< An error on top replaces the a values below it, costs c and jumps to b.
  kCheckOptional,    ///< The same for what is not an optional. flag: of a map, whose key is below.
  kCall,             ///< Call a.
  kNotStrictlyFalse,
  kMember,  ///< Whether the value on top is in set a.
  kList,    ///< Makes a list of a values. b: mask of optional ones, or kNoMask.
  kMap,     ///< The same for a pairs.
  kObject,  ///< Refuses to make an object of a values with the name in constant b.
  // Loops.
  kLoopBegin,      ///< Takes the range of loop a; jumps to b on errors.
  kLoopNext,       ///< Sets the variables of loop a to the next element; jumps to b after the last.
  kLoopCondition,  ///< Jumps to b when the condition on top is false.
  kLoopStore,      ///< Takes the accumulator of loop a; jumps to b.
  kLoopEnd,        ///< Forgets the elements of loop a.
  kReturn,         ///< Ends the computation of an initial accumulator, of loop a.
  kFinish,
};

inline constexpr std::uint32_t kNoMask = static_cast<std::uint32_t>(-1);

struct Instruction {
  Op op;
  bool flag = false;
  std::uint16_t c = 0;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
};

struct CallPlan {
  const Function* function = nullptr;
  /// Null when values decide which one it is.
  const Overload* overload = nullptr;
  std::uint32_t arguments = 0;
  bool is_variadic = false;
  /// For calls with constant patterns: what stands behind argument 1.
  std::shared_ptr<const Pattern> pattern = {};
  CallCost cost = nullptr;
};

struct LoopPlan {
  bool has_two = false;
  /// Where the initial accumulator is computed; or a constant, if it is one.
  std::uint32_t initial = 0;
  std::uint32_t constant = kNoMask;
};

struct Program {
  std::vector<Instruction> code;
  std::vector<Value> constants;
  std::vector<std::string> variables;
  std::vector<CallPlan> calls;
  std::vector<LoopPlan> loops;
  /// Maps whose keys are the members.
  std::vector<Value> sets;
  std::vector<std::vector<bool>> masks;
};

/// kInvalid where cel-go would not make a program, with its text.
Result<Program> plan(const CheckedAst& checked);

}  // namespace klutch::apiserver::cel

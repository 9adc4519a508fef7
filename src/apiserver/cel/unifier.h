// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "apiserver/cel/type.h"

// Finds out which types the variables stand for that the checker puts in place of type parameters, as
// cel-go's checker does, and with its idea of what can be assigned to what: dyn goes everywhere, null goes
// to objects and times, and the most general of two types wins. Work and recursion are bounded: what exceeds
// the bounds counts as not assignable, or as dyn. Internal.

namespace klutch::apiserver::cel {

class Unifier {
 public:
  Type new_variable() { return Type::variable(variables_++); }

  /// Whether one fits the other; remembers what variables had to stand for. Nothing is remembered when not.
  bool is_assignable(const Type& to, const Type& from);
  bool is_assignable(std::span<const Type> to, std::span<const Type> from);
  /// `type` with everything in place that is known; other variables become dyn on demand.
  [[nodiscard]] Type substitute(const Type& type, bool variables_to_dyn) const;

 private:
  /// What is left of one question.
  struct Bounds {
    std::uint32_t steps = 50'000;
    std::uint32_t depth = 250;

    bool enter() noexcept {
      if (steps == 0 || depth == 0) return false;
      --steps;
      --depth;
      return true;
    }
    void leave() noexcept { ++depth; }
  };

  /// What a variable stands for, or null.
  [[nodiscard]] const Type* find(const Type& variable) const noexcept;
  void set(const Type& variable, const Type& type);
  void undo();

  bool assign(const Type& to, const Type& from, Bounds& bounds);
  bool assign_kinds(const Type& to, const Type& from, Bounds& bounds);
  bool assign_all(std::span<const Type> to, std::span<const Type> from, Bounds& bounds);
  /// Whether `variable` can stand for `type`, and whether it stood for something before.
  std::pair<bool, bool> bind(const Type& type, const Type& variable, Bounds& bounds);
  [[nodiscard]] bool occurs(const Type& variable, const Type& type, Bounds& bounds) const;
  [[nodiscard]] Type substitute(const Type& type, bool variables_to_dyn, Bounds& bounds) const;

  struct Change {
    std::size_t variable;
    Type before;
  };

  std::uint32_t variables_ = 0;
  std::vector<Type> bindings_;  // by number of the variable
  std::vector<Change> changes_;
};

/// `type`, or what an optional of it holds.
Type unwrap_optional(const Type& type);
/// The one that takes values of both.
const Type& most_general(const Type& a, const Type& b);

}  // namespace klutch::apiserver::cel

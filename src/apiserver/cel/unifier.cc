// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/unifier.h"

namespace klutch::apiserver::cel {
namespace {

bool is_dyn_or_error(const Type& type) {
  return type.is(TypeKind::kDyn) || type.is(TypeKind::kError);
}

bool takes_null(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kOpaque:
    case TypeKind::kStruct:
    case TypeKind::kDuration:
    case TypeKind::kTimestamp:
    case TypeKind::kNull: return true;
    default: return false;
  }
}

bool is_equal_or_less_specific(const Type& a, const Type& b) {
  if (a.is(TypeKind::kDyn) || a.is(TypeKind::kTypeParam)) return true;
  if (b.is(TypeKind::kDyn) || b.is(TypeKind::kTypeParam)) return false;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case TypeKind::kOpaque:
      if (a.name() != b.name() || a.parameters().size() != b.parameters().size()) return false;
      break;
    case TypeKind::kList:
    case TypeKind::kMap: break;
    case TypeKind::kType: return true;
    default: return a.is_exactly(b);
  }
  for (std::size_t i = 0; i < a.parameters().size(); ++i) {
    if (!is_equal_or_less_specific(a.parameters()[i], b.parameters()[i])) return false;
  }
  return true;
}

}  // namespace

Type unwrap_optional(const Type& type) {
  return type.is_optional() && !type.parameters().empty() ? type.parameters()[0] : type;
}

const Type& most_general(const Type& a, const Type& b) {
  return is_equal_or_less_specific(a, b) ? a : b;
}

const Type* Unifier::find(const Type& variable) const noexcept {
  const std::int64_t number = variable.variable_number();
  if (number < 0 || static_cast<std::size_t>(number) >= bindings_.size()) return nullptr;
  const Type& binding = bindings_[static_cast<std::size_t>(number)];
  return binding ? &binding : nullptr;
}

void Unifier::set(const Type& variable, const Type& type) {
  if (variable.variable_number() < 0) return;
  const auto number = static_cast<std::size_t>(variable.variable_number());
  if (bindings_.size() <= number) bindings_.resize(number + 1);
  changes_.push_back({.variable = number, .before = bindings_[number]});
  bindings_[number] = type;
}

void Unifier::undo() {
  while (!changes_.empty()) {
    bindings_[changes_.back().variable] = changes_.back().before;
    changes_.pop_back();
  }
}

bool Unifier::is_assignable(const Type& to, const Type& from) {
  changes_.clear();
  Bounds bounds;
  if (assign(to, from, bounds)) return true;
  undo();
  return false;
}

bool Unifier::is_assignable(std::span<const Type> to, std::span<const Type> from) {
  changes_.clear();
  Bounds bounds;
  if (assign_all(to, from, bounds)) return true;
  undo();
  return false;
}

bool Unifier::assign(const Type& to, const Type& from, Bounds& bounds) {
  if (!bounds.enter()) return false;
  const bool assigned = assign_kinds(to, from, bounds);
  bounds.leave();
  return assigned;
}

bool Unifier::assign_kinds(const Type& to, const Type& from, Bounds& bounds) {
  if (from.is(TypeKind::kTypeParam)) {
    const auto [valid, was_bound] = bind(to, from, bounds);
    if (valid) return true;
    if (was_bound) return false;
  }
  if (to.is(TypeKind::kTypeParam)) return bind(from, to, bounds).first;
  if (is_dyn_or_error(to) || is_dyn_or_error(from)) return true;
  if (to.is(TypeKind::kNull)) return takes_null(from);
  if (from.is(TypeKind::kNull)) return takes_null(to);
  if (to.kind() != from.kind()) return false;
  switch (to.kind()) {
    case TypeKind::kType: return true;
    case TypeKind::kOpaque:
    case TypeKind::kList:
    case TypeKind::kMap:
      return to.name() == from.name() && assign_all(to.parameters(), from.parameters(), bounds);
    default: return to.name() == from.name();
  }
}

bool Unifier::assign_all(std::span<const Type> to, std::span<const Type> from, Bounds& bounds) {
  if (to.size() != from.size()) return false;
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (!assign(to[i], from[i], bounds)) return false;
  }
  return true;
}

std::pair<bool, bool> Unifier::bind(const Type& type, const Type& variable, Bounds& bounds) {
  if (type.is_exactly(variable)) return {true, true};
  if (const Type* found = find(variable)) {
    const Type bound = *found;
    if (type.is_exactly(bound)) return {true, true};
    if (!assign(type, bound, bounds)) return {false, true};
    const Type& general = most_general(type, bound);
    if (!occurs(variable, general, bounds)) set(variable, general);
    return {true, true};
  }
  if (occurs(variable, type, bounds)) return {false, false};
  set(variable, type);
  return {true, false};
}

bool Unifier::occurs(const Type& variable, const Type& type, Bounds& bounds) const {
  if (variable.is_exactly(type) || !bounds.enter()) return true;
  bool found = false;
  if (const Type* bound = find(type)) found = occurs(variable, *bound, bounds);
  for (const Type& parameter : type.parameters()) found = found || occurs(variable, parameter, bounds);
  bounds.leave();
  return found;
}

Type Unifier::substitute(const Type& type, bool variables_to_dyn) const {
  Bounds bounds;
  return substitute(type, variables_to_dyn, bounds);
}

Type Unifier::substitute(const Type& type, bool variables_to_dyn, Bounds& bounds) const {
  const Type* bound = find(type);
  if (bound == nullptr && type.parameters().empty()) {
    return type.is(TypeKind::kTypeParam) && variables_to_dyn ? Type::dyn() : type;
  }
  if (!bounds.enter()) return Type::dyn();
  Type result = type;
  if (bound != nullptr) {
    result = substitute(*bound, variables_to_dyn, bounds);
  } else {
    std::vector<Type> parameters;
    bool changed = false;
    for (const Type& parameter : type.parameters()) {
      parameters.push_back(substitute(parameter, variables_to_dyn, bounds));
      changed = changed || !parameters.back().is_same(parameter);
    }
    if (changed) result = type.with_parameters(std::move(parameters));
  }
  bounds.leave();
  return result;
}

}  // namespace klutch::apiserver::cel

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apiserver/schema/field_error.h"
#include "apiserver/schema/structural_schema.h"
#include "json/value.h"

// x-kubernetes-validations: what is wrong with the rules of a schema when a CustomResourceDefinition is
// written, and with an object by the rules of its schema. Texts, budgets and the order of decisions are those
// of Kubernetes 1.34. CompiledRules are immutable and shared by any threads; rules are compiled when an
// object first meets them. Nothing suspends; the stack needed is bounded by the depth of schemas. What a user
// did wrong is in the FieldErrors; nothing else fails.
//
//   const auto rules = CompiledRules::of(schema);                       // once per version of a CRD
//   if (auto reason = reason_not_to_check_rules(errors)) errors.push_back(*reason);
//   else append(errors, check_rules(*rules, object, old));              // old: null pointer on create

namespace klutch::apiserver {

class RuleNode;

class CompiledRules {
 public:
  /// Never null. Keeps the schema alive. Without `resource_root` it is that of a part of an object, as where
  /// a default is checked: rules see no metadata then.
  static std::shared_ptr<const CompiledRules> of(SchemaPtr schema, bool resource_root = true);

  CompiledRules(const CompiledRules&) = delete;
  CompiledRules& operator=(const CompiledRules&) = delete;
  ~CompiledRules();

  /// Whether no object can break a rule, because there is none.
  [[nodiscard]] bool empty() const noexcept { return root_ == nullptr; }
  /// For the implementation.
  [[nodiscard]] const RuleNode* root() const noexcept { return root_.get(); }

 private:
  CompiledRules(SchemaPtr schema, bool resource_root);

  SchemaPtr schema_;
  std::unique_ptr<const RuleNode> root_;
};

/// The rules that `object`, defaulted and pruned, breaks. `old` is what it replaces, or null: rules that
/// mention oldSelf are for updates. On updates, rules that do not mention it are tolerated where nothing
/// changed; what they say goes to `warnings`.
FieldErrors check_rules(const CompiledRules& rules, const json::Value& object,
                        const json::Value* old = nullptr, std::vector<std::string>* warnings = nullptr);

/// Rules are not checked on an object that does not fit its schema in certain ways; then this error is added
/// to `errors` instead.
std::optional<FieldError> reason_not_to_check_rules(const FieldErrors& errors);

struct RuleValidationOptions {
  /// The schemas of all versions of the CRD before it was changed: an expression that was there may use all
  /// functions, a new one those of the Kubernetes version before.
  std::span<const SchemaPtr> previous = {};
  /// Expressions are compiled only when nothing else is wrong with the schema.
  bool compile = true;
  /// Whether the cost of each expression has a limit, and not only that of all: not for a version whose
  /// schema an update leaves as it was.
  bool limits_each_cost = true;
};

/// What is wrong with the rules of a schema, and how much it might cost to check them; `path` is where the
/// schema stands in the CRD.
FieldErrors validate_rules_of_schema(const FieldPath& path, const StructuralSchema& schema,
                                     const RuleValidationOptions& options = {});

}  // namespace klutch::apiserver

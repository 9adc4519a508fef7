// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "apiserver/cel/expression.h"
#include "apiserver/cel/schema.h"
#include "apiserver/schema/structural_schema.h"
#include "base/result.h"

// One entry of x-kubernetes-validations, compiled. Internal.

namespace klutch::apiserver {

struct CompiledRule {
  /// Nothing when the rule is empty or wrong.
  std::optional<cel::Expression> rule = {};
  std::optional<cel::Expression> message = {};
  /// Why there is none.
  std::string rule_error = {};
  std::string message_error = {};
  bool uses_old_self = false;
  /// What the error's path gets in addition.
  std::string field_path = {};
};

struct KubeMinors {
  int rule = 34;
  int message = 34;
};

/// `node` is the exposed part of `root` that the rule is for, `schema` the same part.
CompiledRule compile_rule(const ValidationRule& rule, const std::shared_ptr<const cel::Schema>& node,
                          const StructuralSchema& schema, KubeMinors minors = {});

/// The place that a rule's fieldPath (".spec.size", ".labels['a.b']") leads to from `schema` on, as text;
/// kInvalid when it leads nowhere.
Result<std::string> resolve_field_path(std::string_view path, const StructuralSchema& schema);

}  // namespace klutch::apiserver

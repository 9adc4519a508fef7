// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/cel/rule.h"
#include "apiserver/cel/schema.h"
#include "apiserver/schema/structural_schema.h"

// The rules of a schema as a tree with the parts that have rules, here or below. Internal.

namespace klutch::apiserver {

class RuleNode {
 public:
  /// Null when there are no rules. `rules` says which rules there are: `schema` itself, or what stands in its
  /// allOf. `node` is what CEL sees, null if nothing; it and its root live as long as `root`.
  static std::unique_ptr<const RuleNode> make(const StructuralSchema& rules, const StructuralSchema& schema,
                                              const cel::Schema* node,
                                              const std::shared_ptr<const cel::Schema>& root);

  [[nodiscard]] const StructuralSchema& schema() const noexcept { return schema_; }
  /// Null when CEL cannot see the values.
  [[nodiscard]] const cel::Schema* node() const noexcept { return node_; }
  [[nodiscard]] const std::vector<ValidationRule>& rules() const noexcept { return rules_.rules(); }
  /// In the order of rules(). Compiles them when first called; for nodes that CEL can see.
  [[nodiscard]] const std::vector<CompiledRule>& compiled() const;

  [[nodiscard]] const RuleNode* items() const noexcept { return items_.get(); }
  [[nodiscard]] const RuleNode* additional() const noexcept { return additional_.get(); }
  [[nodiscard]] const RuleNode* find_property(std::string_view name) const noexcept;
  [[nodiscard]] bool has_properties() const noexcept { return !properties_.empty(); }
  [[nodiscard]] const std::vector<std::unique_ptr<const RuleNode>>& all_of() const noexcept {
    return all_of_;
  }

 private:
  RuleNode(const StructuralSchema& rules, const StructuralSchema& schema, const cel::Schema* node,
           std::shared_ptr<const cel::Schema> root);
  void add_children();
  void add_property(const SchemaProperty& property);
  [[nodiscard]] bool has_any() const noexcept;

  const StructuralSchema& rules_;
  const StructuralSchema& schema_;
  const cel::Schema* node_;
  std::shared_ptr<const cel::Schema> root_;
  std::unique_ptr<const RuleNode> items_;
  std::unique_ptr<const RuleNode> additional_;
  std::vector<std::pair<std::string_view, std::unique_ptr<const RuleNode>>> properties_;  // sorted by name
  std::vector<std::unique_ptr<const RuleNode>> all_of_;
  mutable std::once_flag once_;
  mutable std::vector<CompiledRule> compiled_;
};

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/compiled_rules.h"

#include <algorithm>

#include "apiserver/cel/validation_rules.h"

namespace klutch::apiserver {
namespace {

std::string_view name_of(const std::pair<std::string_view, std::unique_ptr<const RuleNode>>& property) {
  return property.first;
}

}  // namespace

RuleNode::RuleNode(const StructuralSchema& rules, const StructuralSchema& schema, const cel::Schema* node,
                   std::shared_ptr<const cel::Schema> root)
    : rules_(rules), schema_(schema), node_(node), root_(std::move(root)) {}

std::unique_ptr<const RuleNode> RuleNode::make(const StructuralSchema& rules, const StructuralSchema& schema,
                                               const cel::Schema* node,
                                               const std::shared_ptr<const cel::Schema>& root) {
  if (node != nullptr && !node->is_exposed()) node = nullptr;
  std::unique_ptr<RuleNode> made(new RuleNode(rules, schema, node, root));
  made->add_children();
  if (!made->has_any()) return nullptr;
  return made;
}

bool RuleNode::has_any() const noexcept {
  return !rules().empty() || items_ != nullptr || additional_ != nullptr || !properties_.empty() ||
         !all_of_.empty();
}

// As deep as a schema may be.
void RuleNode::add_children() {
  const cel::Schema* elements = node_ == nullptr ? nullptr : node_->elements();
  if (rules_.items != nullptr && schema_.items != nullptr) {
    items_ = make(*rules_.items, *schema_.items, elements, root_);
  }
  for (const SchemaProperty& property : rules_.properties) add_property(property);
  if (rules_.additional() != nullptr && schema_.additional() != nullptr) {
    additional_ = make(*rules_.additional(), *schema_.additional(), elements, root_);
  }
  if (rules_.details == nullptr || rules_.details->combination == nullptr) return;
  for (const SchemaPtr& branch : rules_.details->combination->all_of) {
    if (auto made = make(*branch, schema_, node_, root_)) all_of_.push_back(std::move(made));
  }
}

/// Fields that CEL cannot see have no rules, except those that it only cannot name.
void RuleNode::add_property(const SchemaProperty& property) {
  const StructuralSchema* schema = schema_.find_property(property.key());
  if (schema == nullptr || node_ == nullptr) return;
  const cel::Schema* node = node_->find_property(property.key());
  if (node == nullptr || !node->is_exposed()) return;
  auto made = make(*property.schema, *schema, node, root_);
  if (made != nullptr) properties_.emplace_back(property.key(), std::move(made));
}

const RuleNode* RuleNode::find_property(std::string_view name) const noexcept {
  const auto found = std::ranges::lower_bound(properties_, name, {}, name_of);
  return found == properties_.end() || found->first != name ? nullptr : found->second.get();
}

const std::vector<CompiledRule>& RuleNode::compiled() const {
  std::call_once(once_, [this] {
    const std::shared_ptr<const cel::Schema> node(root_, node_);
    for (const ValidationRule& rule : rules()) compiled_.push_back(compile_rule(rule, node, schema_));
  });
  return compiled_;
}

CompiledRules::CompiledRules(SchemaPtr schema, bool resource_root) : schema_(std::move(schema)) {
  if (!schema_->has_rules) return;
  const auto root = cel::Schema::from_structural(*schema_, {.resource_root = resource_root});
  root_ = RuleNode::make(*schema_, *schema_, root.get(), root);
}

CompiledRules::~CompiledRules() = default;

std::shared_ptr<const CompiledRules> CompiledRules::of(SchemaPtr schema, bool resource_root) {
  return std::shared_ptr<const CompiledRules>(new CompiledRules(std::move(schema), resource_root));
}

}  // namespace klutch::apiserver

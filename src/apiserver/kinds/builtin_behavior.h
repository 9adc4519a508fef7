// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/kinds/kind_rules.h"
#include "apiserver/registry/resource.h"

// A built-in kind as the server treats it: read by its facts, with the defaults of its messages, and what its
// KindRules say. Private to this library; immutable.

namespace klutch::apiserver {

class BuiltinBehavior : public ResourceBehavior {
 public:
  BuiltinBehavior(const ResourceFacts& facts, KindRules rules);

  [[nodiscard]] Result<ReadObject> read(json::Value object) const override;
  [[nodiscard]] json::Value blank() const override { return zero_; }
  [[nodiscard]] bool has_status_subresource() const override { return has_status_; }
  [[nodiscard]] bool counts_generations() const override { return rules_.counts_generations; }
  [[nodiscard]] bool generations_count_annotations() const override { return rules_.annotations_count; }
  [[nodiscard]] bool allows_unconditional_update() const override { return rules_.unconditional_update; }
  [[nodiscard]] bool allows_create_on_update() const override { return rules_.create_on_update; }
  void prepare_create(json::Value& object, Time now) const override;
  void prepare_update(json::Value& object, const json::Value& old, std::string_view subresource,
                      Time now) const override;
  [[nodiscard]] FieldErrors validate_create(const json::Value& object) const override;
  [[nodiscard]] FieldErrors validate_update(const json::Value& object, const json::Value& old,
                                            std::string_view subresource) const override;
  [[nodiscard]] std::vector<std::string> warnings(const json::Value& object,
                                                  const json::Value* old) const override;
  [[nodiscard]] std::optional<std::string> selectable_field(const json::Value& object,
                                                            std::string_view field) const override;
  [[nodiscard]] bool is_selectable(std::string_view field) const override;
  [[nodiscard]] OwnershipTypes ownership(std::string_view subresource) const override;
  [[nodiscard]] const ScalePaths* scale() const override { return rules_.scale; }

 protected:
  [[nodiscard]] const ResourceFacts& facts() const noexcept { return facts_; }

 private:
  const ResourceFacts& facts_;
  KindRules rules_;
  json::Value zero_ = {};  // what Go writes of an object in which nothing is set
  bool has_status_ = false;
};

/// The behavior of a resource, and of the special ones among them.
std::shared_ptr<const ResourceBehavior> make_namespace_behavior(const ResourceFacts& facts);
/// Stored as core/v1 events.
std::shared_ptr<const ResourceBehavior> make_event_view(const ResourceFacts& facts);

}  // namespace klutch::apiserver

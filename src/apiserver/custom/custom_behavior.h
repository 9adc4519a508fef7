// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/custom/served_definition.h"
#include "apiserver/registry/resource.h"
#include "apiserver/schema/json_path.h"

// What objects of one version of a CustomResourceDefinition go through. Private to this library.

namespace klutch::apiserver {

class CustomBehavior final : public ResourceBehavior {
 public:
  CustomBehavior(std::shared_ptr<const ServedDefinition> definition, std::size_t version);

  [[nodiscard]] Result<ReadObject> read(json::Value object) const override;
  [[nodiscard]] bool serves_as_stored(const StoredObject& stored) const override;
  void from_stored(json::Value& object) const override;
  void to_stored(json::Value& object) const override;
  [[nodiscard]] bool has_status_subresource() const override { return version().has_status; }
  [[nodiscard]] bool counts_generations() const override { return true; }
  [[nodiscard]] bool allows_unconditional_update() const override { return false; }
  [[nodiscard]] FieldErrors validate_create(const json::Value& object) const override;
  [[nodiscard]] FieldErrors validate_update(const json::Value& object, const json::Value& old,
                                            std::string_view subresource) const override;
  [[nodiscard]] std::vector<std::string> warnings(const json::Value& object,
                                                  const json::Value* old) const override;
  [[nodiscard]] std::optional<std::string> selectable_field(const json::Value& object,
                                                            std::string_view field) const override;
  [[nodiscard]] bool is_selectable(std::string_view field) const override;
  [[nodiscard]] OwnershipTypes ownership(std::string_view subresource) const override;
  [[nodiscard]] const ScalePaths* scale() const override { return scale_ ? &*scale_ : nullptr; }
  [[nodiscard]] json::Value openapi_schema() const override;

 private:
  [[nodiscard]] const ServedVersion& version() const { return definition_->versions()[version_]; }
  /// Removes what the schema of `version` does not know; gives the paths if they are asked for.
  std::vector<std::string> prune_to(json::Value& object, std::size_t version, bool report) const;
  /// Adds what the rules of the schema say, unless so much is wrong already that they cannot be asked.
  void check_own_rules(FieldErrors& errors, const json::Value& object, const json::Value* old) const;
  void rename(json::Value& object, std::size_t version) const;

  std::shared_ptr<const ServedDefinition> definition_;
  std::size_t version_;
  std::optional<ScalePaths> scale_ = {};
  std::vector<std::pair<std::string, JsonPath>> selectable_ = {};
};

}  // namespace klutch::apiserver

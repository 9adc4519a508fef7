// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/cel/validation_rules.h"
#include "apiserver/ownership/merge_type.h"
#include "apiserver/registry/resource.h"
#include "apiserver/schema/structural_schema.h"
#include "apiserver/storage/stored_object.h"
#include "base/result.h"
#include "json/value.h"

// A CustomResourceDefinition as all of its versions share it while it is served. Immutable to its users; what
// is made later is made once, whichever thread asks first. Private to this library.

namespace klutch::apiserver {

/// The paths of a scale subresource as they are written, for messages.
struct ScaleTexts {
  std::string spec_replicas = {};
  std::string status_replicas = {};
  std::optional<std::string> label_selector = {};
};

struct ServedVersion {
  std::string name = {};
  bool served = false;
  bool storage = false;
  bool has_status = false;
  std::string deprecation_warning = {};  ///< empty: not deprecated
  std::optional<ScaleTexts> scale = {};
  std::vector<std::string> selectable_fields = {};  ///< JSONPaths: ".spec.color"
};

class ServedDefinition {
 public:
  /// Null if nothing is served of it.
  static std::shared_ptr<const ServedDefinition> read(const StoredPtr& stored, SchemaPool& pool);

  ServedDefinition(StoredPtr stored, SchemaPool& pool) : stored_(std::move(stored)), pool_(pool) {}

  [[nodiscard]] const std::vector<ServedVersion>& versions() const noexcept { return versions_; }
  /// What is the same for all versions; type.version is empty.
  [[nodiscard]] const ResourceDescription& description() const noexcept { return description_; }
  [[nodiscard]] std::string api_version(std::size_t version) const;
  /// The version with this apiVersion.
  [[nodiscard]] std::optional<std::size_t> find_version(std::string_view api_version) const;
  [[nodiscard]] std::size_t storage_version() const noexcept { return storage_version_; }
  [[nodiscard]] Revision revision() const noexcept { return stored_->revision(); }
  /// spec.preserveUnknownFields, which only definitions of old have.
  [[nodiscard]] bool preserves_unknown_fields() const noexcept { return preserves_unknown_fields_; }

  /// Null for a version without a schema, of whose objects only metadata is kept. kInternal for one that
  /// cannot be applied, which validation of definitions does not let through.
  [[nodiscard]] Result<SchemaPtr> schema(std::size_t version) const;
  /// The same; null also for what cannot be applied.
  [[nodiscard]] const StructuralSchema* find_schema(std::size_t version) const;
  /// The rules of a version's schema; null: there are none.
  [[nodiscard]] std::shared_ptr<const CompiledRules> rules(std::size_t version) const;
  /// Whether objects that came through one version may lack what reading them from the store would add.
  [[nodiscard]] bool fills_on_read() const;
  [[nodiscard]] TypeRef merge_type(std::size_t version) const;
  /// The version as it stands in the definition, read anew.
  [[nodiscard]] json::Value version_json(std::size_t version) const;

 private:
  struct Schemas {
    std::vector<Result<SchemaPtr>> of_versions = {};
    std::vector<std::shared_ptr<const CompiledRules>> rules = {};  ///< null: none
    bool fills_on_read = false;
  };
  bool read_spec(const json::Value& spec, const json::Value& status);
  void read_version(const json::Value& version);
  [[nodiscard]] const Schemas& schemas() const;

  StoredPtr stored_;
  SchemaPool& pool_;
  ResourceDescription description_ = {};
  std::vector<ServedVersion> versions_ = {};
  std::size_t storage_version_ = 0;
  bool preserves_unknown_fields_ = false;

  mutable std::once_flag schemas_once_ = {};
  mutable Schemas schemas_ = {};
  mutable std::once_flag merge_once_ = {};
  mutable std::unique_ptr<MergeSchema> merge_schema_ = {};
  mutable std::vector<TypeRef> merge_type_of_ = {};
};

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"

// spec of a CustomResourceDefinition as Kubernetes' validation sees it: what is the same in all versions
// stands beside them instead of in them, which decides the paths in error texts. Refers to the spec, which
// must outlive it. Private to this library.

namespace klutch::apiserver {

/// Parts of a version that may be the same for all. Null pointers and empty lists: absent.
struct VersionParts {
  const json::Value* schema = nullptr;  ///< {"openAPIV3Schema": ...}
  const json::Value* subresources = nullptr;
  std::span<const json::Value> columns = {};
  std::span<const json::Value> selectable_fields = {};

  /// The openAPIV3Schema, or null pointer.
  [[nodiscard]] const json::Value* openapi_schema() const {
    return schema == nullptr ? nullptr : schema->find_object("openAPIV3Schema");
  }
  [[nodiscard]] bool has_status() const {
    return subresources != nullptr && subresources->find_object("status") != nullptr;
  }
};

struct DefinitionView {
  struct Version {
    const json::Value* json = nullptr;
    VersionParts own = {};  ///< without what is shared
  };

  explicit DefinitionView(const json::Value& definition);

  const json::Value& definition;
  const json::Value& spec;
  const json::Value& names;
  std::vector<Version> versions = {};
  VersionParts shared = {};
  std::string first_version = {};
  bool preserve_unknown_fields = false;

  /// Every openAPIV3Schema, shared ones once.
  [[nodiscard]] std::vector<const json::Value*> schemas() const;
  /// The openAPIV3Schema of a version; null pointer: it has none.
  [[nodiscard]] const json::Value* schema_of(const Version& version) const;
  /// spec.versions as error texts have it.
  [[nodiscard]] std::string versions_text() const;
};

}  // namespace klutch::apiserver

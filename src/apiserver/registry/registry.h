// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/registry/resource.h"
#include "apiserver/storage/storage.h"

// All resources that the server offers now: the built-in ones, and those of every CustomResourceDefinition
// that is Established. It reads the definitions from the store when asked, so that it is never behind what
// clients have seen. Loop thread only.
//
//   const ServedPtr widgets = registry.find("ex.io", "v1", "widgets");  // null: 404

namespace klutch::apiserver {

/// The type of CustomResourceDefinitions in the store.
inline constexpr std::string_view kDefinitionsType = "customresourcedefinitions.apiextensions.k8s.io";

/// The resources of one CustomResourceDefinition, one for each served version.
using DefinitionReader = std::function<std::vector<ServedPtr>(const StoredPtr& definition)>;

/// Versions of a group in the order of preference: v2, v1, v1beta2, v1alpha1, then others by name
/// (apimachinery, CompareKubeAwareVersionStrings). True if `a` comes before `b`.
bool is_preferred_version(std::string_view a, std::string_view b);

class Registry {
 public:
  /// `storage` must outlive it.
  Registry(Storage& storage, std::vector<ServedPtr> builtin, DefinitionReader read_definition);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// Null if nothing is served there.
  [[nodiscard]] ServedPtr find(std::string_view group, std::string_view version, std::string_view resource);
  /// By the type in the store, in the version that is stored or else the preferred one; null: unknown.
  [[nodiscard]] ServedPtr find_stored(std::string_view storage_type);
  /// By apiVersion and kind; null: unknown.
  [[nodiscard]] ServedPtr find_kind(std::string_view api_version, std::string_view kind);
  struct Version {
    std::string version = {};
    std::vector<ServedPtr> resources = {};  ///< sorted by name
  };
  struct Group {
    std::string name = {};
    std::vector<Version> versions = {};  ///< the preferred one first
  };
  /// The core group first, then by name.
  [[nodiscard]] const std::vector<Group>& groups();
  /// Changes whenever anything above does: for caches of what is made from it.
  [[nodiscard]] std::uint64_t generation();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace klutch::apiserver

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apiserver/ownership/field_set.h"
#include "apiserver/ownership/merge_type.h"
#include "base/result.h"
#include "json/value.h"

// What the walks over typed values share. Private to this library.

namespace klutch::apiserver {

/// The forms of a type that a value may have: those that are left once the value is known.
struct Forms {
  const MergeType::Map* map = nullptr;
  const MergeType::Scalar* scalar = nullptr;
  const MergeType::List* list = nullptr;
  bool operator==(const Forms&) const = default;
};

/// Narrowed by `value` where it fits one of them; a null pointer or null fits all.
Forms forms_of(TypeRef type, const json::Value* value);

/// What identifies an item of a set or list map. kInvalid if it lacks what it takes.
Result<PathElement> element_of(const MergeType::List& list, const json::Value& item);

/// Texts with their paths; paths grow from the leaf up.
class WalkErrors {
 public:
  void add(std::string path, std::string text);
  /// For a plain text at the current place.
  void add(std::string text) { add({}, std::move(text)); }
  void append(WalkErrors other, const std::string& prefix);
  [[nodiscard]] bool empty() const noexcept { return errors_.empty(); }
  /// "path: text", or a list of them under "errors:".
  [[nodiscard]] Error to_error() const;

 private:
  struct Entry {
    std::string path;
    std::string text;
  };
  std::vector<Entry> errors_;
};

/// "expected map, got &{...}": `value` as Go's %v prints what Kubernetes reads it into.
std::string unexpected_value(std::string_view wanted, const json::Value& value);

/// Empty if `value` is null, missing or of that scalar type.
std::optional<std::string> scalar_error(MergeType::Scalar scalar, const json::Value* value);

/// Null unless `value` is an object or array, respectively.
inline const json::Value* as_map(const json::Value* value) {
  return value != nullptr && value->is_object() ? value : nullptr;
}
inline const json::Value* as_list(const json::Value* value) {
  return value != nullptr && value->is_array() ? value : nullptr;
}
inline bool is_empty(const json::Value* container) {
  return container == nullptr || container->empty();
}

}  // namespace klutch::apiserver

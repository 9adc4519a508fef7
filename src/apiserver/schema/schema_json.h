// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "json/value.h"

// An openAPIV3Schema as JSON, read the way Go reads it into a struct: null and absent are the same, and so
// are absent and zero for texts, flags and lists. What has another JSON type than it should reads as absent.
// Refers to the value. Private to src/apiserver/schema.

namespace klutch::apiserver {

class SchemaJson {
 public:
  explicit SchemaJson(const json::Value& value) : value_(&value) {}

  [[nodiscard]] const json::Value& value() const noexcept { return *value_; }

  /// Null pointer for what is absent or null.
  [[nodiscard]] const json::Value* find(std::string_view key) const {
    const json::Value* found = value_->find(key);
    return found == nullptr || found->is_null() ? nullptr : found;
  }
  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
  [[nodiscard]] std::string_view text(std::string_view key) const {
    return value_->find_string(key).value_or(std::string_view());
  }
  [[nodiscard]] bool flag(std::string_view key) const { return value_->find_bool(key).value_or(false); }
  [[nodiscard]] std::span<const json::Value> elements(std::string_view key) const {
    const json::Value* found = value_->find_array(key);
    return found == nullptr ? std::span<const json::Value>() : found->elements();
  }
  /// A schema below `key`; null pointer if there is none, or if it is a list of schemas or a flag.
  [[nodiscard]] const json::Value* schema(std::string_view key) const { return value_->find_object(key); }

  using Entry = std::pair<std::string_view, const json::Value*>;
  /// The members of the object below `key`, sorted by name.
  [[nodiscard]] std::vector<Entry> sorted_members(std::string_view key) const;

 private:
  const json::Value* value_;
};

/// Whether all that Kubernetes' structural form keeps of a schema is zero, apart from `ignored` members.
/// `nested`: inside allOf and the like, where an empty `properties` counts as something and
/// `additionalProperties: false` as nothing.
[[nodiscard]] bool is_blank_schema(const json::Value& schema, std::span<const std::string_view> ignored,
                                   bool nested);

/// `anyOf: [{type: integer}, {type: string}]`, the one place in which types may stand in alternatives.
[[nodiscard]] bool is_int_or_string_any_of(std::span<const json::Value> any_of);

}  // namespace klutch::apiserver
